"""What messages of POP3 mailboxes say in their headers, remembered by UIDL (RFC 1939, 7).

A UIDL names one message for good, so what was seen once needs no second TOP. Kept are the few fields that lists,
searches and Message-IDs need, and nothing of any body.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

_OVERHEAD = 250  # bytes that an entry costs besides its text
BUDGET = 32 * 1024 * 1024


class Remembered(NamedTuple):
    """What is kept of a message."""

    block: bytes
    """The fields that lists and searches need."""
    header_size: int
    """Bytes of the whole header with its empty line."""


class UidlCache:
    """Header blocks by mailbox and UIDL; the least recently used go when they take more than ``budget`` bytes."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._used = 0
        self._blocks: OrderedDict[tuple[Hashable, str], Remembered] = OrderedDict()

    def get(self, mailbox: Hashable, uidl: str) -> Remembered | None:
        """What is kept of a message that was seen before."""
        key = (mailbox, uidl)
        known = self._blocks.get(key)
        if known is not None:
            self._blocks.move_to_end(key)
        return known

    def put(self, mailbox: Hashable, uidl: str, known: Remembered) -> None:
        """Keep something. A block larger than a hundredth of the budget is not worth its room."""
        if len(known.block) > self._budget // 100:
            return
        key = (mailbox, uidl)
        if (old := self._blocks.pop(key, None)) is not None:
            self._used -= len(old.block) + _OVERHEAD
        self._blocks[key] = known
        self._used += len(known.block) + _OVERHEAD
        while self._used > self._budget:
            _, dropped = self._blocks.popitem(last=False)
            self._used -= len(dropped.block) + _OVERHEAD

    @property
    def used(self) -> int:
        """Bytes that are taken."""
        return self._used
