"""Time zones by name, and when their clocks change, as a calendar has to say it (RFC 5545, 3.6.5)."""

from __future__ import annotations

import calendar
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_YEARS = 28  # after which all dates have the same weekdays again, but for 2100, 2200 and 2300
_STEP = timedelta(days=7)  # no zone changes its clocks back and forth within a week
_LAST_YEAR = 9998


class TimeZoneError(ValueError):
    """There is no such time zone; the message does not repeat what was given."""


@dataclass(frozen=True, slots=True)
class Observance:
    """What the clocks of a zone are set to, from when on."""

    starts: tuple[datetime, ...]
    """By the clock as it was until then."""
    rule: str | None
    """How it comes again each year after the first of ``starts`` (RRULE), where it does so by a rule."""
    before: timedelta
    """The offset until then."""
    offset: timedelta
    name: str

    @property
    def is_daylight(self) -> bool:
        """Whether the clocks are put forward for it."""
        return self.offset > self.before


def time_zone(name: str) -> ZoneInfo:
    """The zone of this name in the IANA database.

    Raises:
        TimeZoneError: there is none; tells a similar one.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        nearest = get_close_matches(name, available_timezones(), n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ", such as Europe/Berlin"
        raise TimeZoneError(f"there is no such time zone in the IANA database{hint}") from None


@functools.lru_cache(maxsize=64)
def observances(zone: ZoneInfo, year: int) -> tuple[Observance, ...]:
    """All that is needed to tell the time in a zone from the beginning of a year on, for 28 years at least.

    Where the changes follow a rule, as they do in most zones, it holds for ever.
    """
    first, last = max(year - 1, 1), min(year + _YEARS, _LAST_YEAR)
    changes: dict[tuple[timedelta, timedelta, str], list[datetime]] = {}
    for moment, before in _changes(zone, first, last):
        change = before, _offset(zone, moment), _name(zone, moment)
        changes.setdefault(change, []).append((moment + before).replace(tzinfo=None))
    rules = [_rule(starts, last - first + 1) for starts in changes.values()]
    if rules and all(rules):
        return tuple(
            Observance((starts[0],), rule, *change)
            for (change, starts), rule in zip(changes.items(), rules, strict=True)
        )
    begin = datetime(first, 1, 1, tzinfo=UTC)
    offset = _offset(zone, begin)
    at_first = Observance(((begin + offset).replace(tzinfo=None),), None, offset, offset, _name(zone, begin))
    return (at_first, *(Observance(tuple(starts), None, *change) for change, starts in changes.items()))


def _changes(zone: ZoneInfo, first: int, last: int) -> Iterator[tuple[datetime, timedelta]]:
    """The moments at which the offset changes from the first to the last year, and the offset until then."""
    at, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    before = _offset(zone, at)
    while at < end:
        later = min(at + _STEP, end)
        if (offset := _offset(zone, later)) != before:
            yield _change(zone, at, later), before
        at, before = later, offset


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime:
    """The second in which the offset changes between two moments."""
    before = _offset(zone, start)
    while end - start > timedelta(seconds=1):
        middle = start + timedelta(seconds=(end - start) // timedelta(seconds=2))
        if _offset(zone, middle) == before:
            start = middle
        else:
            end = middle
    return end


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _name(zone: ZoneInfo, moment: datetime) -> str:
    return moment.astimezone(zone).tzname() or ""


def _rule(starts: Sequence[datetime], years: int) -> str | None:
    """The yearly rule that has given exactly these moments, one in each of so many years."""
    months, times = {one.month for one in starts}, {one.time() for one in starts}
    if len(starts) != years or len({one.year for one in starts}) != years or len(months) > 1 or len(times) > 1:
        return None
    (month,) = months
    days, weekdays = {one.day for one in starts}, {one.weekday() for one in starts}
    if len(days) == 1:
        return f"FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={min(days)}"
    if len(weekdays) > 1 or max(days) - min(days) != 6:
        return None
    weekday = _WEEKDAYS[weekdays.pop()]
    if min(days) % 7 == 1:
        return f"FREQ=YEARLY;BYMONTH={month};BYDAY={min(days) // 7 + 1}{weekday}"
    if month != 2 and max(days) == calendar.monthrange(2001, month)[1]:
        return f"FREQ=YEARLY;BYMONTH={month};BYDAY=-1{weekday}"
    dates = ",".join(map(str, range(min(days), max(days) + 1)))
    return f"FREQ=YEARLY;BYMONTH={month};BYDAY={weekday};BYMONTHDAY={dates}"
