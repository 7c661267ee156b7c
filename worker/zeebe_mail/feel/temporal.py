"""Dates, times and durations with the meaning of java.time, which `datetime` does not have.

Years go from -999,999,999 to 999,999,999 and seconds have nine decimals. A zoned value keeps its local fields, its
offset and the name of its zone; two of them are equal only if all three are, and ordered by their instants.
"""

from typing import Final, TypeAlias

from zeebe_mail.feel.errors import EvaluationError
from zeebe_mail.feel.zones import offset_at_instant, offset_at_local, offset_text

__all__ = [
    "NANOS_PER_DAY",
    "NANOS_PER_SECOND",
    "Date",
    "DaysTime",
    "LocalDateTime",
    "LocalTime",
    "Temporal",
    "YearsMonths",
    "ZonedDateTime",
    "ZonedTime",
    "days_in_month",
]

NANOS_PER_SECOND: Final = 1_000_000_000
NANOS_PER_DAY: Final = 86_400 * NANOS_PER_SECOND
_DAY_S: Final = 86_400
_MAX_YEAR: Final = 999_999_999
_MAX_SECONDS: Final = 2**63  # of a java.time.Duration
_MAX_MONTHS: Final = 2**31 * 12
_MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def days_in_month(year: int, month: int) -> int:
    if month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        return 29
    return _MONTH_DAYS[month - 1]


class Date:
    __slots__ = ("day", "month", "year")

    def __init__(self, year: int, month: int, day: int) -> None:
        """Raises EvaluationError when there is no such day."""
        if not -_MAX_YEAR <= year <= _MAX_YEAR:
            raise EvaluationError(f"The year {year} is out of range.")
        if not (1 <= month <= 12 and 1 <= day <= days_in_month(year, month)):
            raise EvaluationError(f"There is no day {year}-{month}-{day}.")
        self.year = year
        self.month = month
        self.day = day

    @classmethod
    def from_epoch_day(cls, days: int) -> "Date":
        """The inverse of `epoch_day`, by counting in years that begin in March."""
        era, day_of_era = divmod(days + 719_468, 146_097)
        year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
        day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
        shifted_month = (5 * day_of_year + 2) // 153
        month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
        year = year_of_era + era * 400 + (month <= 2)
        return cls(year, month, day_of_year - (153 * shifted_month + 2) // 5 + 1)

    @property
    def epoch_day(self) -> int:
        """Days since 1970-01-01."""
        year = self.year - (self.month <= 2)
        era, year_of_era = divmod(year, 400)
        day_of_year = (153 * (self.month - 3 if self.month > 2 else self.month + 9) + 2) // 5 + self.day - 1
        return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468

    @property
    def weekday(self) -> int:
        """1 is Monday."""
        return (self.epoch_day + 3) % 7 + 1

    @property
    def day_of_year(self) -> int:
        return self.epoch_day - Date(self.year, 1, 1).epoch_day + 1

    @property
    def week_of_year(self) -> int:
        """The week of ISO 8601."""
        thursday = Date.from_epoch_day(self.epoch_day + 4 - self.weekday)
        return (thursday.day_of_year - 1) // 7 + 1

    def plus_months(self, months: int) -> "Date":
        """The same day of another month, or that month's last."""
        years, month = divmod(self.month - 1 + months, 12)
        year = self.year + years
        return Date(year, month + 1, min(self.day, days_in_month(year, month + 1)))

    def months_until(self, other: "Date") -> int:
        """Whole months; negative when `other` is earlier."""
        months = (other.year - self.year) * 12 + other.month - self.month
        if months > 0 and other.day < self.day:
            return months - 1
        if months < 0 and other.day > self.day:
            return months + 1
        return months

    @property
    def order(self) -> tuple[int, int, int]:
        return self.year, self.month, self.day

    def __eq__(self, other: object) -> bool:
        return type(other) is Date and self.order == other.order

    def __hash__(self) -> int:
        return hash(self.order)

    def __str__(self) -> str:
        sign = "+" if self.year > 9999 else ""
        return f"{sign}{_year_text(self.year)}-{self.month:02}-{self.day:02}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class LocalTime:
    __slots__ = ("nanos",)

    def __init__(self, nanos: int) -> None:
        """`nanos` since midnight, below a day."""
        self.nanos = nanos

    @property
    def hour(self) -> int:
        return self.nanos // (3600 * NANOS_PER_SECOND)

    @property
    def minute(self) -> int:
        return self.nanos // (60 * NANOS_PER_SECOND) % 60

    @property
    def second(self) -> int:
        return self.nanos // NANOS_PER_SECOND % 60

    @property
    def order(self) -> int:
        return self.nanos

    def plus(self, nanos: int) -> "LocalTime":
        return LocalTime((self.nanos + nanos) % NANOS_PER_DAY)

    def __eq__(self, other: object) -> bool:
        return type(other) is LocalTime and self.nanos == other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __str__(self) -> str:
        text = f"{self.hour:02}:{self.minute:02}:{self.second:02}"
        fraction = self.nanos % NANOS_PER_SECOND
        return f"{text}.{fraction:09}".rstrip("0") if fraction else text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class ZonedTime:
    """A time with an offset and perhaps the name of the zone that it comes from."""

    __slots__ = ("offset_s", "time", "zone")

    def __init__(self, time: LocalTime, offset_s: int, zone: str | None = None) -> None:
        self.time = time
        self.offset_s = offset_s
        self.zone = zone

    @property
    def order(self) -> int:
        """Nanoseconds of the day in UTC, below zero for the day before."""
        return self.time.nanos - self.offset_s * NANOS_PER_SECOND

    def plus(self, nanos: int) -> "ZonedTime":
        return ZonedTime(self.time.plus(nanos), self.offset_s, self.zone)

    def on(self, date: Date) -> "ZonedDateTime":
        return ZonedDateTime.at(LocalDateTime(date, self.time), self.zone or self.offset_s)

    @property
    def iso(self) -> str:
        return f"{self.time}{offset_text(self.offset_s)}"

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is ZonedTime
            and self.time == other.time
            and self.offset_s == other.offset_s
            and self.zone == other.zone
        )

    def __hash__(self) -> int:
        return hash((self.time.nanos, self.offset_s, self.zone))

    def __str__(self) -> str:
        return f"{self.time}@{self.zone}" if self.zone else self.iso

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class LocalDateTime:
    __slots__ = ("date", "time")

    def __init__(self, date: Date, time: LocalTime) -> None:
        self.date = date
        self.time = time

    @classmethod
    def from_epoch_nanos(cls, nanos: int) -> "LocalDateTime":
        days, nanos_of_day = divmod(nanos, NANOS_PER_DAY)
        return cls(Date.from_epoch_day(days), LocalTime(nanos_of_day))

    @property
    def epoch_nanos(self) -> int:
        """Nanoseconds since 1970 as if the clock showed UTC."""
        return self.date.epoch_day * NANOS_PER_DAY + self.time.nanos

    @property
    def order(self) -> int:
        return self.epoch_nanos

    def plus(self, nanos: int) -> "LocalDateTime":
        return LocalDateTime.from_epoch_nanos(self.epoch_nanos + nanos)

    def plus_months(self, months: int) -> "LocalDateTime":
        return LocalDateTime(self.date.plus_months(months), self.time)

    def __eq__(self, other: object) -> bool:
        return type(other) is LocalDateTime and self.date == other.date and self.time == other.time

    def __hash__(self) -> int:
        return hash((self.date, self.time))

    def __str__(self) -> str:
        return f"{_year_text(self.date.year)}-{self.date.month:02}-{self.date.day:02}T{self.time}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class ZonedDateTime:
    """A moment: local date and time, the offset that holds there, and the zone's name unless it is a plain offset."""

    __slots__ = ("local", "offset_s", "zone")

    def __init__(self, local: LocalDateTime, offset_s: int, zone: str | None = None) -> None:
        self.local = local
        self.offset_s = offset_s
        self.zone = zone

    @classmethod
    def at(cls, local: LocalDateTime, zone: str | int, preferred_offset_s: int | None = None) -> "ZonedDateTime":
        """What the clocks of `zone` (or those at that many seconds from UTC) call `local`.

        A time that the clocks leave out moves on by the length of the gap. One that they show twice is the first,
        unless the second has the preferred offset.
        """
        if isinstance(zone, int):
            return cls(local, zone)
        local_nanos = local.epoch_nanos
        local_s = local_nanos // NANOS_PER_SECOND
        offset_s = offset_at_local(zone, local_s)
        if preferred_offset_s not in (None, offset_s):
            assert preferred_offset_s is not None
            if offset_at_instant(zone, local_s - preferred_offset_s) == preferred_offset_s:
                offset_s = preferred_offset_s
        actual_s = offset_at_instant(zone, local_s - offset_s)
        if actual_s != offset_s:
            return cls(
                LocalDateTime.from_epoch_nanos(local_nanos + (actual_s - offset_s) * NANOS_PER_SECOND), actual_s, zone
            )
        return cls(local, offset_s, zone)

    @classmethod
    def at_instant(cls, epoch_nanos: int, zone: str | int) -> "ZonedDateTime":
        region = zone if isinstance(zone, str) else None
        offset_s = zone if isinstance(zone, int) else offset_at_instant(zone, epoch_nanos // NANOS_PER_SECOND)
        local = LocalDateTime.from_epoch_nanos(epoch_nanos + offset_s * NANOS_PER_SECOND)
        return cls(local, offset_s, region)

    @property
    def epoch_nanos(self) -> int:
        return self.local.epoch_nanos - self.offset_s * NANOS_PER_SECOND

    @property
    def order(self) -> tuple[int, int, str]:
        """java.time orders equal instants by their local time, then by the name of the zone."""
        return self.epoch_nanos, self.local.epoch_nanos, self.zone or offset_text(self.offset_s)

    def plus(self, nanos: int) -> "ZonedDateTime":
        """Along the line of instants: the clock may show another time of day afterwards."""
        return ZonedDateTime.at_instant(self.epoch_nanos + nanos, self._where)

    def plus_months(self, months: int) -> "ZonedDateTime":
        """Along the calendar: the clock shows the same time of day afterwards, if it shows it at all."""
        return ZonedDateTime.at(self.local.plus_months(months), self._where, self.offset_s)

    def in_zone(self, zone: str | int) -> "ZonedDateTime":
        return ZonedDateTime.at_instant(self.epoch_nanos, zone)

    @property
    def iso(self) -> str:
        return f"{self.local}{offset_text(self.offset_s)}"

    @property
    def _where(self) -> str | int:
        return self.offset_s if self.zone is None else self.zone

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is ZonedDateTime
            and self.local == other.local
            and self.offset_s == other.offset_s
            and self.zone == other.zone
        )

    def __hash__(self) -> int:
        return hash((self.local, self.offset_s, self.zone))

    def __str__(self) -> str:
        return f"{self.local}@{self.zone}" if self.zone else self.iso

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class YearsMonths:
    """A duration on the calendar, normalised: `P14M` is `P1Y2M`."""

    __slots__ = ("total",)

    def __init__(self, months: int) -> None:
        if abs(months) >= _MAX_MONTHS:
            raise EvaluationError(f"A duration of {months} months is out of range.")
        self.total = months

    @property
    def years(self) -> int:
        return _truncated(self.total, 12)

    @property
    def months(self) -> int:
        return self.total - self.years * 12

    @property
    def order(self) -> int:
        return self.total

    @property
    def iso(self) -> str:
        """As `java.time.Period` writes it: each part with its own sign."""
        return f"P{_part(self.years, 'Y')}{_part(self.months, 'M')}" if self.total else "P0D"

    def __eq__(self, other: object) -> bool:
        return type(other) is YearsMonths and self.total == other.total

    def __hash__(self) -> int:
        return hash(self.total)

    def __str__(self) -> str:
        if self.total == 0:
            return "P0Y"
        years, months = divmod(abs(self.total), 12)
        return f"{'-' if self.total < 0 else ''}P{_part(years, 'Y')}{_part(months, 'M')}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class DaysTime:
    """A duration on the clock, in nanoseconds."""

    __slots__ = ("nanos",)

    def __init__(self, nanos: int) -> None:
        if abs(nanos) >= _MAX_SECONDS * NANOS_PER_SECOND:
            raise EvaluationError("A duration is out of range.")
        self.nanos = nanos

    @property
    def _seconds(self) -> int:
        return self.nanos // NANOS_PER_SECOND

    @property
    def millis(self) -> int:
        return _truncated(self.nanos, 1_000_000)

    @property
    def days(self) -> int:
        return _truncated(self._seconds, _DAY_S)

    @property
    def hours(self) -> int:
        return _truncated(self._seconds, 3600) - self.days * 24

    @property
    def minutes(self) -> int:
        return _truncated(self._seconds, 60) - _truncated(self._seconds, 3600) * 60

    @property
    def seconds(self) -> int:
        return self._seconds - _truncated(self._seconds, 60) * 60

    @property
    def order(self) -> int:
        return self.nanos

    @property
    def iso(self) -> str:
        """As `java.time.Duration` writes it: no days, each part with its own sign, all decimals."""
        if self.nanos == 0:
            return "PT0S"
        whole_s = _truncated(self.nanos, NANOS_PER_SECOND)
        hours = _truncated(whole_s, 3600)
        minutes = _truncated(whole_s, 60) - hours * 60
        seconds = whole_s - _truncated(whole_s, 60) * 60
        fraction = abs(self.nanos) % NANOS_PER_SECOND
        text = f"PT{_part(hours, 'H')}{_part(minutes, 'M')}"
        if fraction:
            sign = "-" if self.nanos < 0 else ""
            return f"{text}{sign}{abs(seconds)}.{fraction:09}".rstrip("0") + "S"
        return text + _part(seconds, "S")

    def __eq__(self, other: object) -> bool:
        return type(other) is DaysTime and self.nanos == other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __str__(self) -> str:
        """Without decimals of seconds, as feel-scala writes it."""
        seconds = abs(self._seconds)
        if seconds == 0:
            return "P0D"
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        clock = _part(hours, "H") + _part(minutes, "M") + _part(seconds, "S")
        return f"{'-' if self.nanos < 0 else ''}P{_part(days, 'D')}{'T' + clock if clock else ''}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.iso}>"


Temporal: TypeAlias = Date | LocalTime | ZonedTime | LocalDateTime | ZonedDateTime | YearsMonths | DaysTime


def _year_text(year: int) -> str:
    return f"-{-year:04}" if year < 0 else f"{year:04}"


def _part(number: int, unit: str) -> str:
    return f"{number}{unit}" if number else ""


def _truncated(number: int, divisor: int) -> int:
    """Division towards zero, as on the JVM; `divisor` is positive."""
    return number // divisor if number >= 0 else -(-number // divisor)
