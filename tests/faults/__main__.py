"""python -m tests.faults: see tests.faults.venue_rounds."""

import sys

from tests.faults.venue_rounds import main

if __name__ == "__main__":
    sys.exit(main())
