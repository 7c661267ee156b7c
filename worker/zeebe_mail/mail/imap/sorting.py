"""The order of messages: SORT (RFC 5256) where the server has it, else a frugal one of our own.

Of each message only what it is sorted by is asked for and only the foremost are kept, so 50,000 messages are a few
megabytes of lines and no more than that of memory. For the newest, most need not even be asked for, see `within`.
"""

from __future__ import annotations

import enum
import heapq
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from zeebe_mail.mail.imap.connection import Response
from zeebe_mail.mail.imap.fetched import internal_date
from zeebe_mail.message.criteria import ALL, And, Clock, Criterion, Dated, Relation

_UID = re.compile(rb"[( ]UID (\d{1,10})\b")
_INTERNAL_DATE = re.compile(rb'[( ]INTERNALDATE "([^"\r\n]{10,40})"')
_SIZE = re.compile(rb"[( ]RFC822\.SIZE (\d{1,18})\b")
_DATE_HEADER = re.compile(rb"^Date:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_FOREMOST_AT_LEAST = 1000
_USUAL_LENGTH = len("10-Mar-2026 12:00:00 +0000")


class SortBy(enum.StrEnum):
    """What messages are sorted by (RFC 5256); ARRIVAL is by UID, which needs no sorting."""

    ARRIVAL = "ARRIVAL"
    RECEIVED = "RECEIVED_DATE"
    SENT = "SENT_DATE"
    SIZE = "SIZE"


SORT_KEYS = {SortBy.RECEIVED: b"ARRIVAL", SortBy.SENT: b"DATE", SortBy.SIZE: b"SIZE"}
ITEMS = {
    SortBy.RECEIVED: b"INTERNALDATE",
    SortBy.SENT: b"INTERNALDATE BODY.PEEK[HEADER.FIELDS (DATE)]<0.512>",
    SortBy.SIZE: b"RFC822.SIZE",
}
"""What has to be fetched to sort by it."""


def within(criterion: Criterion | None, moment: float, *, descending: bool) -> Criterion:
    """Those that match and were received at this moment or nearer to the end that counts."""
    try:
        bound = datetime.fromtimestamp(moment, UTC)
        relation, when = (Relation.SINCE, bound) if descending else (Relation.BEFORE, bound + timedelta(seconds=1))
    except (ValueError, OverflowError):  # a server may say that a message came before the year 1
        return ALL if criterion is None else criterion
    received = Dated(Clock.RECEIVED, relation, when)
    return received if criterion is None else And((criterion, received))


class Foremost:
    """Takes FETCH responses and keeps the foremost so many."""

    def __init__(self, by: SortBy, limit: int, *, descending: bool, ties_ascending: bool = False) -> None:
        """Equal messages come by UID, in the same direction or, with ``ties_ascending``, always the lowest first."""
        self._by = by
        self._tie = -1 if descending and ties_ascending else 1
        self._limit = limit
        self._pick = heapq.nlargest if descending else heapq.nsmallest
        self._kept: list[tuple[float, int]] = []
        self._most = max(2 * limit, limit + _FOREMOST_AT_LEAST)
        self._last = min if descending else max
        self.hindmost: float | None = None
        """The key of the last of all that it was shown."""
        self._midnights: dict[bytes, float] = {}

    def __call__(self, response: Response) -> None:
        """Look at a response; those that are about something else are passed over.

        Raises:
            ImapViolation: its date is none.
        """
        uid = _UID.search(response.text)
        key = self._key(response)
        if uid is None or key is None:
            return
        self._kept.append((key, self._tie * int(uid[1])))
        self.hindmost = key if self.hindmost is None else self._last(key, self.hindmost)
        if len(self._kept) > self._most:
            self._kept = self._pick(self._limit, self._kept)

    @property
    def uids(self) -> list[int]:
        """The UIDs of the foremost, in order."""
        return [self._tie * tie for _, tie in self._pick(self._limit, dict.fromkeys(self._kept))]

    @property
    def bound(self) -> float | None:
        """The key of the last of them; None when there is none. Nobody behind it can be among the foremost of more."""
        foremost = self._pick(self._limit, self._kept)
        return foremost[-1][0] if foremost else None

    def _key(self, response: Response) -> float | None:
        if self._by is SortBy.SIZE:
            size = _SIZE.search(response.text)
            return int(size[1]) if size else None
        date = _INTERNAL_DATE.search(response.text)
        if date is None:
            return None
        sent = _sent(response) if self._by is SortBy.SENT else None
        return self._moment(date[1]) if sent is None else sent

    def _moment(self, text: bytes) -> float:
        """Most messages share their day and zone with others, and the time of day is quicker to read than a date."""
        if len(text) != _USUAL_LENGTH:
            return internal_date(text).timestamp()
        day_and_zone = text[:12] + text[20:]
        midnight = self._midnights.get(day_and_zone)
        if midnight is None:
            if len(self._midnights) > self._most:
                self._midnights.clear()
            midnight = internal_date(text[:12] + b"00:00:00" + text[20:]).timestamp()
            self._midnights[day_and_zone] = midnight
        try:
            return midnight + int(text[12:14]) * 3600 + int(text[15:17]) * 60 + int(text[18:20])
        except ValueError:
            return internal_date(text).timestamp()


def _sent(response: Response) -> float | None:
    """When the sender says that it was sent; a message without a date that is one counts by its arrival."""
    header = response.literals[0] if response.literals else response.text
    found = _DATE_HEADER.search(header)
    if found is None:
        return None
    parts = parsedate_tz(found[1][:200].decode("ascii", "replace"))
    if parts is None:
        return None
    try:
        east = timezone(timedelta(seconds=parts[9] or 0))
        return datetime(*parts[:6], tzinfo=east).timestamp()
    except (ValueError, OverflowError):
        return None
