"""Dates in mail headers (RFC 5322, 3.3 and 4.3), read leniently, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

_LIMIT = 200  # characters; a date has less than 50
_COMMENT = re.compile(r"\([^()]*+\)?")
_FRACTION = re.compile(r"(\d\d:\d\d:\d\d)\.\d{1,9}(?=\s)")
_ISO8601 = re.compile(r"\d{4}-\d\d-\d\d[T ]")
_COLON_IN_OFFSET = re.compile(r"(?<=[ \d][+-]\d\d):(?=\d\d\b)")
_TWELVE_HOURS = re.compile(r"\b(\d{1,2})(:\d\d(?::\d\d)?)\s*([AP])M\b", re.IGNORECASE)
_YEAR_AT_END = re.compile(r"\b([A-Z]{3,5})\s+(\d{4})\Z")
_ZONE_AT_END = re.compile(r"\b([A-Z]{3,5})\Z")
# Names that the standard library takes for UTC; each has one meaning in mail.
_ZONES = {
    **dict.fromkeys(("BST", "CET", "MEZ", "WEST"), "+0100"),
    **dict.fromkeys(("CEST", "MESZ", "MEST", "EET", "SAST"), "+0200"),
    **dict.fromkeys(("EEST", "MSK"), "+0300"),
    "MSD": "+0400",
    "HKT": "+0800",
    **dict.fromkeys(("JST", "KST"), "+0900"),
    "AEST": "+1000",
    "AEDT": "+1100",
    "NZST": "+1200",
    "NZDT": "+1300",
}
_OFFSET_AFTER_NAME = re.compile(r"\b(?:GMT|UTC?)\s*(?=[+-]\d{3,4}\b)", re.IGNORECASE)


def read_date(text: str) -> datetime | None:
    """The moment that a Date header means; one without a zone is taken as UTC. None if it is no date."""
    text = _OFFSET_AFTER_NAME.sub("", _FRACTION.sub(r"\1", _COMMENT.sub(" ", text[:_LIMIT]))).strip()
    return _iso8601(text) or _rfc5322(_plain(text))


def read_received(text: str) -> datetime | None:
    """The moment in a Received header: what stands after its last semicolon (RFC 5321, 4.4)."""
    return read_date(text.rpartition(";")[2].strip())


def _plain(text: str) -> str:
    """A date as the standard library understands it: 24 hours, the year before the zone, the zone as a number."""
    text = _TWELVE_HOURS.sub(_24_hours, _COLON_IN_OFFSET.sub("", text))
    text = _YEAR_AT_END.sub(r"\2 \1", text)
    return _ZONE_AT_END.sub(lambda zone: _ZONES.get(zone[1], zone[1]), text)


def _24_hours(time: re.Match[str]) -> str:
    hour = int(time[1])
    if not 1 <= hour <= 12:
        return f"{hour}{time[2]}"
    return f"{hour % 12 + 12 * (time[3] in 'Pp'):02}{time[2]}"


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
