"""The Zeebe that tests talk to: one of our own (`zeebe_mail.demo.engine`), or the one that ZEEBE_ADDRESS names."""

from dataclasses import dataclass
from typing import Protocol

import pytest

from zeebe_mail.demo import distribution
from zeebe_mail.demo.engine import Broker, BrokerOptions
from zeebe_mail.demo.error import DemoError
from zeebe_mail.demo.java import find_java

__all__ = ["BUSY", "Broker", "BrokerOptions", "Gateway", "GivenBroker", "needs_broker"]

BUSY = BrokerOptions(
    back_pressure=True,
    environment={"ZEEBE_BROKER_BACKPRESSURE_ALGORITHM": "fixed", "ZEEBE_BROKER_BACKPRESSURE_FIXED_LIMIT": "1"},
)
"""One command at a time: of 32 clients at once, nine calls in ten end with RESOURCE_EXHAUSTED."""


class Gateway(Protocol):
    """All that a test needs which neither stops nor shifts its broker."""

    @property
    def address(self) -> str:
        """`host:port` of the gRPC gateway, plain text."""
        ...


@dataclass(frozen=True)
class GivenBroker:
    """A broker that somebody else runs."""

    address: str


def needs_broker() -> None:
    """Skip the test when this machine cannot run a broker: no Java, or nothing cached and nothing to fetch it from."""
    try:
        find_java()
        distribution.install()
    except DemoError as error:
        pytest.skip(str(error))
