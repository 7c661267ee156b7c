"""How many bytes of attachments are held at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from zeebe_mail.documents.budget import ByteBudget
from zeebe_mail.errors import BytesInFlightExceeded, Retry


class Mail:
    """A mail that holds its bytes until it is told to go."""

    def __init__(self, budget: ByteBudget, size: int) -> None:
        self.inside = asyncio.Event()
        self._go = asyncio.Event()
        self.task = asyncio.create_task(self._run(budget, size))

    async def _run(self, budget: ByteBudget, size: int) -> None:
        async with budget.hold(size) as share:
            self.inside.set()
            self.share = share
            await self._go.wait()

    async def leave(self) -> None:
        self._go.set()
        await self.task


@asynccontextmanager
async def held(budget: ByteBudget, size: int) -> AsyncIterator[Mail]:
    mail = Mail(budget, size)
    await mail.inside.wait()
    yield mail
    await mail.leave()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_together_they_never_hold_more_than_the_limit() -> None:
    budget, most = ByteBudget(100), 0

    async def send(size: int) -> None:
        nonlocal most
        async with budget.hold(size):
            most = max(most, budget.held)
            await settled()

    await asyncio.gather(*(send(size) for size in (60, 50, 40, 30, 99, 100, 1) * 30))
    assert (most, budget.held) == (100, 0)


async def test_who_finds_no_room_in_time_is_handed_back() -> None:
    budget = ByteBudget(100, patience_s=0.01)
    async with held(budget, 60):
        with pytest.raises(BytesInFlightExceeded, match=r"50 bytes; of the 100 .* 60 are taken") as caught:
            async with budget.hold(50):
                pass
        async with budget.hold(40):
            assert budget.held == 100
    assert caught.value.retry is Retry.FREE
    assert caught.value.retry_after
    assert budget.held == 0


async def test_a_mail_that_is_larger_than_all_the_room_goes_alone() -> None:
    budget = ByteBudget(100, patience_s=0.01)
    async with held(budget, 500):
        assert budget.held == 500
        with pytest.raises(BytesInFlightExceeded):
            async with budget.hold(1):
                pass
    small = Mail(budget, 10)
    await small.inside.wait()
    with pytest.raises(BytesInFlightExceeded):
        async with budget.hold(500):
            pass
    await small.leave()


async def test_a_large_mail_is_not_overtaken_for_ever() -> None:
    budget = ByteBudget(100)
    async with held(budget, 60) as first:
        large, small = Mail(budget, 90), Mail(budget, 10)
        await settled()
        assert not small.inside.is_set(), "it would fit, and the large one came first"
        await first.leave()
        await large.inside.wait()
        await small.inside.wait()
        assert budget.held == 100
        await large.leave()
        await small.leave()
    assert budget.held == 0


async def test_what_is_given_back_early_lets_the_next_one_in() -> None:
    budget = ByteBudget(100)
    async with held(budget, 100) as first:
        second = Mail(budget, 50)
        await settled()
        assert not second.inside.is_set()
        first.share.shrink(50)
        await second.inside.wait()
        await second.leave()
    assert budget.held == 0


async def test_when_the_first_in_the_queue_gives_up_the_next_one_goes() -> None:
    budget = ByteBudget(100)
    async with held(budget, 60):
        large, small = Mail(budget, 90), Mail(budget, 10)
        await settled()
        large.task.cancel()
        await small.inside.wait()
        await small.leave()
    assert budget.held == 0


async def test_who_is_cancelled_just_when_let_in_gives_the_room_back() -> None:
    budget = ByteBudget(100)
    async with held(budget, 100) as first:
        second = Mail(budget, 60)
        await settled()
        first.share.shrink(10)
        assert budget.held == 70, "it was let in, and does not know yet"
        second.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second.task
        assert budget.held == 10
    assert budget.held == 0


async def test_a_mail_that_holds_a_share_gets_more_at_once_or_never() -> None:
    budget = ByteBudget(100)
    async with held(budget, 30), budget.hold(50):
        async with budget.hold(20):
            assert budget.held == 100
        with pytest.raises(BytesInFlightExceeded):
            async with budget.hold(21):
                pass
        assert budget.held == 80
    assert budget.held == 0


async def test_alone_it_may_have_more_than_all_the_room() -> None:
    budget = ByteBudget(100)
    async with budget.hold(60):
        async with budget.hold(500) as share:
            assert budget.held == 560
            share.shrink(1)
        assert budget.held == 60
    assert budget.held == 0
