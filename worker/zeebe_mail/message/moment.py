"""Moments as a process writes them: ISO 8601, and what FEEL makes of a date and time (`now()`)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from zeebe_mail.message.time_zone import time_zone

_ZONED = re.compile(r"([^\[@]+)(?:\[(?P<beside>[A-Za-z0-9_+:/-]{1,60})\]|@(?P<zone>[A-Za-z0-9_+/-]{1,60}))", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class NoTimeZone(ValueError):
    """It is not said in which time zone a time is meant."""


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
    if zoned is None or zoned["zone"] is None:
        return moment.replace(tzinfo=UTC)
    return moment.replace(tzinfo=time_zone(zoned["zone"]))


def read_appointment(text: str, zone: ZoneInfo | None) -> date | datetime:
    """A day, or a time on the clock of a zone: that behind it, else ``zone``, else UTC where it has an offset.

    A time that the clocks leave out, when they are put forward, is as much later (RFC 5545, 3.3.5).

    Raises:
        NoTimeZone: there is neither an offset nor a zone.
        ValueError: it is neither day nor time, or there is no such time zone.
    """
    if _DAY.fullmatch(text.strip()):
        return date.fromisoformat(text.strip())
    zoned = _ZONED.fullmatch(text.strip())
    moment = datetime.fromisoformat(zoned[1] if zoned else text.strip())
    name = zoned["zone"] or zoned["beside"] if zoned else None
    where = time_zone(name) if name else zone
    if moment.tzinfo is None:
        if where is None:
            raise NoTimeZone("does not say in which time zone")
        moment = moment.replace(tzinfo=where)
    return moment.astimezone(UTC).astimezone(where or UTC)
