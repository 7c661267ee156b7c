"""SEARCH and SORT (RFC 9051, 6.4.4; RFC 5256): which messages of the selected mailbox, and in which order.

Answers are read straight from the bytes: a mailbox's 50,000 lines are no place for a parser that makes objects of each
word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from zeebe_mail import errors
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.imap import sequence_set
from zeebe_mail.mail.imap.allowance import A_LINE, A_MESSAGE_ID, BATCH, MANY_NUMBERS, MOST_MESSAGES
from zeebe_mail.mail.imap.connection import ImapViolation, Piece, Reply
from zeebe_mail.mail.imap.dialogue import ImapDialogue
from zeebe_mail.mail.imap.fetch import Fetch
from zeebe_mail.mail.imap.fetched import MESSAGE_ID
from zeebe_mail.mail.imap.numbers import esearch, first_sorted, last_sorted, numbers
from zeebe_mail.mail.imap.search_keys import charset, needed, search_keys
from zeebe_mail.mail.imap.sorting import ITEMS, SORT_KEYS, Foremost, SortBy, within
from zeebe_mail.mail.imap.syntax import astring
from zeebe_mail.message.criteria import Criterion, Numbered, Numbering, range_set
from zeebe_mail.message.message_id import bare_or_none, landmark, message_id_in


class Search:
    """Finds messages of the selected mailbox, as UIDs."""

    def __init__(self, dialogue: ImapDialogue, fetch: Fetch) -> None:
        self._dialogue = dialogue
        self._fetch = fetch

    async def uids(self, criterion: Criterion | None = None) -> list[int]:
        """UIDs that match, ascending.

        Substring semantics are the server's. Moments and whole values (``Dated`` with a time, ``HeaderIs``) are asked
        for as days and substrings, so more may be found: whoever wants exactly these looks again.

        Raises:
            Unsupported: the server does not know one of the keys.
        """
        with self._dialogue.step(Phase.SEARCH):
            keys = self._keys(criterion)
            returns = b"RETURN (ALL) " if self._dialogue.can("ESEARCH") else b""
            return sorted(set(await self._found(returns, *_charset(keys), *keys)))

    async def count(self, criterion: Criterion | None = None) -> int:
        """How many match (ESEARCH COUNT where offered); for what ``uids`` finds too much of, the same holds."""
        with self._dialogue.step(Phase.SEARCH):
            if not self._dialogue.can("ESEARCH"):
                return len(await self.uids(criterion))
            keys = self._keys(criterion)
            reply = await self._dialogue.ask(b"UID SEARCH RETURN (COUNT) ", *_charset(keys), *keys)
            found = esearch(reply).get(b"COUNT")
            if not isinstance(found, bytes) or not found.isdigit() or len(found) > 10:
                raise ImapViolation("SEARCH RETURN (COUNT) without a count")
            return int(found)

    async def ordered(
        self,
        by: SortBy,
        *,
        descending: bool,
        limit: int,
        criterion: Criterion | None = None,
        ties_ascending: bool = False,
    ) -> list[int]:
        """The first ``limit`` UIDs in this order: UID SORT, or a frugal fall-back of our own.

        Messages that are equal come by UID, in the same direction: of those that arrived within the same second, the
        newest first when descending; with ``ties_ascending`` always the lowest UID first. SENT is the Date header's
        moment; without one, the arrival (RFC 5256, 2.2).
        """
        with self._dialogue.step(Phase.SEARCH):
            if by is SortBy.ARRIVAL:
                uids = await self.uids(criterion)
                return (uids[::-1] if descending else uids)[:limit]
            order = partial(Foremost, by, limit, descending=descending, ties_ascending=ties_ascending)
            if not self._dialogue.can("SORT"):
                return await self._ordered_here(by, descending, limit, criterion, order)
            keys = self._keys(criterion)
            extended = self._dialogue.can("ESORT")
            # REVERSE leaves equal messages in ascending order (RFC 5256, 3): else the end is taken, backwards.
            reverse = b"REVERSE " if descending and ties_ascending else b""
            returns = b"RETURN (ALL) " if extended else b""
            command = (b"UID SORT ", returns, b"(", reverse, SORT_KEYS[by], b") ", charset(keys))
            reply = await self._dialogue.ask(*command, b" ", *keys, allowance=MANY_NUMBERS)
            backwards = descending and not reverse
            if extended:
                return last_sorted(reply, limit) if backwards else first_sorted(reply, limit)
            all_ = self._numbers(reply, b"SORT")
            return await self._settled(by, all_[::-1] if backwards else all_, limit, order)

    async def by_message_id(self, message_id: str) -> list[int]:
        """UIDs of the messages with exactly this Message-ID (bare, without brackets), verified on the client."""
        with self._dialogue.step(Phase.SEARCH):
            key = astring(landmark(message_id).encode())
            candidates = await self._found(*_charset([key]), b"HEADER Message-ID ", key)
            headers = await self._fetch.items(candidates, b"UID " + MESSAGE_ID, A_MESSAGE_ID)
            found = {uid: bare_or_none(message_id_in(one.body or b"")) for uid, one in headers.items()}
            return sorted(uid for uid, one in found.items() if one == message_id)

    async def in_range(self, ranges: str) -> list[int]:
        """The existing UIDs among ``1,2,4:6``, ``7:*`` or ``*`` (the last message; none in an empty mailbox).

        ``7:*`` has no message when all UIDs are lower, where IMAP itself would give the last one.

        Raises:
            InputError: it is no such range.
        """
        try:
            numbered = Numbered(Numbering.UID, range_set(ranges))
        except ValueError as error:
            raise errors.InputError(f"range {error}.") from None
        return await self.uids(numbered)

    async def existing(self, uids: Sequence[int]) -> list[int]:
        """Which of these there are, in the order given."""
        found: set[int] = set()
        for batch, _ in sequence_set.batches(uids, BATCH):
            found.update(self._numbers(await self._dialogue.ask(b"UID SEARCH UID ", batch), b"SEARCH"))
        return [uid for uid in uids if uid in found]

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _found(self, *keys: Piece) -> list[int]:
        return self._numbers(await self._dialogue.ask(b"UID SEARCH ", *keys, allowance=MANY_NUMBERS), b"SEARCH")

    def _keys(self, criterion: Criterion | None) -> list[Piece]:
        for capability in needed(criterion) if criterion is not None else ():
            if not self._dialogue.can(capability):
                raise errors.Unsupported(
                    f"{self._dialogue.where} does not offer {capability}, which one of the criteria needs.",
                    details=self._dialogue.where.details | {"capability": capability},
                )
        return search_keys(criterion, self._dialogue.connection.exists or 0)

    def _numbers(self, reply: Reply, command: bytes) -> list[int]:
        """No more than there can be messages; some may have come meanwhile."""
        return numbers(reply, command, min(self._dialogue.connection.exists or 0, MOST_MESSAGES) + BATCH)

    async def _ordered_here(
        self, by: SortBy, descending: bool, limit: int, criterion: Criterion | None, order: Callable[[], Foremost]
    ) -> list[int]:
        uids = await self.uids(criterion)
        if by is SortBy.RECEIVED and len(uids) > limit:
            # Mail comes in the order of its UIDs but for what was filed later. So the last ones tell a moment from
            # which on all of the newest must be, and SEARCH knows who else is.
            likely = await self._foremost(uids[-limit:] if descending else uids[:limit], by, order)
            if likely.bound is not None:
                uids = await self.uids(within(criterion, likely.bound, descending=descending))
        return (await self._foremost(uids, by, order)).uids

    async def _settled(self, by: SortBy, ordered: list[int], limit: int, order: Callable[[], Foremost]) -> list[int]:
        """The first so many of what a server has sorted that gives equal messages in an order of its own, as Courier.

        So many are looked at that none behind them can be equal to one of the first.
        """
        wide = 2 * limit
        while True:
            foremost = await self._foremost(ordered[:wide], by, order)
            if wide >= len(ordered) or foremost.bound != foremost.hindmost:
                return foremost.uids
            wide *= 8

    async def _foremost(self, uids: Sequence[int], by: SortBy, order: Callable[[], Foremost]) -> Foremost:
        foremost = order()
        for batch, count in sequence_set.batches(uids, MANY_NUMBERS):
            command = b"UID FETCH %s (UID %s)" % (batch, ITEMS[by])
            await self._dialogue.ask(command, allowance=(count + BATCH) * A_LINE, take=foremost)
        return foremost


def _charset(keys: list[Piece]) -> list[Piece]:
    return [] if charset(keys) == b"US-ASCII" else [b"CHARSET UTF-8 "]
