"""Durations as Java reads them (``java.time.Duration``): days and time, each part with its own sign."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?=.)(?:(?P<days>[+-]?\d+)D)?"
    r"(?:T(?=[\d+-])(?:(?P<hours>[+-]?\d+)H)?(?:(?P<minutes>[+-]?\d+)M)?(?:(?P<seconds>[+-]?\d+(?:[.,]\d{0,9})?)S)?)?",
    re.IGNORECASE | re.ASCII,
)
_PARTS = ("days", "hours", "minutes", "seconds")


def duration(text: str) -> timedelta | None:
    """What a text such as ``PT5M`` means; None where it is no duration, or one beyond all measure."""
    found = _DURATION.fullmatch(text)
    parts = {name: float(found[name].replace(",", ".")) for name in _PARTS if found[name]} if found else {}
    if not found or not parts:
        return None
    try:
        return timedelta(**parts) * (-1 if found["sign"] == "-" else 1)
    except OverflowError:
        return None
