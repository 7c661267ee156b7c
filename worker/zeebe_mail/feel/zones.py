"""Time zones: from the names in texts to offsets, by the rules of java.time over the IANA data of `zoneinfo`.

`zoneinfo` ends at the year 9999; the Gregorian calendar repeats after 400 years, and so do the rules beyond.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from re import compile as pattern
from time import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["MAX_OFFSET_S", "offset_at_instant", "offset_at_local", "offset_text", "region", "standard_offset"]

MAX_OFFSET_S = 18 * 3600
_DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE_S = 146_097 * _DAY_S  # 400 years
_FIRST_S = -62_135_596_800 + _DAY_S  # 0001-01-02, a day inside what datetime can hold
_LAST_S = 253_370_764_800 - _DAY_S  # 9998-12-31

_OFFSET = pattern(r"([+-])(\d{2}):(\d{2})(?::(\d{2}))?")
# Java's ZoneId.of also takes these; they carry their own fixed offset.
_PREFIXED = pattern(r"(UTC|GMT|UT)([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?")
_LOOSE = pattern(r"([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?")
# zoneinfo knows these, java.time does not.
_NOT_IN_JAVA = frozenset({"EST", "HST", "MST", "ROC", "Factory", "localtime", "posixrules"})


def _parse_offset(text: str) -> int | None:
    """Seconds east of UTC from `Z`, `+01:00` or `+01:00:30`."""
    if text == "Z":
        return 0
    match = _OFFSET.fullmatch(text)
    return None if match is None else _seconds(*match.groups())


def offset_text(offset_s: int) -> str:
    if offset_s == 0:
        return "Z"
    minutes, seconds = divmod(abs(offset_s), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{'-' if offset_s < 0 else '+'}{hours:02}:{minutes:02}"
    return f"{text}:{seconds:02}" if seconds else text


def region(name: str, *, loose: bool = False) -> str | int | None:
    """A zone by its name: the id of a region, the seconds of a plain offset, or `None` if there is no such zone.

    `loose` also reads what only `ZoneId.of` does: `+2`, `UTC+2`.
    """
    if name == "Z":
        return 0
    offset = _parse_offset(name)
    if offset is not None:
        return offset
    if loose:
        match = _LOOSE.fullmatch(name)
        if match is not None:
            return _seconds(*match.groups())
        match = _PREFIXED.fullmatch(name)
        if match is not None:
            offset = _seconds(*match.groups()[1:])
            return None if offset is None else match[1] + (offset_text(offset) if offset else "")
    return name if _rules(name) is not None else None


def offset_at_local(zone: str, local_s: int) -> int:
    """The offset of a local time, given in seconds from 1970 as if it were UTC.

    When clocks go back the earlier offset counts; when they go forward, the one before the gap.
    """
    fixed = _fixed(zone)
    if fixed is not None:
        return fixed
    offset = (_EPOCH + timedelta(seconds=_within(local_s))).replace(tzinfo=_rules(zone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def offset_at_instant(zone: str, epoch_s: int) -> int:
    fixed = _fixed(zone)
    if fixed is not None:
        return fixed
    offset = (_EPOCH + timedelta(seconds=_within(epoch_s))).astimezone(_rules(zone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def standard_offset(zone: str) -> int:
    """The offset without summer time: the smallest of the coming year.

    Not `tzinfo.dst`, for which Ireland's winter and Morocco's Ramadan are negative summers; Java sees it this way.
    """
    now_s = int(time())
    return min(offset_at_instant(zone, now_s + day * _DAY_S) for day in range(0, 366, 14))


@lru_cache(maxsize=256)
def _rules(name: str) -> "ZoneInfo | None":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # expressions without zones do without it

    if name in _NOT_IN_JAVA:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return None


@lru_cache(maxsize=256)
def _fixed(zone: str) -> int | None:
    match = _PREFIXED.fullmatch(zone)
    return None if match is None else _seconds(*match.groups()[1:])


def _seconds(sign: str, hours: str, minutes: str | None, seconds: str | None) -> int | None:
    if int(minutes or 0) > 59 or int(seconds or 0) > 59:
        return None
    total = int(hours) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    if total > MAX_OFFSET_S:
        return None
    return -total if sign == "-" else total


def _within(seconds: int) -> int:
    if seconds > _LAST_S:
        return seconds - ((seconds - _LAST_S) // _CYCLE_S + 1) * _CYCLE_S
    return max(seconds, _FIRST_S)
