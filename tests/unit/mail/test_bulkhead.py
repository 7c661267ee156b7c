"""A dead server takes its own share and nothing more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.mail.virtual_time import in_virtual_time
from zeebe_mail.errors import EndpointSaturated
from zeebe_mail.mail.bulkhead import Bulkhead

DEAD, LIVELY = ("smtp", "dead.test", 25), ("smtp", "lively.test", 25)


async def hold(bulkhead: Bulkhead, endpoint: tuple[str, str, int], seconds: float) -> float:
    """Be in for some seconds; the time of getting in."""
    loop = asyncio.get_running_loop()
    async with bulkhead.hold(endpoint):
        entered = loop.time()
        await asyncio.sleep(seconds)
    return entered


async def occupied(bulkhead: Bulkhead, count: int, seconds: float = 1e9) -> list[asyncio.Task[float]]:
    tasks = [asyncio.create_task(hold(bulkhead, DEAD, seconds)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def ended(tasks: list[asyncio.Task[float]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@in_virtual_time
async def test_no_more_than_the_limit_are_in_at_once() -> None:
    bulkhead, inside, most = Bulkhead(3), 0, 0

    async def job() -> None:
        nonlocal inside, most
        async with bulkhead.hold(LIVELY):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(job() for _ in range(60)))

    assert most == 3


@in_virtual_time
async def test_who_waits_gets_in_in_order() -> None:
    bulkhead, order = Bulkhead(1), []

    async def job(number: int) -> None:
        async with bulkhead.hold(LIVELY):
            order.append(number)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(job(number) for number in range(20)))

    assert order == list(range(20))


@in_virtual_time
async def test_an_endpoint_that_stands_still_is_noticed_within_the_patience() -> None:
    """The first to wait finds out after a second; who comes later is told at once."""
    bulkhead = Bulkhead(2)
    loop = asyncio.get_running_loop()
    stuck = await occupied(bulkhead, 2)

    with pytest.raises(EndpointSaturated):
        await hold(bulkhead, DEAD, 0)
    assert loop.time() == pytest.approx(1.0)

    await asyncio.sleep(1)
    now = loop.time()
    with pytest.raises(EndpointSaturated):
        await hold(bulkhead, DEAD, 0)
    assert loop.time() == now
    await ended(stuck)


@in_virtual_time
async def test_another_endpoint_does_not_feel_it() -> None:
    bulkhead = Bulkhead(2)
    stuck = await occupied(bulkhead, 2)
    await asyncio.sleep(5)

    before = asyncio.get_running_loop().time()
    assert await hold(bulkhead, LIVELY, 0) == before
    await ended(stuck)


@in_virtual_time
async def test_each_job_turned_away_gets_a_later_turn_up_to_a_minute() -> None:
    """10,000 jobs for a dead server come back spread out, not all at once and not at once again."""
    bulkhead = Bulkhead(2)
    stuck = await occupied(bulkhead, 2)
    await asyncio.sleep(3)

    waits = []
    for _ in range(50):
        with pytest.raises(EndpointSaturated) as caught:
            await hold(bulkhead, DEAD, 0)
        assert caught.value.retry_after
        waits.append(caught.value.retry_after)

    assert waits[0] == timedelta(seconds=3)
    assert waits[1] == timedelta(seconds=6)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(seconds=60)
    await ended(stuck)


@in_virtual_time
async def test_a_slow_endpoint_is_waited_for_as_long_as_it_moves_fast_enough() -> None:
    """Ten places, a second each: a place every tenth of a second, so the tenth in the queue is the last that fits."""
    bulkhead = Bulkhead(10)

    async def flow(number: int) -> None:
        await asyncio.sleep(number / 10)
        await hold(bulkhead, DEAD, 1.0)

    flowing = [asyncio.create_task(flow(number)) for number in range(40)]
    await asyncio.sleep(2.05)
    outcomes = await asyncio.gather(*(hold(bulkhead, DEAD, 0) for _ in range(30)), return_exceptions=True)
    turned_away = [outcome for outcome in outcomes if isinstance(outcome, EndpointSaturated)]

    assert 18 <= len(turned_away) <= 24
    await asyncio.gather(*flowing, return_exceptions=True)


@in_virtual_time
async def test_gentle_use_does_not_make_an_endpoint_slow() -> None:
    """Slow mails that did not fill the share say nothing about its speed: a burst is let in."""
    bulkhead = Bulkhead(3)
    long = asyncio.create_task(hold(bulkhead, LIVELY, 1000))
    for _ in range(5):
        await hold(bulkhead, LIVELY, 60)

    entered = await asyncio.gather(*(hold(bulkhead, LIVELY, 0.01) for _ in range(20)))

    assert max(entered) - min(entered) < 1
    await ended([long])


@in_virtual_time
async def test_a_recovered_endpoint_has_forgotten_the_jam() -> None:
    bulkhead = Bulkhead(2)
    stuck = await occupied(bulkhead, 2)
    await asyncio.sleep(3)
    for _ in range(50):
        with pytest.raises(EndpointSaturated):
            await hold(bulkhead, DEAD, 0)
    await ended(stuck)

    now = asyncio.get_running_loop().time()
    assert await asyncio.gather(*(hold(bulkhead, DEAD, 0) for _ in range(2))) == [now, now]
    jammed = await occupied(bulkhead, 2)
    await asyncio.sleep(2)
    with pytest.raises(EndpointSaturated) as caught:
        await hold(bulkhead, DEAD, 0)
    assert caught.value.retry_after == timedelta(seconds=2)
    await ended(jammed)


@in_virtual_time
async def test_a_cancelled_waiter_takes_no_place() -> None:
    bulkhead = Bulkhead(1)
    first = asyncio.create_task(hold(bulkhead, LIVELY, 0.5))
    await asyncio.sleep(0)
    waiter = asyncio.create_task(hold(bulkhead, LIVELY, 0))
    await asyncio.sleep(0.1)
    assert bulkhead.waiting == 1
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    assert bulkhead.waiting == 0
    await first

    await hold(bulkhead, LIVELY, 0)


@in_virtual_time
async def test_a_waiter_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    bulkhead = Bulkhead(1)
    first = asyncio.create_task(hold(bulkhead, LIVELY, 0.5))
    await asyncio.sleep(0)
    unlucky = asyncio.create_task(hold(bulkhead, LIVELY, 0))
    lucky = asyncio.create_task(hold(bulkhead, LIVELY, 0))
    first.add_done_callback(lambda _: unlucky.cancel())
    await asyncio.gather(first, unlucky, lucky, return_exceptions=True)

    assert lucky.result() == pytest.approx(0.5)
    await hold(bulkhead, LIVELY, 0)


async def test_there_is_room_while_half_of_the_places_are_left() -> None:
    bulkhead = Bulkhead(4)
    seen = []
    for taken in range(5):
        tasks = await occupied(bulkhead, taken)
        seen.append(bulkhead.has_room(DEAD))
        await ended(tasks)
    assert seen == [True, True, True, False, False]
