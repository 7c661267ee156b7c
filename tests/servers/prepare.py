"""Fetch what engines and mail servers need before the tests, whose time limits are not made for downloads.

`python -m tests.servers.prepare`: what cannot be had is said here, and skips its tests later.
"""

import sys

import pytest

from tests.servers.broker import needs_broker
from tests.servers.courier import needs_courier
from tests.servers.cyrus import needs_cyrus
from tests.servers.memory_engine import needs_memory_engine


def main() -> None:
    for fetch in (needs_broker, needs_memory_engine, needs_cyrus, needs_courier):
        try:
            fetch()
        except pytest.skip.Exception as reason:
            print(f"its tests will be skipped: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
