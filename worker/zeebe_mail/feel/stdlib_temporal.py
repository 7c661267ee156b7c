"""The standard library's dates and times as FEEL's."""

from datetime import date, datetime, time, timedelta

from zeebe_mail.feel.temporal import Date, DaysTime, LocalDateTime, LocalTime, ZonedDateTime, ZonedTime

__all__ = ["from_date", "from_datetime", "from_time", "from_timedelta"]


def from_date(value: date) -> Date:
    return Date(value.year, value.month, value.day)


def from_time(value: time) -> LocalTime | ZonedTime:
    """An aware time needs a fixed offset; `datetime.timezone` has one, most of `zoneinfo` has not."""
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    local = LocalTime((seconds * 1_000_000 + value.microsecond) * 1000)
    offset = value.utcoffset()
    return local if offset is None else ZonedTime(local, int(offset.total_seconds()))


def from_datetime(value: datetime) -> LocalDateTime | ZonedDateTime:
    """Keeps the key of a `ZoneInfo` as the name of the zone."""
    naive_time = from_time(value.time())
    assert isinstance(naive_time, LocalTime)
    local = LocalDateTime(from_date(value.date()), naive_time)
    offset = value.utcoffset()
    if offset is None:
        return local
    return ZonedDateTime(local, int(offset.total_seconds()), getattr(value.tzinfo, "key", None))


def from_timedelta(value: timedelta) -> DaysTime:
    return DaysTime(((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 1000)
