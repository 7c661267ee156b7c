"""Dates and the clock."""

from datetime import UTC, datetime
from decimal import Decimal

from zeebe_mail.feel.builtins.declare import builtin
from zeebe_mail.feel.run import Run
from zeebe_mail.feel.stdlib_temporal import from_datetime
from zeebe_mail.feel.temporal import Date, LocalDateTime, ZonedDateTime, days_in_month

__all__ = ["FUNCTIONS"]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_Day = Date | LocalDateTime | ZonedDateTime


@builtin("now()")
def now(run: Run) -> ZonedDateTime:
    """The current date and time."""
    return _now(run)


@builtin("today()")
def today(run: Run) -> Date:
    """The current date."""
    return _now(run).local.date


@builtin("day of year(date: date|date and time)")
def day_of_year(run: Run, date: _Day) -> Decimal:
    """From 1 to 366."""
    return Decimal(_date_of(date).day_of_year)


@builtin("day of week(date: date|date and time)")
def day_of_week(run: Run, date: _Day) -> str:
    """`Monday` to `Sunday`."""
    return _DAYS[_date_of(date).weekday - 1]


@builtin("month of year(date: date|date and time)")
def month_of_year(run: Run, date: _Day) -> str:
    """`January` to `December`."""
    return _MONTHS[_date_of(date).month - 1]


@builtin("week of year(date: date|date and time)")
def week_of_year(run: Run, date: _Day) -> Decimal:
    """The week by ISO 8601."""
    return Decimal(_date_of(date).week_of_year)


@builtin("last day of month(date: date|date and time)")
def last_day_of_month(run: Run, date: _Day) -> Date:
    """The last date of the same month."""
    day = _date_of(date)
    return Date(day.year, day.month, days_in_month(day.year, day.month))


def _now(run: Run) -> ZonedDateTime:
    if run.clock is not None:
        return run.clock
    moment = from_datetime(datetime.now(UTC).astimezone())
    assert isinstance(moment, ZonedDateTime)
    return moment


def _date_of(value: _Day) -> Date:
    if isinstance(value, Date):
        return value
    return value.date if isinstance(value, LocalDateTime) else value.local.date


FUNCTIONS = [now, today, day_of_year, day_of_week, month_of_year, week_of_year, last_day_of_month]
