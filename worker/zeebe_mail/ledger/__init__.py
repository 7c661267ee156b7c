"""The send ledger: a durable record of each send, so that no job sends twice and what is in doubt is held."""
