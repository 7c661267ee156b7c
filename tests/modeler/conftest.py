"""One browser for all tests."""

from collections.abc import Iterator

import pytest

from tests.modeler import Panel


@pytest.fixture(scope="session")
def panel() -> Iterator[Panel]:
    with Panel() as running:
        yield running
