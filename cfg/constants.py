"""Limits that follow from wire formats and the operating system, and the relations between them.

`cfg/model.py` holds what an operator may choose; this file holds what nobody may choose, asserted once at import.
"""

from __future__ import annotations

INT64_MAX = 2**63 - 1

#: Engine money is an int64 in 10^-decimals of the asset (DESIGN section 2 rule 4).
ENGINE_DECIMALS_MAX = 9

#: Rates are parts per million; a whole fee of 100 % or more is a typing error.
PPM = 1_000_000
FEE_PPM_MAX = PPM - 1

#: A UNIX socket path holds 107 bytes; ZeroMQ needs a few of its own, so the venue stops at 99.
IPC_PATH_BYTES_MAX = 99
#: Room that every run_dir must leave for "/<component>/<socket name>".
IPC_NAME_BYTES_MAX = 24
RUN_DIR_BYTES_MAX = IPC_PATH_BYTES_MAX - IPC_NAME_BYTES_MAX

#: One fill makes a trade, a tripped protection and an iceberg's refill at most; around the fills of one command stand
#: its own events and those of a band that trips (docs/ENGINE.md section 2).
EVENTS_PER_FILL = 3
EVENTS_AROUND_FILLS = 16

#: Largest price in ticks, and how far quantities and notionals may go in units (docs/ENGINE.md section 3).
PRICE_TICKS_MAX = 2**24 - 1
BASE_UNITS_MAX = 2**62
NOTIONAL_UNITS_MAX = 2**61

#: Rows that an instrument has for each of these, and pairs with a market-maker protection, in the engine.
TICK_BANDS_MAX = 8
FEE_TIER_MAX = 7
SCHEDULE_ENTRIES_MAX = 8
PROTECTIONS_MAX = 1_024

#: The vault's `settle_batch` stays under the block gas limit of an ordinary chain up to this many legs.
BATCH_LEGS_MAX = 636

#: A drain ends before systemd's TimeoutStopSec=60 turns it into a kill.
DRAIN_TIMEOUT_S = 45

assert IPC_PATH_BYTES_MAX < 108, "sun_path is 108 bytes with its terminating zero"
assert RUN_DIR_BYTES_MAX >= 48, "an ordinary run_dir must fit"
assert 10**ENGINE_DECIMALS_MAX < INT64_MAX, "one whole coin fits the engine's money"
assert FEE_PPM_MAX * INT64_MAX < 2**127, "rate times notional fits the 128-bit product"
