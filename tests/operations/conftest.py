"""An account at a real Dovecot for each test, and what its tasks give."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.servers.document_store import DocumentStore
from tests.servers.dovecot import Dovecot
from tests.tasks import Tasks, tasks


@pytest.fixture
async def account(dovecot: Dovecot) -> AsyncIterator[Tasks]:
    """Empty, and the test's own."""
    async with tasks(dovecot, dovecot.new_account()) as mine:
        yield mine


@pytest.fixture
def store() -> Iterator[DocumentStore]:
    with DocumentStore() as store:
        yield store


@pytest.fixture
async def account_with_store(dovecot: Dovecot, store: DocumentStore) -> AsyncIterator[Tasks]:
    """The same with a document store."""
    async with tasks(dovecot, dovecot.new_account(), CAMUNDA_REST_ADDRESS=store.url) as mine:
        yield mine
