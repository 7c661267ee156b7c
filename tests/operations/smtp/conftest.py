"""Real accounts that write to each other: Postfix in front of Dovecot, for everybody whom Dovecot knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.operations.smtp.correspondence import Correspondent, People
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import tasks


@pytest.fixture(scope="session")
def relay(dovecot: Dovecot) -> Iterator[Postfix]:
    with Postfix(dovecot, extra="virtual_mailbox_maps = static:all") as postfix:
        yield postfix


@pytest.fixture
async def people(dovecot: Dovecot, relay: Postfix) -> AsyncIterator[People]:
    async with tasks(dovecot, "nobody") as room:
        yield People(room, dovecot, relay)


@pytest.fixture
def me(people: People) -> Correspondent:
    """Somebody with empty mailboxes: who sends in a test."""
    return people.new()
