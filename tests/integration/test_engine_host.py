"""The engine against its host: a clock that jumps, processes of other users at its sockets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.sockets import peer_uid
from engine.wire.messages import TradingState
from tests.fixtures.fix_engine import ALPHA_ACCOUNT, USD, EngineClient, EngineDaemon, wait_for

MakeEngine = Callable[..., EngineDaemon]
MakeClient = Callable[..., EngineClient]
NOBODY = 65_534

#: Shifts CLOCK_REALTIME of one process by the i64 nanoseconds in the file $CLOCK_SHIFT.
CLOCK_SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift_ns;

__attribute__((constructor)) static void map_shift(void) {
    shift_ns = mmap(NULL, 8, PROT_READ, MAP_SHARED, open(getenv("CLOCK_SHIFT"), O_RDONLY), 0);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    const int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME && result == 0) {
        const int64_t ns = time->tv_nsec + *shift_ns % 1000000000 + 1000000000;
        time->tv_sec += *shift_ns / 1000000000 + ns / 1000000000 - 1;
        time->tv_nsec = ns % 1000000000;
    }
    return result;
}
"""


class ShiftedClock:
    """A wall clock of one process that the test can move."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "shift"
        source, self._library = directory / "clock_shim.c", directory / "clock_shim.so"
        source.write_text(CLOCK_SHIM)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", self._library, source], check=True)
        self.shift_s(0)

    def shift_s(self, seconds: int) -> None:
        """Moves the clock, in place: the process has the file mapped."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write((seconds * 10**9).to_bytes(8, "little", signed=True))

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to live by this clock."""
        return {"LD_PRELOAD": str(self._library), "CLOCK_SHIFT": str(self._file)}


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShiftedClock:
    """A clock that engines started from now on live by."""
    shifted = ShiftedClock(tmp_path)
    for name, value in shifted.environment.items():
        monkeypatch.setenv(name, value)
    return shifted


@pytest.mark.parametrize("seconds", [6, -6])
def test_a_clock_jump_halts_for_the_operator(
    clock: ShiftedClock, make_engine: MakeEngine, engine_client: MakeClient, seconds: int
) -> None:
    """A step beyond max_clock_jump_ms ends the engine with an error; with the clock set right it is cancel-only."""
    daemon = make_engine(resume_after_recovery="manual")
    client = engine_client(daemon)
    client.credit(ALPHA_ACCOUNT, USD, 1000, 1)
    client.attach()
    clock.shift_s(seconds)
    assert daemon.wait_exit() == 1
    assert "clock step above max_clock_jump_ms = 5000" in daemon.log
    clock.shift_s(0)
    daemon.start()
    assert daemon.counter("venue_state") == TradingState.CANCEL_ONLY
    client.resumed(epoch=2)


def test_a_small_clock_step_is_followed_without_going_back(
    clock: ShiftedClock, make_engine: MakeEngine, engine_client: MakeClient
) -> None:
    """A step of 4 s either way: the engine serves on, and no event is stamped earlier than the one before it."""
    daemon = make_engine()
    client = engine_client(daemon)
    client.caught_up()
    for deposit_seq, seconds in enumerate((4, 0, -4), 1):
        clock.shift_s(seconds)
        turns = daemon.counter("loop_turns")
        wait_for(lambda n=turns: daemon.counter("loop_turns") > n + 1, "a look at the clock")  # type: ignore[misc]
        expected = client.events.next_sequence + 1
        client.credit(ALPHA_ACCOUNT, USD, 1000, deposit_seq)
        client.poll_until(lambda n=expected: client.events.next_sequence >= n, "the credit")  # type: ignore[misc]
    times = [int.from_bytes(message[24:32], "little") for message in client.raw]
    assert times == sorted(times)
    assert times[-3] - times[-4] > 3 * 10**9
    assert times[-1] == times[-2] == times[-3]


def test_a_clock_behind_the_journal_is_refused(clock: ShiftedClock, make_engine: MakeEngine) -> None:
    """The journal's last stamp is an hour ahead of the wall clock: no start, and the reason."""
    clock.shift_s(3600)
    daemon = make_engine()
    assert daemon.stop() == 0
    clock.shift_s(0)
    daemon.spawn()
    assert daemon.wait_exit() == 1
    assert "the clock is behind the journal's last command" in daemon.log


HELLO = """
import os, sys, zmq
from engine.wire.frame import FrameKind, encode_frame
from engine.wire.messages import Hello
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[3]))
socket = zmq.Context().socket(zmq.DEALER)
socket.setsockopt(zmq.LINGER, 0)
socket.setsockopt(zmq.ROUTING_ID, b"other")
socket.connect(sys.argv[1])
socket.send(encode_frame(FrameKind.CONTROL, [Hello(4, 0, 0, 1, b"other").encode()]))
sys.exit(0 if socket.poll(int(sys.argv[2])) else 7)
"""


def hello_as(uid: int, daemon: EngineDaemon, timeout_ms: int) -> int:
    """0 if a process of this user gets an answer to its Hello, 7 if it hears nothing; file modes are out of the way."""
    for path in (daemon.directory, daemon.run_dir, daemon.run_dir / "engine", *(daemon.run_dir / "engine").iterdir()):
        path.chmod(0o777)
    command = [sys.executable, "-c", HELLO, daemon.endpoints.events, str(timeout_ms), str(uid)]
    return subprocess.run(command, check=False).returncode


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_a_process_of_another_user_is_turned_away(make_engine: MakeEngine) -> None:
    """Even where file modes let it connect: no answer and a warning, until cfg names its uid."""
    daemon = make_engine()
    assert hello_as(NOBODY, daemon, 500) == 7
    assert "engine.peer_refused" in daemon.log
    daemon.configure({"peer_uids": [NOBODY]})
    daemon.restart()
    assert hello_as(NOBODY, daemon, 30_000) == 0


CONNECT = """
import os, sys, zmq
from zmq.utils.monitor import recv_monitor_message
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
socket = zmq.Context().socket(zmq.DEALER)
socket.setsockopt(zmq.LINGER, 0)
monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
socket.connect(sys.argv[1])
assert monitor.poll(30_000)
sys.exit(0 if recv_monitor_message(monitor)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED else 7)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("role", ["gateway", "settlement", "admin"])
def test_a_user_of_one_role_is_admitted_to_its_socket_and_the_events(make_engine: MakeEngine, role: str) -> None:
    """A process of the gateway's user cannot speak as settlement or operator, and so on; all of them may follow."""
    daemon = make_engine(**{f"{role}_uids": [NOBODY]})
    for path in (daemon.directory, daemon.run_dir, daemon.run_dir / "engine", *(daemon.run_dir / "engine").iterdir()):
        path.chmod(0o777)
    for name in ("gateway", "settlement", "admin", "events", "replay"):
        command = [sys.executable, "-c", CONNECT, getattr(daemon.endpoints, name), str(NOBODY)]
        expected = 0 if name in (role, "events", "replay") else 7
        assert subprocess.run(command, check=False).returncode == expected, name


@pytest.mark.parametrize(
    ("address", "uid"),
    [("localhost:1000:100:4711", 1000), ("/run/x.sock:0:0:1", 0), ("localhost", None), ("", None), ("a:b:1:2", None)],
)
def test_a_peer_without_credentials_has_no_uid(address: str, uid: int | None) -> None:
    """The uid is read from the end of the address; anything that does not look like credentials is nobody."""
    assert peer_uid(address) == uid
