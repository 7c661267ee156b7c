"""Time zones as calendars are told of them: what they say is what the IANA database says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr

from zeebe_mail.message.time_zone import Observance, TimeZoneError, observances, time_zone

YEAR = 2026

BY_RULE = (
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "Asia/Jerusalem",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
)
WITHOUT_RULE = ("Africa/Casablanca", "Africa/Cairo", "Asia/Gaza")
WITHOUT_CHANGE = ("Asia/Kolkata", "America/Sao_Paulo", "Etc/GMT+5")


def begun(one: Observance, until: datetime) -> list[datetime]:
    """All its beginnings up to a time, by the clock as it was until then."""
    if one.rule:
        return list(rrulestr(one.rule, dtstart=one.starts[0]).between(one.starts[0], until, inc=True))
    return [start for start in one.starts if start <= until]


def offset(found: tuple[Observance, ...], moment: datetime) -> timedelta:
    """What a calendar makes of them: the observance that has begun last."""
    starts = [
        (start - one.before, one.offset)
        for one in found
        for start in begun(one, (moment + timedelta(days=1)).replace(tzinfo=None))
    ]
    return max(start for start in starts if start[0] <= moment.replace(tzinfo=None))[1]


@pytest.mark.parametrize("name", [*BY_RULE, *WITHOUT_RULE, *WITHOUT_CHANGE])
def test_each_week_of_28_years_has_the_offset_that_the_database_says(name: str) -> None:
    zone = time_zone(name)
    found = observances(zone, YEAR)
    for week in range(0, 28 * 52, 5):
        moment = datetime(YEAR, 1, 1, tzinfo=UTC) + timedelta(weeks=week)
        assert offset(found, moment) == moment.astimezone(zone).utcoffset(), moment


@pytest.mark.parametrize("name", BY_RULE)
@pytest.mark.parametrize("year", [2099, 2150])
def test_a_rule_holds_far_ahead(name: str, year: int) -> None:
    zone = time_zone(name)
    found = observances(zone, YEAR)
    assert all(one.rule for one in found)
    for month in range(1, 13):
        moment = datetime(year, month, 15, tzinfo=UTC)
        assert offset(found, moment) == moment.astimezone(zone).utcoffset(), moment


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Asia/Jerusalem"])
def test_the_change_is_right_to_the_second(name: str) -> None:
    zone = time_zone(name)
    for one in observances(zone, YEAR):
        change = (one.starts[0] - one.before).replace(tzinfo=UTC)
        assert (change - timedelta(seconds=1)).astimezone(zone).utcoffset() == one.before
        assert change.astimezone(zone).utcoffset() == one.offset


def test_an_old_law_is_told_change_by_change() -> None:
    zone = time_zone("America/New_York")
    found = observances(zone, 2006)  # the second Sunday in March since 2007
    for month in range(1, 13):
        for year in (2006, 2007, 2008):
            moment = datetime(year, month, 25, tzinfo=UTC)
            assert offset(found, moment) == moment.astimezone(zone).utcoffset(), moment


@pytest.mark.parametrize("year", [1900, 9000, 9999])
def test_every_year_has_its_observances(year: int) -> None:
    assert observances(time_zone("Europe/Berlin"), year)


@pytest.mark.parametrize("name", ["Nowhere/City", "Europe", "../zone", "/etc/localtime", "", "W. Europe", "a\0b"])
def test_what_is_no_zone_is_refused_without_its_name(name: str) -> None:
    with pytest.raises(TimeZoneError) as refused:
        time_zone(name)
    assert "no such time zone" in str(refused.value)
    assert not name or name not in str(refused.value).replace("Europe/", "")


def test_a_similar_zone_is_named() -> None:
    with pytest.raises(TimeZoneError, match="did you mean Europe/Berlin"):
        time_zone("Europe/Berln")
