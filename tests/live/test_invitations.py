"""Invitations on their way: through Postfix into Dovecot, read by a guest, answered, and the answer read."""

from __future__ import annotations

import smtplib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import icalendar
import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed, Tasks, tasks

pytestmark = pytest.mark.live

NINE = {"start": "2026-07-31T09:00:00@Europe/Berlin", "duration": "PT1H30M", "location": "Room 1"}


@dataclass(frozen=True)
class Two:
    """Alice, who invites, and Bob, who is invited."""

    alice: Tasks
    bob: Tasks
    postfix: Postfix

    async def invite(self, **request: Any) -> Any:
        """What Alice's process gets for an invitation."""
        place = {"host": "localhost", "port": self.postfix.submission, "security": "STARTTLS"}
        mail = {"from": "Alice <alice@x.test>", "to": "Bob <bob@x.test>", "subject": "Review", **request}
        return await self.alice.at(place).run("smtp-send", **mail)

    async def arrived(self, who: Tasks, message_id: str) -> tuple[Any, EmailMessage]:
        """A mail as `mail:imap-read:1` gives it, and as the standard library reads it."""
        await who.run("imap-wait", criteria={"messageId": message_id}, timeoutSeconds=30, ifMissing="error")
        read = await who.run("imap-read", messageId=message_id, attachments="metadata")
        with who.server.client(who.user) as client:
            client.select_folder("INBOX", readonly=True)
            source = client.fetch([read["uid"]], ["BODY.PEEK[]"])[read["uid"]][b"BODY[]"]
        mail = message_from_bytes(source, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return read, mail


@pytest.fixture
async def two(dovecot: Dovecot, postfix: Postfix) -> AsyncIterator[Two]:
    async with tasks(dovecot, "alice") as alice, tasks(dovecot, "bob") as bob:
        yield Two(alice, bob, postfix)


def event_in(mail: EmailMessage) -> Any:
    (part,) = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    (event,) = icalendar.Calendar.from_ical(part.get_content()).walk("VEVENT")
    return event


async def test_an_invitation_arrives_as_mail_clients_expect_it(two: Two) -> None:
    sent = await two.invite(invitation=NINE, html="<p>Please come.</p>")
    read, mail = await two.arrived(two.bob, sent["messageId"])

    assert [one.get_content_type() for one in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    (part,) = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    assert (part.get_param("method"), part.get_content_charset()) == ("REQUEST", "utf-8")
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "invite.ics"
    assert attached.get_content() == part.get_payload(decode=True)
    assert read["calendar"] == {
        "method": "REQUEST",
        "uid": sent["invitation"]["uid"],
        "sequence": 0,
        "status": "CONFIRMED",
        "summary": "Review",
        "location": "Room 1",
        "start": "2026-07-31T07:00:00Z",
        "end": "2026-07-31T08:30:00Z",
        "organizer": {"name": "Alice", "address": "alice@x.test", "status": None},
        "attendees": [{"name": "Bob", "address": "bob@x.test", "status": "NEEDS-ACTION"}],
    }


async def test_without_a_text_the_mail_says_it_in_words(two: Two) -> None:
    sent = await two.invite(invitation={**NINE, "summary": "Größe 𝄞", "description": "Zeile\n" * 50})
    read, mail = await two.arrived(two.bob, sent["messageId"])
    assert read["plainTextBody"].startswith(
        "Größe 𝄞\n\nWhen: 2026-07-31 09:00 – 10:30 (Europe/Berlin)\nWhere: Room 1\n"
    )
    assert read["errors"] == []
    assert str(event_in(mail)["DESCRIPTION"]) == "Zeile\n" * 50


async def test_an_answer_is_read_with_the_uid_of_the_invitation(two: Two) -> None:
    sent = await two.invite(invitation=NINE)
    _, mail = await two.arrived(two.bob, sent["messageId"])

    answer = accepted(mail, "bob@x.test")
    with smtplib.SMTP("localhost", two.postfix.smtp) as client:
        client.send_message(answer)
    read, _ = await two.arrived(two.alice, answer["Message-ID"])

    assert (read["calendar"]["method"], read["calendar"]["uid"]) == ("REPLY", sent["invitation"]["uid"])
    assert read["calendar"]["sequence"] == 0
    assert read["calendar"]["attendees"] == [{"name": "Bob", "address": "bob@x.test", "status": "ACCEPTED"}]


def accepted(mail: EmailMessage, guest: str) -> EmailMessage:
    """A guest's answer as his mail program sends it (RFC 5546, 3.2.3)."""
    asked = event_in(mail)
    (attendee,) = [asked["ATTENDEE"]] if not isinstance(asked["ATTENDEE"], list) else asked["ATTENDEE"]
    attendee.params["PARTSTAT"] = "ACCEPTED"
    del attendee.params["RSVP"]
    event = icalendar.Event()
    for name in ("UID", "SEQUENCE", "DTSTAMP", "ORGANIZER", "DTSTART", "DTEND", "SUMMARY"):
        event[name] = asked[name]
    event["ATTENDEE"] = attendee
    calendar = icalendar.Calendar()
    calendar.add("PRODID", "-//a mail program//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "REPLY")
    calendar.add_component(event)
    answer = EmailMessage()
    answer["From"], answer["To"], answer["Subject"] = guest, "alice@x.test", "Accepted: Review"
    answer["Message-ID"] = f"<answer-to-{asked['UID']}>"
    answer.set_content("Bob has accepted.")
    answer.add_alternative(calendar.to_ical().decode(), subtype="calendar", params={"method": "REPLY"})
    return answer


async def test_a_change_and_a_cancellation_are_of_the_same_appointment(two: Two) -> None:
    first = await two.invite(invitation=NINE)
    uid = first["invitation"]["uid"]

    later = {**NINE, "start": "2026-07-31T11:00:00@Europe/Berlin", "uid": uid, "sequence": 1}
    moved, _ = await two.arrived(two.bob, (await two.invite(invitation=later))["messageId"])
    taken_back = {"method": "cancel", "uid": uid, "sequence": 2}
    sent = await two.invite(invitation=taken_back)
    gone, mail = await two.arrived(two.bob, sent["messageId"])

    assert sent["invitation"] == {"uid": uid, "sequence": 2}
    assert (moved["calendar"]["uid"], moved["calendar"]["sequence"]) == (uid, 1)
    assert moved["calendar"]["start"] == "2026-07-31T09:00:00Z"
    assert (gone["calendar"]["uid"], gone["calendar"]["method"]) == (uid, "CANCEL")
    assert (gone["calendar"]["status"], gone["calendar"]["sequence"]) == ("CANCELLED", 2)
    (part,) = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    assert part.get_param("method") == "CANCEL"


async def test_an_invitation_for_nobody_in_sight_is_not_sent(two: Two) -> None:
    with pytest.raises(TaskFailed, match=r"INVALID_INPUT: `request.invitation.attendees` must be given"):
        await two.invite(invitation=NINE, to="", bcc="bob@x.test", undisclosedRecipients=True)
