from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feel.expressions import failure, value
from zeebe_mail.feel import Date, DaysTime, compile_expression


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('@"2026-01-31" + @"P1M"', "2026-02-28"),
        ('@"2026-01-31" + @"PT25H"', "2026-02-01"),
        ('@"2026-01-31" - @"PT1H"', "2026-01-30"),
        ('@"2026-03-01" - @"2026-02-01"', "P28D"),
        ('@"10:00:00" - @"11:30:00"', "-PT1H30M"),
        ('@"10:00:00Z" - @"11:00:00+05:00"', "PT4H"),
        ('@"23:00:00" + @"PT2H"', "01:00:00"),
        ('@"2024-03-30T02:30:00@Europe/Berlin" + @"P1D"', "2024-03-31T03:30:00@Europe/Berlin"),
        ('@"2024-03-31T02:30:00@Europe/Berlin"', "2024-03-31T03:30:00@Europe/Berlin"),
        ('@"2024-02-29T02:30:00@Europe/Berlin" + @"P1M"', "2024-03-29T02:30:00@Europe/Berlin"),
        ('(@"2024-10-27T02:30:00@Europe/Berlin" + @"PT1H").time offset', "PT1H"),
        ('@"1800-01-01T10:00:00@Europe/Berlin".time offset', "PT53M28S"),
        ('@"12024-07-01T00:00:00@Europe/Berlin".time offset', "PT2H"),
        ('@"P1Y14M"', "P2Y2M"),
        ('@"-PT90M"', "-PT1H30M"),
        ('@"PT1.5S" * 2', "PT3S"),
        ('@"P1Y" * 2.7', "P2Y"),
        ('@"P100D" / 2', "PT6H57M12S"),
        ('date and time("2026-01-31")', "2026-01-31T00:00:00"),
        ('date and time("2026-01-31T10:00:00+01:00[Europe/Berlin]")', "2026-01-31T10:00:00@Europe/Berlin"),
        ('date and time(@"2026-01-31T10:00:00Z", "Europe/Berlin")', "2026-01-31T11:00:00@Europe/Berlin"),
        ('time("24:00:00")', "00:00:00"),
        ("time(10, 20, 30.5)", "10:20:30.5"),
        ('date("10000-01-01")', "+10000-01-01"),
        ('@"-0044-03-15"', "-0044-03-15"),
        ('years and months duration(@"2024-03-31", @"2024-02-29")', "-P1M"),
        ('last day of month(@"2024-02-10")', "2024-02-29"),
        ('week of year(@"2005-01-01")', "53"),
        ('day of week(@"2026-01-31")', "Saturday"),
    ],
)
def test_dates_and_times_as_text(text: str, expected: str) -> None:
    assert value(f"string({text})") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('@"2026-01-01T10:00:00Z" = @"2026-01-01T11:00:00+01:00"', False),
        ('@"2026-01-01T10:00:00Z" <= @"2026-01-01T11:00:00+01:00"', True),
        ('@"2026-01-01T10:00:00Z" >= @"2026-01-01T11:00:00+01:00"', False),
        ('@"10:00:00Z" < @"11:00:00+02:00"', False),
        ('@"2026-01-01" = @"2026-01-01T00:00:00"', None),
        ('@"10:00:00" < @"10:00:00Z"', None),
        ('@"P1Y" = @"P12M"', True),
        ('@"P1Y" < @"P365D"', None),
        ('@"PT36H".days', 1),
        ('@"-PT90M".minutes', -30),
        ('@"P1D" / @"PT5H"', 4),
        ('@"2026-01-31T10:00:00@Europe/Berlin".timezone', "Europe/Berlin"),
        ('@"2026-01-31".weekday', 6),
    ],
)
def test_how_dates_and_times_compare(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2026-1-1",
        "012026-01-01",
        "10:60:00",
        "24:00:01",
        "P",
        "PT",
        "P1W",
        "P1Y1D",
        "x@y",
        "10:00:00@No/Where",
        "2026-01-31T10:00:00Z[]",
    ],
)
def test_what_is_no_date_or_time_is_null_without_a_warning(text: str) -> None:
    evaluation = compile_expression(f'@"{text}"').evaluate()
    assert evaluation == (None, ())


@pytest.mark.parametrize(("second", "expected"), [("-0.5", None), ("60", None), ("10 ** 6000", "10:20:00")])
def test_seconds_are_taken_as_java_ints(second: str, expected: str | None) -> None:
    """Of ten to the power of six thousand the low 32 bits are zero."""
    assert value(f"string(time(10, 20, {second}))") == expected


def test_years_end_at_a_billion() -> None:
    assert value('@"999999999-12-31".year') == 999_999_999
    failure('@"999999999-12-31" + @"P1D"')


def test_dates_of_the_standard_library_are_taken() -> None:
    moment = datetime(2026, 1, 31, 10, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert value("string(x)", x=moment) == "2026-01-31T10:30:00@Europe/Berlin"
    assert value("string(x)", x=moment.astimezone(UTC)) == "2026-01-31T09:30:00Z"
    assert value("string(x)", x=date(2026, 1, 31)) == "2026-01-31"
    assert value("string(x)", x=time(10, 30, tzinfo=UTC)) == "10:30:00Z"
    assert value("string(x)", x=timedelta(days=1, hours=2)) == "P1DT2H"


def test_the_clock_can_be_set() -> None:
    clock = datetime(2026, 1, 31, 10, 30, tzinfo=UTC)
    assert str(compile_expression("now()").evaluate(clock=clock).value) == "2026-01-31T10:30:00Z"
    assert str(compile_expression("today()").evaluate(clock=clock).value) == "2026-01-31"


@given(st.integers(-365_000_000_000, 365_000_000_000))
def test_days_and_dates_are_inverse(days: int) -> None:
    assert Date.from_epoch_day(days).epoch_day == days


@given(st.dates())
def test_dates_agree_with_the_standard_library(day: date) -> None:
    ours = Date(day.year, day.month, day.day)
    assert ours.epoch_day == day.toordinal() - date(1970, 1, 1).toordinal()
    assert ours.weekday == day.isoweekday()
    assert ours.week_of_year == day.isocalendar().week
    assert ours.day_of_year == day.timetuple().tm_yday


@given(st.integers(-(10**20), 10**20))
def test_a_duration_is_what_its_text_says(nanos: int) -> None:
    duration = DaysTime(nanos)
    assert compile_expression(f'duration("{duration.iso}")').evaluate().value == duration
