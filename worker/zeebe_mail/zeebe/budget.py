"""The number of jobs that may run at once, over all task types."""

from __future__ import annotations

import asyncio
from collections import deque


class Budget:
    """Slots, handed out first come, first served."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = size
        self._closed = False
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._something_free = asyncio.Event()
        self._something_free.set()

    async def take(self) -> bool:
        """Wait for a slot and take it. False means that the budget was closed and nothing is taken."""
        if self._closed:
            return False
        if self.free > 0:
            self._occupy(1)
            return True
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.give_back()
            raise

    def close(self) -> None:
        """Give out no more slots and send all who wait away without one."""
        self._closed = True
        self._something_free.set()
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(False)
        self._waiting.clear()

    def take_free(self) -> int:
        """Take all that is free now; says how many that is."""
        taken = 0 if self._closed else self.free
        self._occupy(taken)
        return taken

    def give_back(self, count: int = 1) -> None:
        """Give slots to those who wait longest, or free them."""
        while count and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                count -= 1
        if count:
            self.free += count
            self._something_free.set()

    async def some_free(self) -> None:
        """Wait until at least one slot is free, or the budget is closed; takes nothing."""
        await self._something_free.wait()

    def _occupy(self, count: int) -> None:
        self.free -= count
        if self.free == 0 and not self._closed:
            self._something_free.clear()
