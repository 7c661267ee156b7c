"""Bytes and meaning of a mail; no input or output."""
