"""Real servers for tests: each a class with `start` and `stop`, all on loopback and on ports that were free.

The pytest fixtures are in `tests/conftest.py`. Benchmarks use the classes directly.
"""
