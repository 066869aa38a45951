"""The matching engine: sequence, books, balances, risk and journal; every other daemon follows its events."""
