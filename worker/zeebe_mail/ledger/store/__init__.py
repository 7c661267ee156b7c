"""Where the ledger is kept: SQLite on one machine, PostgreSQL for several."""
