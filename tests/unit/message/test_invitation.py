"""What an invitation looks like to calendars, and that what we write is what we read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest

from zeebe_mail.message.address import mailbox
from zeebe_mail.message.calendar_reply import read_calendar
from zeebe_mail.message.invitation import Guest, Invitation, Period, in_words, written

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MORNING = Period(datetime(2026, 1, 31, 8, 30, tzinfo=BERLIN), datetime(2026, 1, 31, 9, 30, tzinfo=BERLIN))

MEETING = Invitation(
    method="request",
    uid="zm-4711@example.org",
    sequence=0,
    summary="Review",
    organizer=mailbox("Jane Doe <jane@example.org>"),
    guests=(
        Guest(mailbox("Bob <bob@example.org>")),
        Guest(mailbox("carl@example.org"), "optional", rsvp=False),
    ),
    period=MORNING,
)


def text(invitation: Invitation) -> str:
    return written(invitation, NOW).data.decode()


def event(invitation: Invitation) -> Any:
    (found,) = icalendar.Calendar.from_ical(text(invitation)).walk("VEVENT")
    return found


def test_an_invitation_has_what_itip_asks_for() -> None:
    made = written(MEETING, NOW)
    assert (made.method, made.uid, made.sequence, made.name) == ("REQUEST", "zm-4711@example.org", 0, "invite.ics")
    lines = made.data.decode().replace("\r\n ", "").split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    for line in (
        "VERSION:2.0",
        "METHOD:REQUEST",
        "UID:zm-4711@example.org",
        "SEQUENCE:0",
        "DTSTAMP:20260102T030405Z",
        "STATUS:CONFIRMED",
        "SUMMARY:Review",
        'ORGANIZER;CN="Jane Doe":mailto:jane@example.org',
        "ATTENDEE;CN=Bob;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@example.org",
        "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:mailto:carl@example.org",
        "DTSTART;TZID=Europe/Berlin:20260131T083000",
        "DTEND;TZID=Europe/Berlin:20260131T093000",
        "TZID:Europe/Berlin",
    ):
        assert line in lines, line


def test_our_own_reader_finds_all_of_it_again() -> None:
    found = read_calendar(text(replace(MEETING, location="Room 1; second floor", sequence=3)))
    assert found is not None
    assert (found.method, found.uid, found.sequence, found.status) == ("REQUEST", MEETING.uid, 3, "CONFIRMED")
    assert (found.summary, found.location) == ("Review", "Room 1; second floor")
    assert (found.start, found.end) == ("2026-01-31T07:30:00Z", "2026-01-31T08:30:00Z")
    assert found.organizer is not None
    assert (found.organizer.name, found.organizer.address) == ("Jane Doe", "jane@example.org")
    assert [(one.address, one.status) for one in found.attendees] == [
        ("bob@example.org", "NEEDS-ACTION"),
        ("carl@example.org", "NEEDS-ACTION"),
    ]


def test_no_line_is_longer_than_75_octets_and_none_is_cut_inside_a_character() -> None:
    data = written(replace(MEETING, summary="Größe" * 60, description="𝄞" * 300 + "\n" + "x" * 300), NOW).data
    assert b"\n" not in data.replace(b"\r\n", b"")
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()
    assert str(event(replace(MEETING, summary="Größe" * 60))["SUMMARY"]) == "Größe" * 60


@pytest.mark.parametrize(
    "said",
    [
        "a, b; c",
        "back\\slash \\n",
        "one\ntwo\n\nthree",
        "tab\there",
        "BEGIN:VEVENT\nUID:evil",
        "“quotes” & 𝄞",
        '"',
        r"C:\New",
        r"\\srv\Neu\N1",
        "a\\",
        r"\,\;",
        "one\r\ntwo",
    ],
)
def test_texts_come_back_as_they_were(said: str) -> None:
    found = event(
        replace(MEETING, description=said, location=said.replace("\r\n", "\n").replace("\n", " "), summary=said)
    )
    lines = said.replace("\r\n", "\n")
    assert str(found["DESCRIPTION"]) == lines
    assert str(found["LOCATION"]) == lines.replace("\n", " ")
    assert str(found["SUMMARY"]) == lines
    assert found["UID"] == MEETING.uid


@pytest.mark.parametrize("name", [r"C:\New", 'Jane "JD" Doe', "Doe, Jane", "Jörg: Müller; sen.", "^caret^n", "\\back"])
def test_names_come_back_as_they_were(name: str) -> None:
    found = read_calendar(text(replace(MEETING, organizer=mailbox({"name": name, "address": "jane@example.org"}))))
    assert found is not None
    assert found.organizer is not None
    assert (found.organizer.name, found.organizer.address) == (name, "jane@example.org")


@pytest.mark.parametrize("address", ["jane+x@example.org", '"j d"@example.org', "100%@example.org", "jörg@example.org"])
def test_unusual_addresses_come_back_as_they_were(address: str) -> None:
    found = read_calendar(text(replace(MEETING, organizer=mailbox(address))))
    assert found is not None
    assert found.organizer is not None
    assert found.organizer.address == mailbox(address).address


def test_an_address_that_hides_a_line_break_is_shown_as_it_was_written() -> None:
    hostile = text(MEETING).replace("mailto:jane@", "mailto:jane%0d%0aBcc:eve@")
    found = read_calendar(hostile)
    assert found is not None
    assert found.organizer is not None
    assert found.organizer.address == "jane%0d%0aBcc:eve@example.org"


def test_whole_days_end_with_the_day_after_for_calendars() -> None:
    found = event(replace(MEETING, period=Period(date(2026, 5, 1), date(2026, 5, 3))))
    assert (found["DTSTART"].dt, found["DTEND"].dt) == (date(2026, 5, 1), date(2026, 5, 4))
    assert "DTSTART;VALUE=DATE:20260501" in text(replace(MEETING, period=Period(date(2026, 5, 1), date(2026, 5, 3))))
    assert found["TRANSP"] == "TRANSPARENT"
    assert "VTIMEZONE" not in text(replace(MEETING, period=Period(date(2026, 5, 1), date(2026, 5, 1))))


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("UTC"), ZoneInfo("Etc/UTC"), timezone(timedelta(hours=2))])
def test_a_time_without_a_place_is_told_in_utc(zone: Any) -> None:
    start = datetime(2026, 5, 1, 8, 30, tzinfo=zone)
    made = text(replace(MEETING, period=Period(start, start + timedelta(hours=1))))
    assert f"DTSTART:{start.astimezone(UTC):%Y%m%dT%H%M%SZ}\r\n" in made
    assert "VTIMEZONE" not in made


def test_each_zone_is_described_once() -> None:
    flight = Period(
        datetime(2026, 5, 1, 8, 30, tzinfo=BERLIN), datetime(2026, 5, 1, 11, 30, tzinfo=ZoneInfo("America/New_York"))
    )
    made = text(replace(MEETING, period=flight))
    assert made.count("BEGIN:VTIMEZONE") == 2
    assert text(MEETING).count("BEGIN:VTIMEZONE") == 1
    assert "DTEND;TZID=America/New_York:20260501T113000" in made


def test_a_time_that_the_clocks_show_twice_is_told_in_utc() -> None:
    """RFC 5545, 3.3.5, means the first, and ical.js takes the second."""
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    made = text(replace(MEETING, period=Period(first, first.replace(fold=1))))
    assert "DTSTART:20261025T003000Z" in made
    assert "DTEND:20261025T013000Z" in made
    series = replace(MEETING, period=Period(first, first.replace(fold=1)), recurrence="FREQ=DAILY")
    assert "DTSTART;TZID=Europe/Berlin:20261025T023000" in text(series)


def test_a_cancellation_names_the_appointment_and_asks_nobody_for_an_answer() -> None:
    taken_back = replace(MEETING, method="cancel", sequence=2, period=None, reminder=timedelta(minutes=5))
    found = event(taken_back)
    assert (found["UID"], found["SEQUENCE"], found["STATUS"]) == (MEETING.uid, 2, "CANCELLED")
    assert "METHOD:CANCEL\r\n" in text(taken_back)
    assert "RSVP" not in text(taken_back)
    assert "VALARM" not in text(taken_back)
    assert "DTSTART" not in found


def test_the_rest_is_there_too() -> None:
    found = event(
        replace(
            MEETING,
            recurrence="FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10",
            url="https://example.org/a,b;c?d=e",
            reminder=timedelta(minutes=15),
            status="tentative",
            guests=(Guest(mailbox("a@x.test"), "chair"), Guest(mailbox("b@x.test"), "informed")),
        )
    )
    assert found["RRULE"].to_ical() == b"FREQ=WEEKLY;COUNT=10;BYDAY=MO,WE"
    assert str(found["URL"]) == "https://example.org/a,b;c?d=e"
    assert found["STATUS"] == "TENTATIVE"
    assert [one.params["ROLE"] for one in found["ATTENDEE"]] == ["CHAIR", "NON-PARTICIPANT"]
    (alarm,) = found.walk("VALARM")
    assert (alarm["ACTION"], alarm["TRIGGER"].dt) == ("DISPLAY", timedelta(minutes=-15))


def test_in_words_it_says_what_when_where_and_who() -> None:
    said = in_words(replace(MEETING, location="Room 1", description="Bring figures.", url="https://example.org/x"))
    assert said == (
        "Review\n\nWhen: 2026-01-31 08:30 – 09:30 (Europe/Berlin)\nWhere: Room 1\nLink: https://example.org/x\n"
        "Organizer: Jane Doe <jane@example.org>\nGuests: Bob <bob@example.org>, carl@example.org\n\nBring figures.\n"
    )
    assert in_words(replace(MEETING, method="cancel")).startswith("Cancelled: Review\n")


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (date(2026, 5, 1), date(2026, 5, 1), "2026-05-01\n"),
        (date(2026, 5, 1), date(2026, 5, 3), "2026-05-01 – 2026-05-03\n"),
        (
            datetime(2026, 5, 1, 22, tzinfo=UTC),
            datetime(2026, 5, 2, 6, tzinfo=UTC),
            "2026-05-01 22:00 – 2026-05-02 06:00 (UTC)\n",
        ),
        (
            datetime(2026, 5, 1, 8, tzinfo=BERLIN),
            datetime(2026, 5, 1, 11, tzinfo=ZoneInfo("America/New_York")),
            "2026-05-01 08:00 (Europe/Berlin) – 2026-05-01 11:00 (America/New_York)\n",
        ),
        (
            datetime(2026, 10, 24, 8, tzinfo=BERLIN),
            datetime(2026, 10, 26, 8, tzinfo=BERLIN),
            "2026-10-24 08:00 – 2026-10-26 08:00 (Europe/Berlin)\n",
        ),
    ],
)
def test_when_it_is_in_words(start: date, end: date, said: str) -> None:
    assert f"When: {said}" in in_words(replace(MEETING, period=Period(start, end)))
