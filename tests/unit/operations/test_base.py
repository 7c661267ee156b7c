"""What an operation's signature says is what it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.desks import desk
from zeebe_mail.app import TrialAttempt
from zeebe_mail.operations.base import (
    Attempt,
    Desk,
    Operation,
    OperationInput,
    OperationOutput,
    Request,
    Turns,
    operation,
)

DESK = desk()


class Given(OperationInput):
    """Nothing."""


class Produced(OperationOutput):
    """What was seen."""

    seen: list[str]


class Session:
    """One of several."""

    def __init__(self, number: int) -> None:
        self.name = f"session {number}"


class Leased:
    """Counts its leases."""

    has_room = True

    def __init__(self) -> None:
        self.leases = 0
        self.open = 0

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Session]:
        self.leases += 1
        self.open += 1
        yield Session(self.leases)
        self.open -= 1


@operation(title="Plain")
async def plain(given: Given, session: Session, attempt: Attempt) -> Produced:
    return Produced(seen=[session.name])


@operation(title="With a desk")
async def with_desk(given: Given, session: Session, attempt: Attempt, desk: Desk) -> Produced:
    assert desk is DESK
    return Produced(seen=[session.name])


@operation(title="In turns")
async def in_turns(given: Given, turns: Turns[Session], attempt: Attempt) -> Produced:
    async with turns.lease() as first:
        pass
    async with turns.lease() as second:
        return Produced(seen=[first.name, second.name])


@pytest.mark.parametrize("one", [plain, with_desk])
async def test_one_session_lasts_as_long_as_the_operation(one: Operation) -> None:
    leased = Leased()
    produced = await one.perform(Given(), leased, TrialAttempt(), DESK)
    assert produced.seen == ["session 1"]
    assert leased.open == 0


async def test_an_operation_may_take_its_sessions_in_turns() -> None:
    assert in_turns.session is Session
    produced = await in_turns.perform(Given(), Leased(), TrialAttempt(), DESK)
    assert produced.seen == ["session 1", "session 2"]


def test_a_blank_field_of_the_modeler_is_one_not_given() -> None:
    class Asked(Request):
        """Two fields."""

        mailbox: str = "INBOX"
        limit: int = 10

    assert Asked.model_validate({"mailbox": "", "limit": None}) == Asked()
