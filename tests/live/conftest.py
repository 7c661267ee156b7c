"""A broker that tells what it records."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.servers.broker import Broker, needs_broker
from tests.servers.records import Records


@dataclass(frozen=True)
class Recorded:
    """A broker and its records; shared, so it is neither stopped nor moved in time."""

    address: str
    records: Records


@pytest.fixture(scope="session")
def recorded() -> Iterator[Recorded]:
    needs_broker()
    with Records() as records, Broker(records.options()) as broker:
        yield Recorded(broker.address, records)


@pytest.fixture
def records() -> Iterator[Records]:
    """For a broker of the test's own: `start_broker(records.options())`."""
    with Records() as own:
        yield own
