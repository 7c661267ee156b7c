"""Days and moments in the patterns that Infosys' filters take. Without an offset a time of day is UTC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from zeebe_mail.message.moment import read_moment

DAYS = ("%d/%m/%Y", "%A %B %d %Y", "%a %b %d %Y", "%B %d %Y", "%b %d %Y", "%Y-%m-%d", "%d %b %Y", "%d %B %Y")
MOMENTS = (
    "%d/%m/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M %p",
    "%d/%m/%Y %H:%M:%S",
    "%a %b %d %H:%M:%S %z %Y",
    "%a %b %d %H:%M:%S %Z %Y",
    "%Y-%m-%d %H:%M:%S",
)
"""dd/MM/yyyy hh:mm:ss a · dd/MM/yyyy HH:mm:ss · E MMM dd HH:mm:ss Z yyyy · yyyy-MM-dd HH:mm:ss, and the days alike."""

_ZONES = ("UTC", "GMT")
_YEARS = range(1900, 9000)


def read_date(text: str) -> date:
    """A day, or a moment (a ``datetime``) with its offset.

    Raises:
        ValueError: it is neither.
    """
    written = " ".join(text.split())
    for found in _read(written):
        if found.year in _YEARS:
            return found
    raise ValueError("is no date in one of the known patterns")


def after(when: date) -> date:
    """The next day, or the next second."""
    return when + (timedelta(seconds=1) if isinstance(when, datetime) else timedelta(days=1))


def _read(written: str) -> Iterator[date]:
    for pattern in DAYS:
        with suppress(ValueError):
            yield datetime.strptime(written, pattern).replace(tzinfo=UTC).date()
    for pattern in MOMENTS:
        if "%Z" in pattern and not any(f" {zone} " in written for zone in _ZONES):
            continue  # %Z also takes the names of this machine's zone, and forgets them
        with suppress(ValueError):
            moment = datetime.strptime(written, pattern)  # noqa: DTZ007 (it gets its offset below)
            yield moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    with suppress(ValueError):
        if "T" in written:
            yield read_moment(written)
