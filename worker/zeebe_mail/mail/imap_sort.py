"""The order of messages: SORT (RFC 5256) where the server has it, else a frugal one of our own.

Of each message only what it is sorted by is asked for and only the foremost are kept, so 50,000 messages are a few
megabytes of lines and no more than that of memory.
"""

from __future__ import annotations

import enum
import heapq
import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_tz

from zeebe_mail.mail.imap_connection import Response
from zeebe_mail.mail.imap_fetch import internal_date

_UID = re.compile(rb"[( ]UID (\d{1,10})\b")
_INTERNAL_DATE = re.compile(rb'[( ]INTERNALDATE "([^"\r\n]{10,40})"')
_SIZE = re.compile(rb"[( ]RFC822\.SIZE (\d{1,18})\b")
_DATE_HEADER = re.compile(rb"^Date:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)
_FOREMOST_AT_LEAST = 1000


class SortBy(enum.StrEnum):
    """What messages are sorted by (RFC 5256)."""

    RECEIVED = "RECEIVED_DATE"
    SENT = "SENT_DATE"
    SIZE = "SIZE"


SORT_KEYS = {SortBy.RECEIVED: b"ARRIVAL", SortBy.SENT: b"DATE", SortBy.SIZE: b"SIZE"}
ITEMS = {
    SortBy.RECEIVED: b"INTERNALDATE",
    SortBy.SENT: b"INTERNALDATE BODY.PEEK[HEADER.FIELDS (DATE)]",
    SortBy.SIZE: b"RFC822.SIZE",
}
"""What has to be fetched to sort by it."""


class Foremost:
    """Takes FETCH responses and keeps the foremost so many."""

    def __init__(self, by: SortBy, limit: int, *, descending: bool) -> None:
        self._by = by
        self._limit = limit
        self._pick = heapq.nlargest if descending else heapq.nsmallest
        self._kept: list[tuple[float, int]] = []
        self._most = max(2 * limit, limit + _FOREMOST_AT_LEAST)
        self._known: dict[bytes, float] = {}

    def __call__(self, response: Response) -> None:
        """Look at a response; those that are about something else are passed over.

        Raises:
            ImapViolation: its date is none.
        """
        uid = _UID.search(response.text)
        key = self._key(response)
        if uid is None or key is None:
            return
        self._kept.append((key, int(uid[1])))
        if len(self._kept) > self._most:
            self._kept = self._pick(self._limit, self._kept)

    @property
    def uids(self) -> list[int]:
        """The UIDs of the foremost, in order."""
        return [uid for _, uid in self._pick(self._limit, dict.fromkeys(self._kept))]

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
        """Many messages arrive within the same second, and a look into a dictionary is cheaper than reading a date."""
        moment = self._known.get(text)
        if moment is None:
            if len(self._known) > self._most:
                self._known.clear()
            moment = self._known[text] = internal_date(text).timestamp()
        return moment


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
