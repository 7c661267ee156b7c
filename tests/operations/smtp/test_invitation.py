"""An invitation as a process asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.desks import OneSession, desk
from tests.operations.smtp.test_send import FakeAttempt, FakeSession, variables
from zeebe_mail.errors import InputError
from zeebe_mail.jobs.validate import validate
from zeebe_mail.operations.composing.invitation import InvitationRequest
from zeebe_mail.operations.smtp.send import SendInput, send

NINE = {"start": "2026-01-31T09:00:00@Europe/Berlin", "duration": "PT1H"}


def appointment(**given: Any) -> InvitationRequest:
    return InvitationRequest.model_validate(given)


def period(**given: Any) -> tuple[str, str]:
    found = appointment(**given).period
    assert found is not None
    return str(found.start), str(found.end)


async def outcome(session: FakeSession, attempt: FakeAttempt, request: dict[str, Any]) -> Any:
    given = validate(SendInput, variables(**{"text": ..., **request}))
    return await send.run(given, OneSession(session), attempt, desk())


async def sent(token: str = "4711-1", /, **request: Any) -> tuple[Any, bytes]:
    """The output, and the mail that the server got."""
    session = FakeSession()
    produced = await outcome(session, FakeAttempt(token), request)
    ((mail, _),) = session.mails
    return produced, mail.data


async def refusal(**request: Any) -> str:
    session = FakeSession()
    with pytest.raises(InputError) as refused:
        await outcome(session, FakeAttempt(), request)
    assert not session.mails
    assert refused.value.code == "INVALID_INPUT"
    return refused.value.message


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        (NINE, "2026-01-31 09:00:00+01:00", "2026-01-31 10:00:00+01:00"),
        # as Zeebe hands over FEEL's date and time: with a zone, an offset, or neither
        (
            {"start": "2026-01-31T09:00+01:00[Europe/Berlin]", "end": "2026-01-31T10:00+01:00[Europe/Berlin]"},
            "2026-01-31 09:00:00+01:00",
            "2026-01-31 10:00:00+01:00",
        ),
        (
            {"start": "2026-01-31T09:00:00+01:00", "end": "2026-01-31T08:30:00Z"},
            "2026-01-31 08:00:00+00:00",
            "2026-01-31 08:30:00+00:00",
        ),
        (
            {"start": "2026-07-31T09:00", "end": "2026-07-31T10:00", "timeZone": "Europe/Berlin"},
            "2026-07-31 09:00:00+02:00",
            "2026-07-31 10:00:00+02:00",
        ),
        (
            {"start": "2026-07-31T09:00:00Z", "end": "2026-07-31T10:00:00Z", "timeZone": "Europe/Berlin"},
            "2026-07-31 11:00:00+02:00",
            "2026-07-31 12:00:00+02:00",
        ),
        (
            {"start": "2026-07-31T09:00:00@Europe/Berlin", "end": "2026-07-31T10:00:00"},
            "2026-07-31 09:00:00+02:00",
            "2026-07-31 10:00:00+02:00",
        ),
        ({"start": "2026-01-31"}, "2026-01-31", "2026-01-31"),
        ({"start": "2026-01-31", "end": "2026-02-02"}, "2026-01-31", "2026-02-02"),
        ({"start": "2026-01-31", "duration": "P3D"}, "2026-01-31", "2026-02-02"),
        ({"start": "2026-01-31T23:30:00@Europe/Berlin", "allDay": True}, "2026-01-31", "2026-01-31"),
        ({"start": "2026-01-31T23:30:00", "allDay": True, "duration": "P1W"}, "2026-01-31", "2026-02-06"),
        # a day by the calendar, an hour by the clock
        (
            {"start": "2026-03-28T12:00:00@Europe/Berlin", "duration": "P1D"},
            "2026-03-28 12:00:00+01:00",
            "2026-03-29 12:00:00+02:00",
        ),
        (
            {"start": "2026-03-29T01:30:00@Europe/Berlin", "duration": "PT1H"},
            "2026-03-29 01:30:00+01:00",
            "2026-03-29 03:30:00+02:00",
        ),
        # a time that the clocks leave out
        (
            {"start": "2026-03-29T02:30:00@Europe/Berlin", "duration": "PT1H"},
            "2026-03-29 03:30:00+02:00",
            "2026-03-29 04:30:00+02:00",
        ),
        (
            {"start": "2126-07-31T09:00:00@America/New_York", "duration": "PT90M"},
            "2126-07-31 09:00:00-04:00",
            "2126-07-31 10:30:00-04:00",
        ),
    ],
)
def test_when_it_is(given: dict[str, Any], start: str, end: str) -> None:
    assert period(**given) == (start, end)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "`start` must be given"),
        ({"duration": "PT1H"}, "`start` must be given"),
        ({"start": "2026-01-31T09:00:00Z"}, "`end` or `duration` must be given"),
        ({**NINE, "end": "2026-01-31T10:00:00Z"}, "`end` and `duration` must not both be given"),
        ({"start": "2026-01-31T09:00:00Z", "end": "2026-01-31T08:59:59Z"}, "`end` must be after `start`"),
        ({"start": "2026-01-31T09:00:00Z", "end": "2026-01-31T09:00:00Z"}, "`end` must be after `start`"),
        ({"start": "2026-01-31", "end": "2026-01-30"}, "`end` must be after `start`"),
        ({"start": "2026-01-31", "end": "2026-01-31T09:00:00Z"}, "`start` and `end` must both be days"),
        ({"start": "2026-01-31", "duration": "PT25H"}, "`duration` must be whole days"),
        ({"start": "2026-01-31T09:00:00", "duration": "PT1H"}, "`start` has no time zone: give `timeZone`"),
        ({"start": "2026-01-31T09:00:00Z", "end": "2026-01-31T10:00:00"}, "`end` has no time zone"),
        ({"start": "31.1.2026"}, '"Start" (request.invitation.start) must be a day such as 2026-01-31, or a time'),
        ({"start": "2026-02-30"}, '"Start" (request.invitation.start) must be a day'),
        ({"start": "0001-01-01T00:00:00@Europe/Berlin"}, '"Start" (request.invitation.start) must be a day'),
        ({"start": "9999-12-31"}, '"Start" (request.invitation.start) must be a day'),
        (
            {"start": "2026-01-31T09:00:00@Europe/Berln"},
            '"Start" (request.invitation.start) there is no such time zone',
        ),
        ({**NINE, "timeZone": "Mars"}, '"Time zone" (request.invitation.timeZone) there is no such time zone'),
        (
            {"start": "2026-01-31", "duration": "-PT1H"},
            '"Duration" (request.invitation.duration) must be days and time',
        ),
        ({"start": "2026-01-31", "duration": "PT0S"}, '"Duration" (request.invitation.duration) must be days and time'),
        ({"start": "2026-01-31", "duration": "P1Y"}, '"Duration" (request.invitation.duration) must be days and time'),
        ({**NINE, "method": "cancel"}, "`uid` and `sequence` must be given to cancel"),
        ({**NINE, "method": "cancel", "sequence": 1}, "`uid` must be given to cancel"),
        ({**NINE, "method": "cancel", "uid": "x"}, "`sequence` must be given to cancel"),
        ({**NINE, "method": "publish"}, '"Kind" (request.invitation.method) must be one of'),
        ({**NINE, "sequence": -1}, '"Sequence" (request.invitation.sequence) must be greater than or equal to 0'),
        ({**NINE, "sequence": 2**31}, '"Sequence" (request.invitation.sequence) must be less than'),
        ({**NINE, "uid": "x" * 256}, '"UID" (request.invitation.uid) must have 255 bytes at most'),
        ({**NINE, "uid": "x\ny"}, '"UID" (request.invitation.uid) must not contain line breaks'),
        ({**NINE, "location": "a\r\nb"}, '"Place" (request.invitation.location) must not contain line breaks'),
        ({**NINE, "description": "a\0b"}, '"Description" (request.invitation.description) must not contain control'),
        ({**NINE, "url": "javascript:alert(1)"}, '"Link" (request.invitation.url) must be a URL'),
        ({**NINE, "url": "https://x.test/a b"}, '"Link" (request.invitation.url) must be a URL'),
        ({**NINE, "reminderMinutes": -5}, '"Reminder" (request.invitation.reminderMinutes) must be greater'),
        ({**NINE, "recurrence": "FREQ=SOMETIMES"}, "`recurrence` FREQ must be one of"),
        ({"method": "cancel", "uid": "x", "sequence": 1, "recurrence": "FREQ=DAILY"}, "`recurrence` needs `start`"),
        ({**NINE, "organizer": "nobody"}, '"Organizer" (request.invitation.organizer) has no `@`'),
        ({**NINE, "attendees": "nobody"}, '"Attendees" (request.invitation.attendees) entry 1: has no `@`'),
        ({**NINE, "attendees": [{"address": "@"}]}, "(request.invitation.attendees[0].address) has nothing before"),
        ({**NINE, "attendees": [{"address": "a@x.test", "role": "boss"}]}, "attendees[0].role) must be one of"),
        ({**NINE, "attendees": [{"address": "a@x.test", "name": "a\u202eb"}]}, "attendees[0]"),
        ({**NINE, "attendees": 5}, '"Attendees" (request.invitation.attendees)'),
        ({**NINE, "status": "cancelled"}, '"Status" (request.invitation.status) must be one of'),
        ({**NINE, "titel": "x"}, "(request.invitation.titel) is unknown"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_sent(given: dict[str, Any], said: str) -> None:
    assert said.replace("(request.invitation.titel)", "request.invitation.titel") in await refusal(invitation=given)


async def test_somebody_must_be_invited() -> None:
    said = await refusal(invitation=NINE, to=..., bcc="eve@example.org", undisclosedRecipients=True)
    assert said.startswith("`request.invitation.attendees` must be given")


@pytest.mark.parametrize("subject", [..., ""])
async def test_it_must_be_called_something(subject: Any) -> None:
    assert (await refusal(invitation=NINE, subject=subject)).startswith("`request.invitation.summary` must be given")


@pytest.mark.parametrize("nothing", ["", None])
async def test_what_is_left_blank_is_not_given(nothing: Any) -> None:
    blank = dict.fromkeys(("uid", "summary", "location", "end", "timeZone", "recurrence", "url", "attendees"), nothing)
    produced, _ = await sent(invitation={**NINE, **blank})
    assert produced.invitation.uid == "zm-4711-1@example.org"


async def test_the_uid_is_the_same_for_each_attempt_at_a_job_and_told() -> None:
    one, _ = await sent(invitation=NINE)
    again, _ = await sent(invitation=NINE)
    other, _ = await sent("4712", invitation=NINE)
    assert one.invitation.model_dump() == {"uid": "zm-4711-1@example.org", "sequence": 0}
    assert again.invitation.uid == one.invitation.uid != other.invitation.uid


async def test_a_mail_without_invitation_tells_none() -> None:
    produced, _ = await sent(text="Hi")
    assert produced.model_dump()["invitation"] is None


def invitation_in(**given: Any) -> Any:
    request = SendInput.model_validate(variables(**{"text": ..., **given})).request
    assert request.invitation is not None
    return request.invitation.invitation(
        subject=request.subject, author=request.from_[0], to=request.to, cc=request.cc, token="t"
    )


def test_those_in_to_must_come_and_those_in_cc_may() -> None:
    made = invitation_in(invitation=NINE, to="bob@x.test", cc="carl@x.test", bcc="eve@x.test")
    assert [(one.mailbox.address, one.role, one.rsvp) for one in made.guests] == [
        ("bob@x.test", "required", True),
        ("carl@x.test", "optional", True),
    ]
    assert (made.organizer.address, made.summary) == ("jane@example.org", "Hi")


@pytest.mark.parametrize(
    "attendees",
    [
        "Bob <bob@x.test>; carl@x.test",
        ["Bob <bob@x.test>", {"address": "carl@x.test"}],
        [{"name": "Bob", "address": "bob@x.test", "role": "Required"}, "carl@x.test"],
        [{"name": "Bob", "address": "Robert <bob@x.test>"}, {"address": "carl@x.test", "name": ""}],
    ],
)
def test_attendees_can_be_given_in_every_way_that_addresses_can(attendees: Any) -> None:
    made = invitation_in(invitation={**NINE, "attendees": attendees})
    assert [(one.mailbox.name, one.mailbox.address, one.role) for one in made.guests] == [
        ("Bob", "bob@x.test", "required"),
        ("", "carl@x.test", "required"),
    ]


def test_one_attendee_needs_no_list() -> None:
    made = invitation_in(invitation={**NINE, "attendees": {"address": "bob@x.test", "role": "chair", "rsvp": False}})
    ((guest),) = made.guests
    assert (guest.role, guest.rsvp) == ("chair", False)


def test_a_change_keeps_the_uid_and_counts_up() -> None:
    made = invitation_in(invitation={**NINE, "uid": "zm-1@example.org", "sequence": 3, "summary": "Later"})
    assert (made.method, made.uid, made.sequence, made.summary) == ("request", "zm-1@example.org", 3, "Later")


def test_a_series_ends_as_the_start_asks_for() -> None:
    made = invitation_in(invitation={**NINE, "recurrence": "FREQ=WEEKLY;UNTIL=20260228"})
    assert made.recurrence == "FREQ=WEEKLY;UNTIL=20260228T225959Z"
