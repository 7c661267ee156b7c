"""Slots: never more than there are, first come first served, none lost."""

import asyncio

import pytest

from zeebe_mail.zeebe.budget import Budget


async def test_who_waits_longest_gets_the_next_slot() -> None:
    budget, order = Budget(1), list[int]()
    await budget.take()

    async def wait(number: int) -> None:
        await budget.take()
        order.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    for _ in range(3):
        budget.give_back()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    assert budget.free == 0


@pytest.mark.parametrize("late", [False, True], ids=["before its turn", "as its turn comes"])
async def test_who_is_cancelled_while_waiting_keeps_no_slot(*, late: bool) -> None:
    budget = Budget(1)
    await budget.take()
    waiting = asyncio.create_task(budget.take())
    await asyncio.sleep(0)
    if late:
        budget.give_back()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    if not late:
        budget.give_back()
    assert budget.free == 1


async def test_take_free_takes_all_and_gives_them_back() -> None:
    budget = Budget(5)
    await budget.take()
    assert budget.take_free() == 4
    assert budget.take_free() == 0
    budget.give_back(3)
    assert budget.free == 3
    await asyncio.wait_for(budget.some_free(), 1)


async def test_nobody_is_woken_while_nothing_is_free() -> None:
    budget = Budget(1)
    budget.take_free()
    waiting = asyncio.create_task(budget.some_free())
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.give_back()
    await asyncio.wait_for(waiting, 1)


async def test_a_closed_budget_sends_everybody_away_without_a_slot() -> None:
    budget = Budget(1)
    assert await budget.take()
    waiting = asyncio.create_task(budget.take())
    await asyncio.sleep(0)
    budget.close()
    assert await waiting is False
    budget.give_back()
    assert await budget.take() is False
    assert budget.take_free() == 0
    await asyncio.wait_for(budget.some_free(), 1)
