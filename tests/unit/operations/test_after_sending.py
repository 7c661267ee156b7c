"""What is done after a mail has gone out is tried again where that can help, and then given up without an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.mail.virtual_time import in_virtual_time
from zeebe_mail.errors import (
    Busy,
    CredentialsError,
    EndpointSaturated,
    MailboxNotFound,
    Misbehaved,
    ServerTimeout,
    Unreachable,
    WorkerError,
)
from zeebe_mail.operations.after_sending import PATIENCE_S, NotDone, done


class Mailboxes:
    """Sessions of which the first ones fail: with these errors, one after the other."""

    def __init__(self, *errors: WorkerError) -> None:
        self.errors: Iterator[WorkerError] = iter(errors)
        self.leases = 0

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Any]:
        self.leases += 1
        if error := next(self.errors, None):
            raise error
        yield "session"


async def act(session: Any) -> str:
    return f"done with the {session}"


def full(seconds: float) -> EndpointSaturated:
    return EndpointSaturated("No connection is free.", retry_after=timedelta(seconds=seconds))


@in_virtual_time
async def test_faults_of_the_connection_are_overcome() -> None:
    mailboxes = Mailboxes(Unreachable("Gone."), Misbehaved("Nonsense."))
    assert await done(mailboxes.lease, act) == "done with the session"


@in_virtual_time
async def test_our_turn_is_waited_for_as_long_as_it_is_bearable() -> None:
    mailboxes = Mailboxes(*[full(PATIENCE_S / 10)] * 9)
    assert await done(mailboxes.lease, act) == "done with the session"
    assert asyncio.get_running_loop().time() == pytest.approx(0.9 * PATIENCE_S)
    with pytest.raises(NotDone, match=r"ENDPOINT_SATURATED: No connection is free\."):
        await done(Mailboxes(*[full(PATIENCE_S / 10)] * 20).lease, act)
    before = asyncio.get_running_loop().time()
    with pytest.raises(NotDone):
        await done(Mailboxes(full(2 * PATIENCE_S)).lease, act)
    assert asyncio.get_running_loop().time() == before


@pytest.mark.parametrize("error", [Unreachable("Gone."), ServerTimeout("Silent."), Busy("Later.")])
@in_virtual_time
async def test_a_server_that_stays_away_is_given_up(error: WorkerError) -> None:
    mailboxes = Mailboxes(*[error] * 100)
    with pytest.raises(NotDone, match=error.code):
        await done(mailboxes.lease, act)
    assert mailboxes.leases == 3


@pytest.mark.parametrize("error", [MailboxNotFound("No such mailbox."), CredentialsError("Wrong password.")])
@in_virtual_time
async def test_a_refusal_is_not_asked_for_twice(error: WorkerError) -> None:
    mailboxes = Mailboxes(error)
    with pytest.raises(NotDone, match=f"{error.code}: {error.message}"):
        await done(mailboxes.lease, act)
    assert mailboxes.leases == 1
