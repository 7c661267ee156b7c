"""Rewriting models made for other connectors."""
