"""Invitations as ical.js, the calendar parser of Thunderbird, understands them, with the zones that we describe."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from tests.parsers import Ical
from tests.unit.message.test_invitation import MEETING, NOW
from zeebe_mail.message.invitation import Invitation, Period, written

ZONES = (
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "Asia/Jerusalem",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kolkata",
)


def data(invitation: Invitation) -> bytes:
    return written(invitation, NOW).data


def at(*start: int, zone: str, last: timedelta = timedelta(hours=1)) -> Period:
    begin = datetime(*start, tzinfo=ZoneInfo(zone))
    return Period(begin, (begin.astimezone(UTC) + last).astimezone(ZoneInfo(zone)))


def test_everything_is_understood(ical: Ical) -> None:
    told = ical.answer(
        data(
            replace(
                MEETING,
                summary="Größe, Zeit; 𝄞 \\ und mehr " * 5,
                location='Room "1", left',
                description="one\n\ntwo; three, four\\n",
                url="https://example.org/a,b;c?d=e",
                reminder=timedelta(minutes=15),
                status="tentative",
                sequence=4,
            )
        )
    )
    assert (told["method"], told["uid"], told["sequence"], told["status"]) == ("REQUEST", MEETING.uid, 4, "TENTATIVE")
    assert told["summary"] == "Größe, Zeit; 𝄞 \\ und mehr " * 5
    assert (told["location"], told["description"]) == ('Room "1", left', "one\n\ntwo; three, four\\n")
    assert told["url"] == "https://example.org/a,b;c?d=e"
    assert (told["organizer"]["name"], told["organizer"]["address"]) == ("Jane Doe", "mailto:jane@example.org")
    assert [(one["address"], one["role"], one["rsvp"]) for one in told["attendees"]] == [
        ("mailto:bob@example.org", "REQ-PARTICIPANT", "TRUE"),
        ("mailto:carl@example.org", "OPT-PARTICIPANT", "FALSE"),
    ]
    assert told["alarms"] == [-900]
    assert told["zones"] == ["Europe/Berlin"]


def test_a_cancellation_is_understood(ical: Ical) -> None:
    told = ical.answer(data(replace(MEETING, method="cancel", sequence=2, period=None)))
    assert (told["method"], told["uid"], told["sequence"], told["status"]) == ("CANCEL", MEETING.uid, 2, "CANCELLED")


def test_whole_days_are_understood(ical: Ical) -> None:
    told = ical.answer(data(replace(MEETING, period=Period(date(2026, 5, 1), date(2026, 5, 3)))))
    assert (told["start"], told["end"]) == ("2026-05-01", "2026-05-04")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [2026, 2027, 2031, 2040])
def test_each_month_of_a_zone_is_at_the_right_moment(ical: Ical, zone: str, year: int) -> None:
    for month in range(1, 13):
        period = at(year, month, 28, 12, 30, zone=zone)
        told = ical.answer(data(replace(MEETING, period=period)))
        assert told["start"] == period.start.timestamp(), month
        assert told["end"] == period.end.timestamp(), month


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Africa/Casablanca"])
def test_a_series_keeps_its_time_when_the_clocks_change(ical: Ical, zone: str) -> None:
    period = at(2026, 1, 30, 9, 0, zone=zone)
    told = ical.answer(data(replace(MEETING, period=period, recurrence="FREQ=WEEKLY;BYDAY=FR;COUNT=60")))
    expected = rrulestr("FREQ=WEEKLY;BYDAY=FR;COUNT=60", dtstart=period.start)
    assert told["occurrences"] == [one.timestamp() for one in expected]
    assert len({(one - told["occurrences"][0]) % 604_800 for one in told["occurrences"]}) > 1


@pytest.mark.parametrize(
    ("start", "zone"),
    [
        ((2026, 3, 29, 1, 59, 59), "Europe/Berlin"),
        ((2026, 3, 29, 3, 0, 0), "Europe/Berlin"),
        ((2026, 10, 25, 1, 59, 59), "Europe/Berlin"),
        ((2026, 10, 25, 3, 0, 0), "Europe/Berlin"),
        ((2026, 11, 1, 2, 0, 0), "America/New_York"),
        ((2026, 4, 5, 2, 30, 0), "Australia/Lord_Howe"),
    ],
)
def test_the_hours_around_a_change_are_right(ical: Ical, start: tuple[int, ...], zone: str) -> None:
    period = at(*start, zone=zone)
    told = ical.answer(data(replace(MEETING, period=period)))
    assert told["start"] == period.start.timestamp()
    assert told["end"] == period.end.timestamp()
