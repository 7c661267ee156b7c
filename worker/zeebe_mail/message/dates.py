"""Dates in mail headers (RFC 5322, 3.3 and 4.3), read leniently, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

_LIMIT = 200  # characters; a date has less than 50
_COMMENT = re.compile(r"\([^()]*+\)?")
_FRACTION = re.compile(r"(\d\d:\d\d:\d\d)\.\d{1,9}(?=\s)")
_ISO8601 = re.compile(r"\d{4}-\d\d-\d\d[T ]")
_OFFSET_AFTER_NAME = re.compile(r"\b(?:GMT|UTC?)\s*(?=[+-]\d{3,4}\b)", re.IGNORECASE)


def read_date(text: str) -> datetime | None:
    """The moment that a Date header means; one without a zone is taken as UTC. None if it is no date."""
    text = _OFFSET_AFTER_NAME.sub("", _FRACTION.sub(r"\1", _COMMENT.sub(" ", text[:_LIMIT]))).strip()
    return _rfc5322(text) or _iso8601(text)


def read_received(text: str) -> datetime | None:
    """The moment in a Received header: what stands after its last semicolon (RFC 5321, 4.4)."""
    return read_date(text.rpartition(";")[2].strip())


def _rfc5322(text: str) -> datetime | None:
    try:
        parsed = parsedate_tz(text)
        if parsed is None:
            return None
        year, month, day, hour, minute, second, *_, offset = parsed
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        return moment - timedelta(seconds=offset or 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _iso8601(text: str) -> datetime | None:
    if not _ISO8601.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
