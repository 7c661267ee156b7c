"""Reading dates, times and durations from text; what cannot be read is `None`."""

from re import compile as pattern

from zeebe_mail.feel.errors import EvaluationError
from zeebe_mail.feel.temporal import (
    NANOS_PER_DAY,
    NANOS_PER_SECOND,
    Date,
    DaysTime,
    LocalDateTime,
    LocalTime,
    Temporal,
    YearsMonths,
    ZonedDateTime,
    ZonedTime,
)
from zeebe_mail.feel.zones import region, standard_offset

__all__ = ["parse_date", "parse_date_time", "parse_duration", "parse_temporal", "parse_time"]

_DATE = r"(-?(?:[1-9][0-9]{0,4})?[0-9]{4})-([01][0-9])-([0-3][0-9])"
_ZONE = r"(?:([+-][0-9]{2}:[0-9]{2}|Z)|@(.*))"
_BOTH = r"([+-][0-9]{2}:[0-9]{2}|Z)\[(.*)\]"  # as java.time writes it
_date = pattern(_DATE)
_time = pattern(r"T?([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{0,9}))?)?")
_zoned_time = pattern(r"T?([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?" + _ZONE)
_date_time = pattern(
    _DATE + r"T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?:" + _BOTH + "|" + _ZONE + ")?"
)
_leading_zeros = pattern(r"(-?)0{1,5}(?=[0-9]{4,8}-)")
_years_months = pattern(r"(-)?P(?:(-?[0-9]+)Y)?(?:(-?[0-9]+)M)?")
_days_time = pattern(
    r"([+-])?P(?:([+-]?[0-9]+)D)?"
    r"(?:T(?=[0-9+-])(?:([+-]?[0-9]+)H)?(?:([+-]?[0-9]+)M)?(?:([+-]?)([0-9]+)(?:[.,]([0-9]{0,9}))?S)?)?"
)
_MAX_DIGITS = 19  # of a Java long
_MAX_INT32 = 2**31 - 1


def parse_temporal(text: str) -> Temporal | None:
    """Any of them, as after `@`."""
    for parse in (parse_date, parse_date_time, parse_duration, parse_time):
        value: Temporal | None = parse(text)
        if value is not None:
            return value
    return None


def parse_date(text: str) -> Date | None:
    match = _date.fullmatch(text)
    return None if match is None else _to_date(match[1], match[2], match[3])


def parse_time(text: str) -> LocalTime | ZonedTime | None:
    match = _zoned_time.fullmatch(text)
    if match is not None:
        time = _to_time(match[1], match[2], match[3], match[4], may_end_day=True)
        zone = region(match[5] or match[6])
        if time is None or zone is None:
            return None
        return ZonedTime(time, zone) if isinstance(zone, int) else ZonedTime(time, standard_offset(zone), zone)
    match = _time.fullmatch(text)
    return None if match is None else _to_time(match[1], match[2], match[3], match[4], may_end_day=True)


def parse_date_time(text: str, *, lenient: bool = False) -> LocalDateTime | ZonedDateTime | None:
    """Also a date alone, for its first moment. `lenient` takes zeros before the year, as Java's own parser does."""
    if lenient and "T" in text:
        text = _leading_zeros.sub(r"\1", text, count=1)
    match = _date_time.fullmatch(text)
    if match is None:
        date = parse_date(text)
        return None if date is None else LocalDateTime(date, LocalTime(0))
    date = _to_date(match[1], match[2], match[3])
    time = _to_time(match[4], match[5], match[6], match[7], may_end_day=False)
    if date is None or time is None:
        return None
    local = LocalDateTime(date, time)
    offset, zone_of_offset, plain_offset, zone_alone = match.groups()[7:]
    name = next((name for name in (zone_of_offset, plain_offset, zone_alone) if name is not None), None)
    if name is None:
        return local
    zone = region(name)
    if zone is None:
        return None
    if offset is None:
        return ZonedDateTime.at(local, zone)
    offset_s = region(offset)
    return ZonedDateTime.at(local, offset_s).in_zone(zone) if isinstance(offset_s, int) else None


def parse_duration(text: str, *, lenient: bool = False) -> YearsMonths | DaysTime | None:
    """`lenient` reads whatever `java.time.Duration.parse` does: lower case, signs everywhere, a decimal comma."""
    match = _years_months.fullmatch(text)
    if match is not None:
        return _to_years_months(match[1], match[2], match[3])
    if lenient:
        text = text.upper()
    elif "+" in text or "," in text:
        return None
    match = _days_time.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        return None
    return _to_days_time(*match.groups())


def _to_date(year: str, month: str, day: str) -> Date | None:
    try:
        return Date(int(year), int(month), int(day))
    except EvaluationError:
        return None


def _to_time(
    hour: str, minute: str, second: str | None, fraction: str | None, *, may_end_day: bool
) -> LocalTime | None:
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    nanos = ((hours * 60 + minutes) * 60 + seconds) * NANOS_PER_SECOND + int((fraction or "").ljust(9, "0"))
    if may_end_day and hours == 24 and nanos == NANOS_PER_DAY:
        return LocalTime(0)
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    return LocalTime(nanos)


def _to_years_months(sign: str | None, years: str | None, months: str | None) -> YearsMonths | None:
    if years is None and months is None:
        return None
    if len(years or "") > _MAX_DIGITS or len(months or "") > _MAX_DIGITS:
        return None
    parts = int(years or 0), int(months or 0)
    if max(map(abs, parts)) > _MAX_INT32:
        return None
    total = parts[0] * 12 + parts[1]
    return YearsMonths(-total if sign == "-" else total)


def _to_days_time(
    sign: str | None,
    days: str | None,
    hours: str | None,
    minutes: str | None,
    seconds_sign: str | None,
    seconds: str | None,
    fraction: str | None,
) -> DaysTime | None:
    parts = (days, hours, minutes, seconds)
    if any(len(part or "") > _MAX_DIGITS + 1 for part in parts):
        return None
    whole_days, whole_hours, whole_minutes, whole_seconds = (int(part or 0) for part in parts)
    clock = whole_seconds * NANOS_PER_SECOND + int((fraction or "").ljust(9, "0"))
    if seconds_sign == "-":
        clock = -clock
    total = ((whole_days * 24 + whole_hours) * 60 + whole_minutes) * 60 * NANOS_PER_SECOND + clock
    try:
        return DaysTime(-total if sign == "-" else total)
    except EvaluationError:
        return None
