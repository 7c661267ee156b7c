"""An account at a real Dovecot for each test, and a folder into which it may download."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.operations.infosys.connectors import Connectors
from tests.servers.document_store import DocumentStore
from tests.servers.dovecot import Dovecot
from tests.tasks import tasks


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


@pytest.fixture
async def mine(dovecot: Dovecot, downloads: Path) -> AsyncIterator[Connectors]:
    """The connectors of an account that is empty, and the test's own."""
    async with tasks(dovecot, dovecot.new_account(), compat="infosys", download_dirs=str(downloads)) as account:
        yield Connectors(account)


@pytest.fixture
async def mine_with_store(dovecot: Dovecot, store: DocumentStore) -> AsyncIterator[Connectors]:
    """The same with a document store."""
    async with tasks(dovecot, dovecot.new_account(), compat="infosys", CAMUNDA_REST_ADDRESS=store.url) as account:
        yield Connectors(account)
