"""Settlement: turns final deposits into engine credits and fills into vault batches, each exactly once."""
