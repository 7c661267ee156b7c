"""Each mail endpoint's share of the worker, so that a dead server does not stop everybody's mail."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from zeebe_mail.errors import EndpointSaturated

Endpoint = tuple[str, str, int]
"""Protocol, host and port."""

_WEIGHT = 0.2
"""How much the newest interval between two releases counts in the average."""


@dataclass(slots=True)
class _Share:
    """One endpoint: who is in, who waits, and how fast it moves. Times are of the loop's monotonic clock."""

    endpoint: Endpoint
    active: int = 0
    waiters: deque[asyncio.Future[None]] = field(default_factory=deque)
    moved_at: float = 0.0
    """When somebody last came in freely or left."""
    interval_s: float | None = None
    """Average time between two releases while all places were taken."""
    next_turn: float = 0.0
    """The turn that the next one turned away is told."""


class Bulkhead:
    """At most ``limit`` at once for each endpoint; who comes then waits only while the endpoint moves.

    The expected wait is the place in the queue times the average interval between releases; while everything is taken,
    the time since the last release counts as an interval too, so an endpoint that stands still is noticed at once.
    When more than ``patience_s`` is expected, the job is turned away with the time of its turn: each one turned away
    gets the next, one interval later, at most ``longest_s`` ahead, so that thousands of jobs for a dead server do not
    churn.
    """

    def __init__(self, limit: int = 10, *, patience_s: float = 1.0, longest_s: float = 60.0) -> None:
        self._limit = limit
        self._patience_s = patience_s
        self._longest_s = longest_s
        self._shares: dict[Endpoint, _Share] = {}

    @property
    def waiting(self) -> int:
        """How many wait for a turn, at all endpoints."""
        return sum(len(share.waiters) for share in self._shares.values())

    def free(self, endpoint: Endpoint) -> int:
        """How many places an endpoint has left."""
        share = self._shares.get(endpoint)
        return self._limit - (share.active if share else 0)

    def has_room(self, endpoint: Endpoint) -> bool:
        """Whether at least half of the endpoint's places are left."""
        return self.free(endpoint) * 2 >= self._limit

    @asynccontextmanager
    async def hold(self, endpoint: Endpoint) -> AsyncIterator[None]:
        """Be one of the endpoint's ``limit``.

        Raises:
            EndpointSaturated: the turn would come too late; ``retry_after`` says when.
        """
        share = self._shares.setdefault(endpoint, _Share(endpoint))
        await self._enter(share)
        try:
            yield
        finally:
            self._leave(endpoint, share)

    async def _enter(self, share: _Share) -> None:
        loop = asyncio.get_running_loop()
        if share.active < self._limit:
            share.active += 1
            share.moved_at = loop.time()
            share.next_turn = 0.0
            return
        self._turn_away_if_slow(share, len(share.waiters) + 1)
        turn = loop.create_future()
        share.waiters.append(turn)
        try:
            while not turn.done():
                await asyncio.wait((turn,), timeout=self._patience_s)
                if not turn.done():
                    self._turn_away_if_slow(share, share.waiters.index(turn) + 1)
        except BaseException:
            if turn.done():
                self._pass_on(share)
            else:
                share.waiters.remove(turn)
            raise

    def _leave(self, endpoint: Endpoint, share: _Share) -> None:
        now = asyncio.get_running_loop().time()
        # Only while all places are taken does the time between two releases say how fast the endpoint moves.
        if share.active == self._limit:
            latest = now - share.moved_at
            average = latest if share.interval_s is None else share.interval_s
            share.interval_s = average + _WEIGHT * (latest - average)
        share.moved_at = now
        self._pass_on(share)
        if not share.active:
            del self._shares[endpoint]

    def _pass_on(self, share: _Share) -> None:
        """Give a place to the first who waits, or free it."""
        if share.waiters:
            share.waiters.popleft().set_result(None)
        else:
            share.active -= 1

    def _turn_away_if_slow(self, share: _Share, position: int) -> None:
        now = asyncio.get_running_loop().time()
        interval = max(share.interval_s or 0.0, now - share.moved_at)
        expected = position * interval
        if expected < self._patience_s:
            return
        latest = now + self._longest_s
        turn = min(max(share.next_turn, now + expected), latest)
        share.next_turn = min(turn + interval, latest)
        _, host, port = share.endpoint
        raise EndpointSaturated(
            f"All {self._limit} connections to {host}:{port} are in use, and none comes free soon enough.",
            details={"host": host, "port": port},
            retry_after=timedelta(seconds=turn - now),
        )
