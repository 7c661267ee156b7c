"""Where sessions wait for their next mail."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from zeebe_mail.mail.bulkhead import Bulkhead, Endpoint


class PooledSession(Protocol):
    """What the pool needs of a session."""

    @property
    def is_usable(self) -> bool:
        """Whether it is whole and free for another use."""
        ...

    async def check(self) -> bool:
        """Ask the server whether it is still there."""
        ...

    def close(self) -> None:
        """Hang up, without waiting and without raising."""
        ...


class Server(Protocol):
    """A server, as far as the pool knows it."""

    @property
    def endpoint(self) -> Endpoint:
        """Protocol, host and port."""
        ...


Connector = Callable[[Any, Any], Awaitable[PooledSession]]
Session = TypeVar("Session")
_Key = tuple[type[Any], Server, Hashable]


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Seconds and counts; servers have their own limits, and ours are meant to be below them."""

    idle_expiry_s: float = 60
    """A session that waited this long is closed."""
    check_after_s: float = 10
    """A session that waited this long is checked before it is used."""
    max_age_s: float = 600
    """A session of this age is not used again."""
    max_uses: int = 100
    """A session used this often is not used again: many servers count mails per connection."""


@dataclass(slots=True)
class _Kept:
    """An open session and its history. Times are of the loop's monotonic clock."""

    session: PooledSession
    opened: float
    idle_since: float = 0.0
    uses: int = 0


class Pool:
    """Sessions by kind, server and user: leased to one job at a time, newest first, so that old ones expire."""

    def __init__(
        self, connectors: Mapping[type[Any], Connector], bulkhead: Bulkhead, limits: PoolLimits | None = None
    ) -> None:
        self._connectors = connectors
        self._bulkhead = bulkhead
        self._limits = limits or PoolLimits()
        self._idle: dict[_Key, list[_Kept]] = {}
        self._reaper: asyncio.TimerHandle | None = None
        self._is_closed = False
        self.leased = 0

    @asynccontextmanager
    async def lease(self, kind: type[Session], server: Server, auth: Hashable) -> AsyncIterator[Session]:
        """Use a session. Giving it back never raises; one that saw a fault or a cancellation is closed.

        Raises:
            EndpointSaturated: the endpoint's share is taken and it does not move.
            WorkerError: no session could be opened.
        """
        key = (kind, server, auth)
        async with self._bulkhead.hold(server.endpoint):
            kept = await self._waiting_one(key) or await self._new_one(kind, server, auth)
            self.leased += 1
            kept.uses += 1
            try:
                yield cast("Session", kept.session)
            except asyncio.CancelledError:
                kept.session.close()
                raise
            finally:
                self.leased -= 1
                self._give_back(key, kept)

    @property
    def idle(self) -> int:
        """Open sessions that wait."""
        return sum(map(len, self._idle.values()))

    @property
    def waiting(self) -> int:
        """Jobs that wait for a session."""
        return self._bulkhead.waiting

    def has_room(self, server: Server) -> bool:
        """Whether at least half of the endpoint's share is free: then a session may wait for something on the line."""
        return self._bulkhead.has_room(server.endpoint)

    def idle_by_endpoint(self) -> Counter[Endpoint]:
        """Open sessions that wait, by protocol, host and port."""
        counts: Counter[Endpoint] = Counter()
        for (_, server, _), waiting in self._idle.items():
            counts[server.endpoint] += len(waiting)
        return counts

    def close(self) -> None:
        """Close all that wait, now, and all that are leased, when they come back."""
        self._is_closed = True
        if self._reaper:
            self._reaper.cancel()
        for waiting in self._idle.values():
            for kept in waiting:
                kept.session.close()
        self._idle.clear()

    async def _new_one(self, kind: type[Any], server: Server, auth: Hashable) -> _Kept:
        self._make_room(server.endpoint)
        session = await self._connectors[kind](server, auth)
        return _Kept(session, opened=asyncio.get_running_loop().time())

    def _make_room(self, endpoint: Endpoint) -> None:
        """Close the oldest that wait for other users of the endpoint, so that the new one stays within its share."""
        waiting = [
            (kept.idle_since, key, kept)
            for key, sessions in self._idle.items()
            for kept in sessions
            if key[1].endpoint == endpoint
        ]
        surplus = len(waiting) - self._bulkhead.free(endpoint)
        for _, key, kept in sorted(waiting, key=lambda one: one[0])[: max(surplus, 0)]:
            kept.session.close()
            self._idle[key].remove(kept)
            if not self._idle[key]:
                del self._idle[key]

    async def _waiting_one(self, key: _Key) -> _Kept | None:
        now = asyncio.get_running_loop().time()
        waiting = self._idle.get(key)
        while waiting:
            kept = waiting.pop()
            if not waiting:
                self._idle.pop(key, None)
            if self._may_serve(kept, now) and await self._still_there(kept, now):
                return kept
            kept.session.close()
        return None

    async def _still_there(self, kept: _Kept, now: float) -> bool:
        if now - kept.idle_since <= self._limits.check_after_s:
            return True
        try:
            return await kept.session.check()
        except BaseException:
            kept.session.close()
            raise

    def _may_serve(self, kept: _Kept, now: float) -> bool:
        limits = self._limits
        return kept.session.is_usable and kept.uses < limits.max_uses and now - kept.opened < limits.max_age_s

    def _give_back(self, key: _Key, kept: _Kept) -> None:
        now = asyncio.get_running_loop().time()
        if self._is_closed or not self._may_serve(kept, now):
            kept.session.close()
            return
        kept.idle_since = now
        self._idle.setdefault(key, []).append(kept)
        if self._reaper is None:
            self._reap_at(now + self._limits.idle_expiry_s)

    def _reap_at(self, when: float) -> None:
        self._reaper = asyncio.get_running_loop().call_at(when, self._reap)

    def _reap(self) -> None:
        """Close what waited too long; come again when the next one will have."""
        self._reaper = None
        until = asyncio.get_running_loop().time() - self._limits.idle_expiry_s
        for key, waiting in list(self._idle.items()):
            expired = [kept for kept in waiting if kept.idle_since <= until]
            waiting[:] = waiting[len(expired) :]
            for kept in expired:
                kept.session.close()
            if not waiting:
                del self._idle[key]
        if self._idle:
            oldest = min(waiting[0].idle_since for waiting in self._idle.values())
            self._reap_at(oldest + self._limits.idle_expiry_s)
