"""Documents: bytes that are kept outside process variables."""
