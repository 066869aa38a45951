"""The development chain outlives kill -9, a torn state file, but not its parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from settlement.devchain import DevChain, DevChainError, find_anvil
from tests.fixtures.fix_chain import await_dump, free_chain_port, wait_until


def mine(dev_chain: DevChain, blocks: int) -> str:
    """Mines and returns the newest block's hash."""
    dev_chain.request("anvil_mine", hex(blocks))
    newest: str = dev_chain.request("eth_getBlockByNumber", "latest", False)["hash"]
    return newest


def test_blocks_survive_a_kill(new_dev_chain: Callable[[float | None], DevChain]) -> None:
    """After kill -9 the chain goes on from the blocks it had."""
    chain = new_dev_chain(None)
    chain.start()
    newest = mine(chain, 7)
    await_dump(chain, 7)
    chain.kill9()
    chain.start()
    assert chain.request("eth_getBlockByNumber", "latest", False)["hash"] == newest


def test_a_torn_state_file_falls_back_to_the_last_whole_one(
    new_dev_chain: Callable[[float | None], DevChain],
) -> None:
    """A state file cut short by a kill is replaced by the copy of the last dump."""
    chain = new_dev_chain(None)
    chain.start()
    newest = mine(chain, 3)
    await_dump(chain, 3, "state.whole.json")
    state = chain.directory / "state.json"
    chain.kill9()
    state.write_bytes(state.read_bytes()[:-100])
    chain.start()
    assert chain.request("eth_getBlockByNumber", "latest", False)["hash"] == newest


def test_a_damaged_chain_without_a_copy_is_refused(new_dev_chain: Callable[[float | None], DevChain]) -> None:
    """A new chain is never begun silently in the place of a damaged one."""
    chain = new_dev_chain(None)
    chain.directory.mkdir()
    (chain.directory / "state.json").write_text('{"best_block_number":')
    with pytest.raises(DevChainError, match="damaged"):
        chain.start()


def test_the_chain_dies_with_its_parent(tmp_path: Path, root: Path) -> None:
    """kill -9 of the process that started anvil leaves no anvil behind."""
    program = (
        "import os, signal, sys; from pathlib import Path; from settlement.devchain import DevChain;"
        "chain = DevChain(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]));"
        "chain.start(); print(chain.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "chain"), str(free_chain_port()), str(root)]
    parent = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL
    wait_until(lambda: not psutil.pid_exists(int(parent.stdout)), "anvil to end with its parent")


def test_a_port_in_use_is_refused(chain: DevChain, tmp_path: Path, root: Path) -> None:
    """A second chain on the same port is an error and leaves the first alone."""
    second = DevChain(tmp_path / "second", chain.port, root)
    with pytest.raises(DevChainError, match=f"port {chain.port} already serves a chain"):
        second.start()
    assert chain.request("eth_chainId") == "0x7a69"


def test_a_named_anvil_must_exist(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """ANVIL naming no executable is an error, not a silent search elsewhere."""
    monkeypatch.setenv("ANVIL", "/nonexistent/anvil")
    with pytest.raises(DevChainError, match="ANVIL=/nonexistent/anvil"):
        find_anvil(root)
    monkeypatch.delenv("ANVIL")
    assert os.access(find_anvil(root), os.X_OK)
