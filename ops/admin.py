"""How an operator's command reaches the engine: sent on the admin socket, answered by a journaled event or a refusal.

A command that no answer came for may have been carried out; the text says so, and nothing is sent twice by itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import zmq

from cfg.model import VenueConfig
from engine.wire.client import Answer, CommandChannel, Diverged, EngineEvents
from engine.wire.endpoints import EngineEndpoints
from engine.wire.messages import AnyMessage, CommandRefused, Reason, Refused, Role, decode
from ops.failure import fail

ANSWER_TIMEOUT_S = 10.0
UNANSWERED = "the engine did not answer: it may have carried this out or may still; look before you repeat it"


def send_admin(
    config: VenueConfig,
    command: bytes,
    is_done: Callable[[AnyMessage], bool],
    is_refused: Callable[[CommandRefused], bool],
    unanswered: str = UNANSWERED,
) -> AnyMessage:
    """Sends one admin command and returns the event that is its verdict; ends the program with a clear line if there is
    none.

    `is_done` sees every event that comes after the command was sent, in order, until it says that one is the verdict.
    """
    endpoints = EngineEndpoints(config.paths.run_dir)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    name = f"ctl-{os.getpid()}"
    events = EngineEvents(context, endpoints, Role.ADMIN, name, next_sequence=0)
    channel = CommandChannel(context, endpoints.admin, name)
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    sent = False
    try:
        while time.monotonic() < deadline:
            for item in events.poll(50):
                if isinstance(item, memoryview):
                    event = decode(item)
                    if sent and is_done(event):
                        return event
                    if sent and isinstance(event, CommandRefused) and event.role == Role.ADMIN and is_refused(event):
                        fail(f"refused: {Reason(event.reason).name}")
                elif isinstance(item, Answer) and isinstance(item.message, Refused):
                    fail(f"refused: {Reason(item.message.reason).name}")
            if not sent and events.caught_up:
                sent = channel.send([command])
        fail(unanswered if sent else "the engine is not there")
    except Diverged as error:  # an engine came back that lost the end of its past, or another one's
        fail(f"{unanswered if sent else 'nothing was sent'} ({error})")
    finally:
        events.close()
        channel.close()
        context.term()
