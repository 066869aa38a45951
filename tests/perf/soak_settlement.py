"""Soak: the settlement worker dies at every named crash point, the first and the second time it passes there.

Usage: python -m tests.perf.soak_settlement. In `make test` each point dies once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    test = ["tests/integration/test_settlement_crashes.py", "--timeout", "3600", "-q", "-x"]
    environment = {**os.environ, "VENUE_SOAK": "1"}
    return subprocess.run([sys.executable, "-m", "pytest", *test], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
