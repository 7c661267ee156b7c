"""Connections to mail servers: sessions and the pool they wait in. Knows protocols, not processes."""
