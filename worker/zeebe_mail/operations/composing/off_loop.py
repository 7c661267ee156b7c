"""Work whose time grows with the size of a mail, kept off the event loop where that is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

_NOTICED = 200_000  # bytes or characters: Python reads as many of HTML in about 50 ms

Result = TypeVar("Result")


async def off_loop(size: int, work: Callable[[], Result]) -> Result:
    """What ``work`` gives for something of this size, in bytes or characters; a large one gets a thread."""
    return await asyncio.to_thread(work) if size > _NOTICED else work()
