"""Ledgers on a file and on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.live.host import until
from tests.servers.postgres import Postgres, postgres
from zeebe_mail.ledger.entry import Key, Task
from zeebe_mail.ledger.ledger import Ledger, Retention
from zeebe_mail.ledger.store.store import Store

RECEIPT = {"messageId": "<zm-token@x.test>", "accepted": ["you@x.test"], "rejected": [], "response": ""}
SENT = RECEIPT | {"response": "250 2.0.0 queued as 4711"}
EXPECTED = {"message_id": "<zm-token@x.test>", "receipt": RECEIPT, "result": None}


def task(job: int = 1, *, cluster: str = "", fingerprint: str = "inputs", token: str = "token") -> Task:
    return Task(Key(cluster, "<default>", job), fingerprint, token, "mail:smtp-send:1", "process", "element")


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger is kept that nobody has used yet."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    running: Postgres = request.getfixturevalue("server")
    import psycopg

    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return running.url


Opened = Callable[..., Any]


@pytest.fixture
def opened(place: str, opened_at: Opened) -> Opened:
    """Opens ledgers at the place, each as another process would."""
    return partial(opened_at, place)


@pytest.fixture
async def opened_at() -> AsyncIterator[Opened]:
    """Opens ledgers somewhere."""
    ledgers: list[Ledger] = []

    async def open_(at: str, **options: Any) -> Ledger:
        own = Ledger(Store.of(at), claim_lasts=options.pop("claim_lasts", timedelta(seconds=60)), **options)
        own.start()
        ledgers.append(own)
        await until(lambda: not own.fault)
        return own

    yield open_
    for own in ledgers:
        await asyncio.to_thread(own.close)


def dies(place: str, ledger: Ledger) -> None:
    """As if its process had not been heard of for long."""
    with (store := Store.of(place)).transaction() as transaction:
        transaction.leave(ledger.owner)
    store.close()


__all__ = ["EXPECTED", "RECEIPT", "SENT", "Opened", "Retention", "dies", "task"]
