"""The public feed: engine events in; sequenced packets, snapshots and replays out; and the reference client."""
