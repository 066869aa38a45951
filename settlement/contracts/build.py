"""Compiles the contracts into the committed artefacts, or with --check proves that source and artefact agree.

    python -m settlement.contracts.build            rewrite Vault.json and Token.json
    python -m settlement.contracts.build --check    compile and compare; exit 1 names what differs

Vyper is needed here only. The bytecode carries no compiler metadata, so equal source and compiler give equal bytes.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from settlement.contracts import DIRECTORY

CONTRACTS = ("Vault", "Token")
# Cancun is the oldest EVM with transient storage, which @nonreentrant uses; every chain we would settle on has it.
EVM_VERSION = "cancun"


def compile_contract(source_path: Path) -> dict[str, Any]:
    """The artefact of one Vyper file. Raises vyper.exceptions.VyperException when it does not compile."""
    import vyper
    from vyper.compiler.settings import OptimizationLevel, Settings

    source = source_path.read_text()
    settings = Settings(evm_version=EVM_VERSION, optimize=OptimizationLevel.GAS)
    output = vyper.compile_code(
        source, output_formats=["abi", "bytecode"], settings=settings, no_bytecode_metadata=True
    )
    return {
        "compiler": f"vyper {vyper.__long_version__}",
        "evm_version": EVM_VERSION,
        "source_sha256": hashlib.sha256(source.encode()).hexdigest(),
        "abi": output["abi"],
        "bytecode": output["bytecode"],
    }


def _differences(name: str) -> list[str]:
    path = DIRECTORY / f"{name}.json"
    if not path.exists():
        return [f"{path.name} is missing"]
    committed = json.loads(path.read_text())
    compiled = compile_contract(DIRECTORY / f"{name}.vy")
    return [f"{path.name}: {field} differs" for field in compiled if committed.get(field) != compiled[field]]


def check() -> list[str]:
    """What differs between the committed artefacts and a fresh compilation; empty when they agree."""
    return [difference for name in CONTRACTS for difference in _differences(name)]


def _write() -> None:
    for name in CONTRACTS:
        artefact = compile_contract(DIRECTORY / f"{name}.vy")
        (DIRECTORY / f"{name}.json").write_text(json.dumps(artefact, indent=1) + "\n")
        print(f"{name}.json: {len(artefact['bytecode']) // 2 - 1} bytes of creation code")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile the contracts into their committed artefacts.")
    parser.add_argument("--check", action="store_true", help="compare with the committed artefacts instead of writing")
    if not parser.parse_args().check:
        _write()
        return 0
    differences = check()
    for difference in differences:
        print(f"{difference}: run python -m settlement.contracts.build and review the change", file=sys.stderr)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
