"""How many bytes of attachments this worker holds at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from zeebe_mail.errors import BytesInFlightExceeded

LIMIT = 256 * 1024 * 1024
PATIENCE_S = 10.0


@dataclass(slots=True)
class Share:
    """What one mail holds."""

    _budget: ByteBudget
    size: int

    def shrink(self, size: int) -> None:
        """Give back what turned out not to be needed."""
        if size < self.size:
            self._budget.give_back(self.size - size)
            self.size = size


_INSIDE: ContextVar[ByteBudget | None] = ContextVar("the budget of which this job holds a share", default=None)


class ByteBudget:
    """Room for ``limit`` bytes over all jobs.

    Each mail takes its room before it holds a byte, and who comes first is served first. A mail that needs more while
    it holds a share gets it at once or never, so that no two mails wait for each other. A mail that is larger than all
    the room goes when it is alone.
    """

    def __init__(self, limit: int = LIMIT, *, patience_s: float = PATIENCE_S) -> None:
        """``patience_s`` is how long a mail waits for room before its job is handed back."""
        self._limit = limit
        self._patience_s = patience_s
        self._holders = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.held = 0
        """Bytes that are taken now."""

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[Share]:
        """Have room for so many bytes.

        Raises:
            BytesInFlightExceeded: there was none for too long.
        """
        if _INSIDE.get() is self:
            with self._more(size) as share:
                yield share
            return
        if self._waiting or not self._fits(size):
            await self._turn(size)
        else:
            self._take(size)
        share = Share(self, size)
        inside = _INSIDE.set(self)
        try:
            yield share
        finally:
            _INSIDE.reset(inside)
            self._leave(share.size)

    @contextmanager
    def _more(self, size: int) -> Iterator[Share]:
        """For a mail that holds a share already."""
        if self._holders > 1 and self.held + size > self._limit:
            raise self._exceeded(size)
        self.held += size
        share = Share(self, size)
        try:
            yield share
        finally:
            self.give_back(share.size)

    def give_back(self, size: int) -> None:
        """Have room again, which those who wait may take."""
        self.held -= size
        self._admit()

    async def _turn(self, size: int) -> None:
        turn = asyncio.get_running_loop().create_future()
        entry = (size, turn)
        self._waiting.append(entry)
        try:
            await asyncio.wait((turn,), timeout=self._patience_s)
        except BaseException:
            if turn.done():
                self._leave(size)
            else:
                self._give_up(entry)
            raise
        if not turn.done():
            self._give_up(entry)
            raise self._exceeded(size)

    def _exceeded(self, size: int) -> BytesInFlightExceeded:
        return BytesInFlightExceeded(
            f"The mail may need {size} bytes; of the {self._limit} that this worker holds at most, {self.held} are "
            "taken.",
            retry_after=timedelta(seconds=self._patience_s),
        )

    def _give_up(self, entry: tuple[int, asyncio.Future[None]]) -> None:
        """Leave the queue, where the next one may fit."""
        self._waiting.remove(entry)
        self._admit()

    def _fits(self, size: int) -> bool:
        return not self._holders or self.held + size <= self._limit

    def _take(self, size: int) -> None:
        self._holders += 1
        self.held += size

    def _leave(self, size: int) -> None:
        self._holders -= 1
        self.give_back(size)

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            self._take(size)
            turn.set_result(None)
