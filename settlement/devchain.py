"""Runs anvil as the development chain: a real EVM node in a process of its own, whose state survives kill -9.

A kill loses at most the blocks since the last dump (about a second): like a short reorg, never past `finalized`, which
is four blocks behind with these flags. anvil rewrites its state file in place, so a kill can tear it; the last whole
dump is kept beside it and used then. After a restart, state queries reach back only to the restart; blocks, receipts
and logs are complete. Two chains started in the same second share their genesis hash: tell chains apart by the vault's
deployment block, not by genesis.
"""

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from settlement.child import ChildError, log_tail, spawn

# Public test keys: worthless anywhere else, and the same on every start so that clients keep their addresses.
MNEMONIC = "test test test test test test test test test test test junk"
CHAIN_ID = 31337
SLOTS_IN_AN_EPOCH = 2
DUMP_POLL_S = 0.2


class DevChainError(ChildError):
    """anvil could not be found, started or stopped."""


def find_anvil(root: Path) -> Path:
    """The anvil binary: $ANVIL, else the npm package under root/var/chain, else PATH."""
    named = os.environ.get("ANVIL")
    if named:
        if not os.access(named, os.X_OK):
            raise DevChainError(f"ANVIL={named} is not an executable file")
        return Path(named).absolute()
    packaged = sorted(root.glob("var/chain/node_modules/@foundry-rs/anvil-linux-*/bin/anvil"))
    if packaged:
        return packaged[0]
    found = shutil.which("anvil")
    if found:
        return Path(found).absolute()
    raise DevChainError(
        f"anvil not found: set ANVIL, or npm install --prefix {root}/var/chain @foundry-rs/anvil-linux-amd64@1.7.1"
    )


def _is_whole(state: Path) -> bool:
    try:
        json.loads(state.read_bytes())
    except (OSError, ValueError):
        return False
    return True


class DevChain:
    """One anvil with its state in `directory`; start() after kill9() or stop() continues the same chain.

    `block_time_s` None mines each transaction at once (tests); the venue runs with 1.
    """

    def __init__(self, directory: Path, port: int, root: Path, block_time_s: float | None = 1) -> None:
        self.directory = directory.absolute()
        self.port = port
        self.root = root.absolute()
        self.block_time_s = block_time_s
        self.log = self.directory / "anvil.log"
        self._state = self.directory / "state.json"
        self._whole_state = self.directory / "state.whole.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None

    @property
    def rpc_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the running anvil."""
        if self._process is None:
            raise DevChainError("anvil is not running")
        return self._process.pid

    def start(self, timeout_s: float = 20) -> str:
        """Starts anvil, waits until it answers, returns the RPC url. Raises DevChainError with its last words."""
        if self._process is not None:
            raise DevChainError(f"anvil is already running with pid {self.pid}")
        self.directory.mkdir(parents=True, exist_ok=True)
        self._restore_torn_state()
        if self._answers():
            raise DevChainError(f"port {self.port} already serves a chain")
        command: list[str | Path] = [
            *(find_anvil(self.root), "--silent", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--chain-id", str(CHAIN_ID), "--mnemonic", MNEMONIC, "--hardfork", "prague"),
            *("--slots-in-an-epoch", str(SLOTS_IN_AN_EPOCH), "--state", self._state, "--state-interval", "1"),
        ]
        if self.block_time_s is not None:
            command += ["--block-time", str(self.block_time_s)]
        # anvil keeps old states under HOME; ours must leave nothing outside its directory.
        environment = dict(os.environ, HOME=str(self.directory))
        self._process = spawn(command, self.log, death_signal="KILL", environment=environment)
        self._await_answer(timeout_s)
        self._keeper = threading.Thread(
            target=self._keep_whole_state, args=(self._process,), name="anvil-state", daemon=True
        )
        self._keeper.start()
        return self.rpc_url

    def stop(self, timeout_s: float = 10) -> None:
        """Stops anvil after a last dump of its state. Does nothing if it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def kill9(self) -> None:
        """Ends anvil with SIGKILL, as a crash would."""
        if self._process is None:
            raise DevChainError("anvil is not running")
        self._process.kill()
        self._process.wait()
        self._forget()

    def request(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call, for what only a development node has (evm_mine, anvil_dropAllTransactions, ...)."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        call = urllib.request.Request(self.rpc_url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(call, timeout=30) as answer:
            reply = json.load(answer)
        if "error" in reply:
            raise DevChainError(f"{method}: {reply['error']}")
        return reply["result"]

    def _answers(self) -> bool:
        try:
            self.request("eth_chainId")
        except (OSError, ValueError):
            return False
        return True

    def _await_answer(self, timeout_s: float) -> None:
        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            if self._process.poll() is not None:
                code = self._process.returncode
                self._forget()
                raise DevChainError(f"anvil ended with code {code}:\n{log_tail(self.log)}")
            if time.monotonic() > deadline:
                self.kill9()
                raise DevChainError(f"anvil did not answer within {timeout_s} s:\n{log_tail(self.log)}")
            time.sleep(0.02)

    def _forget(self) -> None:
        self._process = None
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None

    def _restore_torn_state(self) -> None:
        if not self._state.exists() or _is_whole(self._state):
            return
        if not _is_whole(self._whole_state):
            raise DevChainError(f"{self._state} is damaged and no whole copy exists: remove it to start a new chain")
        shutil.copyfile(self._whole_state, self._state)

    def _keep_whole_state(self, process: subprocess.Popen[bytes]) -> None:
        """Copies each dump once it stops changing while anvil lives, so never one torn by its death."""
        copied: tuple[int, int] | None = None
        while process.poll() is None:
            seen = self._state_version()
            time.sleep(DUMP_POLL_S)
            if seen is None or seen == copied or seen != self._state_version():
                continue
            candidate = self._whole_state.with_suffix(".new")
            shutil.copyfile(self._state, candidate)
            if self._state_version() == seen and process.poll() is None:
                candidate.replace(self._whole_state)
                copied = seen

    def _state_version(self) -> tuple[int, int] | None:
        try:
            status = self._state.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size
