"""A daemon process starts once, tells the service manager the truth, and ends the way it was asked to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cfg.notify import Notifier

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 30

Start = Callable[..., subprocess.Popen[bytes]]


class Manager:
    """The service manager's end of sd_notify: a real datagram socket, read with a deadline."""

    def __init__(self, address: str | bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(DEADLINE_S)

    def receive(self) -> dict[str, str]:
        """The next message as its variables."""
        lines = self.socket.recv(4096).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def wait_for(self, variable: str) -> dict[str, str]:
        """The next message that sets `variable`; others are skipped."""
        while True:
            if variable in (message := self.receive()):
                return message


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped configuration in a directory of its own, with its var beside it."""
    copy = tmp_path_factory.mktemp("d") / "cfg"
    copy.mkdir()
    for file in (ROOT / "cfg").glob("*.toml"):
        shutil.copy(file, copy / file.name)
    return copy


@pytest.fixture
def manager(directory: Path) -> Iterator[Manager]:
    """A service manager that listens on a path."""
    listening = Manager(str(directory.parent / "notify"))
    yield listening
    listening.socket.close()


@pytest.fixture
def start(directory: Path, manager: Manager) -> Iterator[Start]:
    """Starts the clockwork daemon; whatever still runs at the end of the test is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def _start(behaviour: str = "", watchdog_us: int = 0) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "CLOCKWORK": behaviour, "NOTIFY_SOCKET": str(directory.parent / "notify")}
        environment.pop("JOURNAL_STREAM", None)
        if watchdog_us:
            environment["WATCHDOG_USEC"] = str(watchdog_us)
        command = [sys.executable, "-m", "tests.fixtures.clockwork", "--cfg", str(directory)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[bytes]) -> tuple[int, list[dict[str, str]], str]:
    """Exit code, log lines and stderr of a daemon that is about to end."""
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_is_ready_then_drains_when_asked_to_end(start: Start, manager: Manager, number: int) -> None:
    """Recovery is reported, READY follows it, SIGTERM or SIGINT drains, stop releases, and the exit code is 0."""
    process = start()
    assert manager.receive()["EXTEND_TIMEOUT_USEC"] == "60000000"
    assert manager.receive() == {"STATUS": "winding up"}
    assert manager.wait_for("READY")["READY"] == "1"
    process.send_signal(number)
    assert manager.wait_for("STOPPING")["STATUS"] == "draining"
    code, lines, _ = ended(process)
    assert code == 0
    assert [line["event"] for line in lines] == [
        "daemon.starting",
        "daemon.ready",
        "daemon.signal",
        "clockwork.drained",
        "clockwork.released",
        "daemon.stopped",
    ]
    assert {(line["component"], line["instance"], line["version"]) for line in lines} == {
        ("clockwork", "VENUE", "0.1.0")
    }


def test_sigquit_stops_at_once_and_sighup_changes_nothing(start: Start, manager: Manager) -> None:
    """SIGHUP is answered with a log line, SIGQUIT ends without a drain even when the wheel hangs."""
    process = start("hang")
    manager.wait_for("READY")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGQUIT)
    assert manager.wait_for("STOPPING")["STATUS"] == "stopping at once"
    code, lines, _ = ended(process)
    assert code == 0
    events = [line["event"] for line in lines]
    assert "daemon.reload_refused" in events
    assert "clockwork.drained" not in events


def test_a_second_instance_is_refused_and_the_first_lives_on(start: Start, manager: Manager) -> None:
    """The pid file lets one process serve; another exits 3, names the holder, and the first still drains cleanly."""
    first = start()
    manager.wait_for("READY")
    code, lines, _ = ended(start())
    assert code == 3
    assert lines[-1]["event"] == "daemon.already_running"
    assert f"process {first.pid} holds" in lines[-1]["reason"]
    assert first.poll() is None
    first.terminate()
    assert ended(first)[0] == 0


def test_a_killed_daemon_leaves_nothing_that_stops_the_next(start: Start, manager: Manager) -> None:
    """After kill -9 the pid file is free again."""
    first = start()
    manager.wait_for("READY")
    first.kill()
    first.wait(DEADLINE_S)
    second = start()
    manager.wait_for("READY")
    second.terminate()
    assert ended(second)[0] == 0


def test_the_watchdog_hears_from_a_wheel_that_turns_and_not_from_one_that_hangs(start: Start, manager: Manager) -> None:
    """Pings follow the working loop: several for a live one, at most the first for a hung one that is told on."""
    process = start(watchdog_us=200_000)
    manager.wait_for("READY")
    for _ in range(5):
        manager.wait_for("WATCHDOG")
    process.kill()
    ended(process)

    hung = start("hang", watchdog_us=200_000)
    manager.wait_for("READY")
    assert hung.stdout is not None
    told_on = next(line for line in map(json.loads, hung.stdout) if line["event"] == "daemon.stalled")
    assert told_on["level"] == "warning"
    manager.socket.setblocking(False)
    pings = 0
    while True:
        try:
            pings += "WATCHDOG" in manager.receive()
        except BlockingIOError:
            break
    assert pings <= 1


@pytest.mark.parametrize(
    ("behaviour", "event", "text"),
    [
        ("fail-start", "daemon.failed", "the spring is missing"),
        ("break", "daemon.failed", "the spring is broken"),
        ("end", "daemon.ended_unasked", ""),
    ],
)
def test_a_service_that_fails_or_ends_by_itself_is_logged_and_exits_1(
    start: Start, behaviour: str, event: str, text: str
) -> None:
    """Whatever ends a service unasked is in the log with its traceback, its resources are released, the code is 1."""
    code, lines, _ = ended(start(behaviour))
    assert code == 1
    failure = next(line for line in lines if line["event"] == event)
    assert text in failure.get("exception", "")
    assert "clockwork.released" in [line["event"] for line in lines]


def test_a_malformed_configuration_exits_2_with_every_error(start: Start, directory: Path) -> None:
    """A daemon prints what is wrong by file and key and does not start, lock or log anything."""
    (directory / "instruments.toml").unlink()
    venue = (directory / "venue.toml").read_text()
    (directory / "venue.toml").write_text(venue.replace("spin_us = 30", "spin_us = 0"))
    code, lines, err = ended(start())
    assert (code, lines) == (2, [])
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        ["venue.toml", "engine.spin_us"],
        ["instruments.toml", "-"],
    ]
    assert not (directory.parent / "var").exists()


def test_journald_gets_a_priority_before_each_line() -> None:
    """With JOURNAL_STREAM set a line starts with <6> for info and <3> for error; the rest is the same JSON."""
    script = (
        "from cfg.log import configure\nlog = configure('c', 'info', 'i')\n"
        "log.debug('a.b')\nlog.info('a.b', n=1)\nlog.error('a.c')"
    )
    environment = {**os.environ, "JOURNAL_STREAM": "8:1"}
    out = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, timeout=DEADLINE_S, check=True
    ).stdout.splitlines()
    assert [line[:3] for line in out] == [b"<6>", b"<3>"]
    assert json.loads(out[0][3:])["n"] == 1


def test_the_notifier_speaks_to_an_abstract_socket_and_only_for_its_own_process() -> None:
    """A leading @ is an abstract address; a watchdog meant for another process is none of ours."""
    name = f"venue-test-{os.getpid()}"
    listening = Manager(b"\0" + name.encode())
    notifier = Notifier({"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())})
    notifier.ready("serving\nall")
    assert listening.receive() == {"READY": "1", "STATUS": "serving all"}
    assert notifier.watchdog_interval_s == 1.5
    other = Notifier({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid() + 1)})
    assert other.watchdog_interval_s is None
    other.ready("nobody listens, and nothing happens")
    notifier.close()
    other.close()
    listening.socket.close()
