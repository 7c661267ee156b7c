"""How often an appointment comes again: the recurrence rules of calendars (RFC 5545, 3.3.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, tzinfo

_PREFIX = "RRULE:"
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
_WEEKDAY = re.compile(r"(?:[+-]?(?P<nth>[1-9]\d?))?(?:MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_COUNT = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?", re.ASCII)

_RANGES = {
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (1, 366),
}
"""Lists of numbers; those that begin with 1, but for the months, may count from the end."""


class RecurrenceError(ValueError):
    """Not a recurrence rule; the message names its part and does not repeat its value."""


def recurrence(text: str, start: date | datetime) -> str:
    """The rule of an appointment that begins so, in its normal form: ``FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10``.

    UNTIL has the form that the start asks for: a day, or a moment in UTC. A bare day of a rule whose start has a time
    counts whole.

    Raises:
        RecurrenceError: it is no rule, or one that calendars must not be given.
    """
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix(_PREFIX).rstrip(";").split(";"):
        name, _, value = part.strip().partition("=")
        if name in parts:
            raise RecurrenceError(f"has {name} twice")
        parts[name] = value.strip()
    for name, value in parts.items():
        _check(name, value)
    if "FREQ" not in parts:
        raise RecurrenceError("must say how often (FREQ), for example FREQ=WEEKLY;BYDAY=MO")
    _check_combination(parts)
    if "UNTIL" in parts:
        parts["UNTIL"] = _until(parts["UNTIL"], start)
    return ";".join(f"{name}={value}" for name, value in _in_order(parts))


def _in_order(parts: dict[str, str]) -> Iterator[tuple[str, str]]:
    # FREQ first, for calendars older than RFC 5545.
    yield "FREQ", parts["FREQ"]
    yield from ((name, value) for name, value in parts.items() if name != "FREQ")


def _check(name: str, value: str) -> None:
    match name:
        case "FREQ":
            good, expected = value in _FREQUENCIES, f"one of {', '.join(_FREQUENCIES)}"
        case "COUNT" | "INTERVAL":
            good, expected = bool(_COUNT.fullmatch(value)), "a number from 1 to 99999"
        case "UNTIL":
            good, expected = bool(_UNTIL.fullmatch(value)), "a day or moment such as 20261231 or 20261231T225959Z"
        case "WKST":
            good, expected = value in ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), "a weekday such as MO"
        case "BYDAY":
            good, expected = all(map(_is_weekday, value.split(","))), "weekdays such as MO,WE or -1FR"
        case _ if name in _RANGES:
            low, high = _RANGES[name]
            may_count_back = low == 1 and name != "BYMONTH"
            good = all(_is_between(one, low, high, back=may_count_back) for one in value.split(","))
            expected = f"numbers from {low} to {high}" + (", or as many from the end with a minus" * may_count_back)
        case _:
            raise RecurrenceError(
                f"has a part that no rule has; known are FREQ, UNTIL, COUNT, INTERVAL, WKST, BYDAY, "
                f"{', '.join(_RANGES)}"
            )
    if not good:
        raise RecurrenceError(f"{name} must be {expected}")


def _is_weekday(text: str) -> bool:
    found = _WEEKDAY.fullmatch(text)
    return found is not None and int(found["nth"] or 1) <= 53


def _is_between(text: str, low: int, high: int, *, back: bool) -> bool:
    if not _NUMBER.fullmatch(text):
        return False
    number = int(text)
    return low <= number <= high or (back and -high <= number <= -low)


def _check_combination(parts: dict[str, str]) -> None:
    if "UNTIL" in parts and "COUNT" in parts:
        raise RecurrenceError("must not have both UNTIL and COUNT")
    if parts["FREQ"] not in ("MONTHLY", "YEARLY") and re.search(r"\d", parts.get("BYDAY", "")):
        raise RecurrenceError("BYDAY may have numbers only with FREQ=MONTHLY or FREQ=YEARLY")
    if "BYWEEKNO" in parts and parts["FREQ"] != "YEARLY":
        raise RecurrenceError("BYWEEKNO needs FREQ=YEARLY")
    if "BYMONTHDAY" in parts and parts["FREQ"] == "WEEKLY":
        raise RecurrenceError("BYMONTHDAY cannot be with FREQ=WEEKLY")
    if "BYYEARDAY" in parts and parts["FREQ"] in ("DAILY", "WEEKLY", "MONTHLY"):
        raise RecurrenceError(f"BYYEARDAY cannot be with FREQ={parts['FREQ']}")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        raise RecurrenceError("BYSETPOS needs another BY part")


def _until(value: str, start: date | datetime) -> str:
    try:
        day = datetime.strptime(value[:8], "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
        clock = datetime.strptime(value[9:15], "%H%M%S").time() if "T" in value else time(23, 59, 59)  # noqa: DTZ007
    except ValueError:
        raise RecurrenceError("UNTIL is no day or moment that there is") from None
    if not isinstance(start, datetime):
        if day < start:
            raise RecurrenceError("UNTIL must not be before the start")
        return day.strftime("%Y%m%d")
    zone: tzinfo | None = UTC if value.endswith("Z") else start.tzinfo
    last = datetime.combine(day, clock, zone).astimezone(UTC)
    if last < start:
        raise RecurrenceError("UNTIL must not be before the start")
    return last.strftime("%Y%m%dT%H%M%SZ")
