"""Compiled contracts as committed: running the venue needs no compiler, and what was reviewed is deployed."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent


@dataclass(frozen=True)
class Artefact:
    """A contract's creation code and ABI, with what made them."""

    compiler: str
    evm_version: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    source_sha256: str


@cache
def load(name: str) -> Artefact:
    """The committed artefact of `name` ("Vault", "Token"). Raises FileNotFoundError for any other name."""
    fields = json.loads((DIRECTORY / f"{name}.json").read_text())
    return Artefact(
        compiler=fields["compiler"],
        evm_version=fields["evm_version"],
        abi=fields["abi"],
        bytecode=bytes.fromhex(fields["bytecode"].removeprefix("0x")),
        source_sha256=fields["source_sha256"],
    )
