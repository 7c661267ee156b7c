"""Moments as a process writes them: ISO 8601, and what FEEL makes of a date and time (`now()`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ZONED = re.compile(r"([^\[@]+)(?:\[[A-Za-z0-9_+:/-]{1,60}\]|@([A-Za-z0-9_+/-]{1,60}))", re.ASCII)


def read_moment(text: str) -> datetime:
    """A moment with its offset; without one it is UTC.

    FEEL puts the zone's name behind: ``…+01:00[Europe/Berlin]`` as a variable, where the offset decides, and
    ``…@Europe/Berlin`` as text.

    Raises:
        ValueError: it is no moment, or there is no such time zone.
    """
    zoned = _ZONED.fullmatch(text.strip())
    moment = datetime.fromisoformat(zoned[1] if zoned else text.strip())
    if moment.tzinfo is not None:
        return moment
    if zoned is None or zoned[2] is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.replace(tzinfo=ZoneInfo(zoned[2]))
    except ZoneInfoNotFoundError as error:
        raise ValueError("there is no such time zone") from error
