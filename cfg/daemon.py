"""The life of every daemon: load, log, lock, start, serve, drain, exit.

A daemon is ready only after its service has recovered; it is alive only while its service's own loop moves. The main
thread does nothing but watch: services work on threads of their own (a C loop, quickfix, an event loop).
"""

from __future__ import annotations

import argparse
import fcntl
import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from cfg import log
from cfg.constants import DRAIN_TIMEOUT_S
from cfg.load import ConfigError, load
from cfg.model import VenueConfig
from cfg.notify import Notifier

EXIT_CLEAN, EXIT_FAILED, EXIT_CONFIG, EXIT_RUNNING, EXIT_DIVERGED = 0, 1, 2, 3, 4
#: A file of a journal could not be written or synced (engine/native/fatal.h); the next start finds out what it holds.
EXIT_DISK = 5

#: How often progress is looked at when no watchdog asks for more.
_WATCH_INTERVAL_S = 0.2
#: Without progress for this long, say so; systemd's WatchdogSec decides when it ends.
_STALL_S = 2.0
_EXTEND_S = 60


class Service(Protocol):
    """What a daemon runs. `start` is called once; then `wait` and `progress` in turn until it has ended."""

    def start(self) -> None:
        """Recover, bind, start the working threads; return when clients can be served, raise if they cannot."""

    def progress(self) -> int:
        """A counter that the working loop itself raises on every turn, also when it is idle."""

    def drain(self) -> None:
        """Take no new work, finish what was begun, then end; returns at once."""

    def stop(self) -> None:
        """End now and release every thread and socket; also called after the end and after a failed start."""

    def wait(self, timeout_s: float) -> bool:
        """Wait up to timeout_s for the end; True once ended. Raises the error that ended it, if one did."""


class Life:
    """What a service may ask of its daemon: a logger, its own directories, and to be patient."""

    def __init__(self, component: str, instance: str, config: VenueConfig, notifier: Notifier) -> None:
        self.component = component
        self.name = f"{component}-{instance}" if instance else component
        self.log: FilteringBoundLogger = log.configure(component, config.log.level, instance or config.venue.id)
        self.run_dir: Path = config.paths.run_dir / self.name
        self.state_dir: Path = config.paths.state_dir / self.name
        self.signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stop_requested = False
        self._notifier = notifier

    @property
    def stop_requested(self) -> bool:
        """Whether a signal asked for the end: a start that takes long gives up when it sees this."""
        return self._stop_requested

    def catch_signals(self) -> None:
        """From now on signals are entries of a queue that the watching thread reads; its put is safe in a handler."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._stop_requested = self._stop_requested or number != signal.SIGHUP
        self.signals.put(number)

    def say(self, text: str) -> None:
        """Tell the service manager how a service that is up is doing."""
        self._notifier.status(text)

    def status(self, text: str) -> None:
        """Report a long step ("replaying 41 %") and ask the service manager to wait for it."""
        self._notifier.extend_timeout(_EXTEND_S)
        self._notifier.status(text)


class Ended(Exception):
    """A service ended by what its own code expects, with an exit code that tells the service manager."""

    exit_code = EXIT_FAILED


class AlreadyRunning(Exception):
    """Another process holds the pid file or the state directory of this daemon."""


def run(component: str, build: Callable[[VenueConfig, Life], Service], arguments: Sequence[str] | None = None) -> int:
    """Run the service that `build` makes from `--cfg DIR` until it ends or a signal ends it; returns the exit code.

    SIGTERM and SIGINT drain, SIGQUIT stops at once, SIGHUP reports that nothing is reloadable.
    """
    options = _parse(component, arguments)
    try:
        config = load(options.cfg)
    except ConfigError as error:
        print("\n".join(error.errors), file=sys.stderr)
        return EXIT_CONFIG
    notifier = Notifier()
    life = Life(component, options.instance, config, notifier)
    try:
        locks = [_lock(life.run_dir), _lock(life.state_dir)]
    except AlreadyRunning as error:
        life.log.error("daemon.already_running", reason=str(error))
        return EXIT_RUNNING
    except OSError as error:
        life.log.error("daemon.failed", reason=f"cannot use run_dir or state_dir: {error}")
        return EXIT_FAILED
    life.catch_signals()
    life.log.info("daemon.starting", config_sha256=config.sha256, pid=os.getpid())
    try:
        service = build(config, life)
        code = _serve(service, life, notifier)
    except Ended as error:
        life.log.error("daemon.failed", reason=str(error))
        code = error.exit_code
    except Exception:
        life.log.exception("daemon.failed")
        code = EXIT_FAILED
    life.log.info("daemon.stopped", exit_code=code)
    notifier.close()
    for lock in locks:
        os.close(lock)
    return code


def _serve(service: Service, life: Life, notifier: Notifier) -> int:
    """Start, watch and end the service; whatever happens, `stop` is its last call."""
    try:
        service.start()
        life.log.info("daemon.ready")
        notifier.ready("serving")
        return _watch(service, life, notifier)
    finally:
        service.stop()


def _watch(service: Service, life: Life, notifier: Notifier) -> int:
    interval_s = min(_WATCH_INTERVAL_S, (notifier.watchdog_interval_s or 1.0) / 2)
    drain_deadline_s: float | None = None
    progress, moved_at_s, stalled = -1, time.monotonic(), False
    while not service.wait(interval_s):
        now_s = time.monotonic()
        if (counter := service.progress()) != progress:
            progress, moved_at_s, stalled = counter, now_s, False
            notifier.watchdog()
        elif now_s - moved_at_s > _STALL_S and not stalled:
            stalled = True
            life.log.warning("daemon.stalled", progress=progress)
        while not life.signals.empty():
            number = life.signals.get()
            life.log.info("daemon.signal", signal=signal.Signals(number).name)
            if number == signal.SIGHUP:
                life.log.warning("daemon.reload_refused", reason="no key is reloadable yet; restart to apply changes")
            elif number == signal.SIGQUIT:
                notifier.stopping("stopping at once")
                return EXIT_CLEAN
            elif drain_deadline_s is None:
                drain_deadline_s = now_s + DRAIN_TIMEOUT_S
                notifier.stopping("draining")
                service.drain()
        if drain_deadline_s is not None and now_s > drain_deadline_s:
            life.log.error("daemon.drain_timeout", timeout_s=DRAIN_TIMEOUT_S)
            return EXIT_FAILED
    if drain_deadline_s is None:
        life.log.error("daemon.ended_unasked")
        return EXIT_FAILED
    return EXIT_CLEAN


def _parse(component: str, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"venue-{component}", description=f"The venue's {component} daemon.")
    parser.add_argument("--cfg", type=Path, required=True, metavar="DIR", help="directory of the three TOML files")
    parser.add_argument("--instance", default="", metavar="NAME", help="name of this one among several, like a or b")
    return parser.parse_args(arguments)


def _lock(directory: Path) -> int:
    """Hold directory/pid for as long as this process lives.

    In run_dir, because a second bind would steal our ipc sockets unnoticed; in state_dir, because two daemons with
    different run_dirs would write over each other's files.
    """
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(directory / "pid", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise AlreadyRunning(f"process {holder or 'unknown'} holds {directory / 'pid'}") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
