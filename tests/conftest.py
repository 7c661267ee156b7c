"""Fixtures for every test: a clean environment, and the real servers of `tests/servers`.

Session fixtures are shared: a test may use `broker`, but it must not stop it, nor move its clock, nor count on being
alone (task types and process ids of its own, please). What a test breaks, it starts for itself: `start_broker`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.servers.broker import Broker, BrokerOptions, Gateway, GivenBroker, needs_broker

GIVEN_ADDRESS = os.environ.get("ZEEBE_ADDRESS")
OUR_VARIABLES = ("ZEEBE_", "CAMUNDA_", "SECRET_", "SSL_CERT_", "OTEL_")

StartBroker = Callable[..., Broker]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, secret or trust of the person who runs the tests reaches a test."""
    kept = ("ZEEBE_MAIL_CACHE_DIR",)
    for name in list(os.environ):
        if name.startswith(OUR_VARIABLES) and name not in kept:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def broker() -> Iterator[Gateway]:
    """The shared broker: `broker.address`. With ZEEBE_ADDRESS set, that one."""
    if GIVEN_ADDRESS:
        yield GivenBroker(GIVEN_ADDRESS)
        return
    needs_broker()
    with Broker(writes_start_cache=True) as shared:
        yield shared


@pytest.fixture
def start_broker() -> Iterator[StartBroker]:
    """Starts brokers of the test's own: `broker = start_broker(BrokerOptions(partitions=3))`. All end with the test.

    Their calls block: in an async test that must go on meanwhile, `await asyncio.to_thread(broker.restart)`.
    """
    needs_broker()
    with ExitStack() as brokers:
        yield lambda options=None: brokers.enter_context(Broker(options or BrokerOptions()))
