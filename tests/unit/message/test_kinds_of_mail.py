"""Replies, reports on mail that was sent, and invitations."""

import pytest

from zeebe_mail.message.parse import parse
from zeebe_mail.message.quoted_reply import newest_reply

REPLY = "Yes, please.\n\nJane"


@pytest.mark.parametrize(
    "history",
    [
        "On Mon, Jan 5, 2026 at 10:00 AM Bob <bob@example.org> wrote:\n> Shall we?\n>\n> Bob",
        "On Mon, Jan 5, 2026 at 10:00 AM Bob Doe\n<bob@example.org> wrote:\n\n> Shall we?",
        " On Mon, Jan 5, 2026 at 10:00 AM Bob Doe <\nbob@example.org> wrote:\n\n> Shall we?",
        "Am 05.01.26 um 10:00 schrieb Bob:\n> Sollen wir?",
        "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Bob Doe <\nbob@example.org>:\n\n> Sollen wir?",
        "Le lun. 5 janv. 2026 à 10:00, Bob <bob@example.org> a écrit :\n> On y va ?",
        "El lun, 5 ene 2026 a las 10:00, Bob (<bob@example.org>) escribió:\n> ¿Vamos?",
        "Il giorno lun 5 gen 2026 alle ore 10:00 Bob <bob@example.org> ha scritto:\n> Andiamo?",
        "Op ma 5 jan 2026 om 10:00 schreef Bob <bob@example.org>:\n> Zullen we?",
        "Em seg., 5 de jan. de 2026 às 10:00, Bob <bob@example.org> escreveu:\n> Vamos?",
        "Den mån 5 jan. 2026 kl 10:00 skrev Bob <bob@example.org>:\n> Ska vi?",
        "pon., 5 sty 2026 o 10:00 Bob <bob@example.org> napisał(a):\n> Idziemy?",
        "пн, 5 янв. 2026 г. в 10:00, Bob <bob@example.org>:\n> x".replace("org>:", "org> пишет:"),
        "2026年1月5日(月) 10:00 Bob <bob@example.org> のメール:\n> x",
        "-----Original Message-----\nFrom: Bob\nSent: Monday\nTo: Jane\nSubject: x\n\nShall we?",
        "-----Ursprüngliche Nachricht-----\nVon: Bob\nGesendet: Montag\n\nSollen wir?",
        "________________________________\nFrom: Bob <bob@example.org>\nSent: Monday, January 5\nTo: Jane\n\nShall we?",
        "Von: Bob <bob@example.org>\nGesendet: Montag, 5. Januar 2026\nAn: Jane\nBetreff: x\n\nSollen wir?",
        "*From:* Bob <bob@example.org>\n*Sent:* Monday\n*To:* Jane\n\nShall we?",
        "De : Bob\nEnvoyé : lundi\nÀ : Jane\n\nOn y va ?",
        "---------- Forwarded message ---------\nFrom: Bob\n\nShall we?",
        "Begin forwarded message:\n\n> From: Bob",
        "2026年1月5日(月) 10:00 Bob <bob@example.org>:\n\n> x",
        '05.01.2026, 10:00, "Bob" <bob@example.org>:\n\n> x',
        "Bob <bob@example.org> ezt írta (időpont: 2026. jan. 5., H, 10:00):\n\n> x",
        "\u202bבתאריך 5 בינו׳ 2026 ב-10:00 מאת \u202aBob\u202c <\u202abob@example.org\u202c>:\u202c\n\n> x",
        "Op 5 jan 2026, om 10:00 heeft Bob <bob@example.org> het volgende geschreven:\n\nZullen we?",
        "Bob <bob@example.org> wrote on 01/05/2026 10:00:00 AM:\n\n> From: Bob",
        "---- On Mon, 05 Jan 2026 10:00:00 +0100 Bob <bob@example.org> wrote ----\n\nShall we?",
        "Date: Mon, 5 Jan 2026 10:00:00 +0100\nSubject: x\nFrom: bob@example.org\nTo: jane@example.org\n\nShall we?",
        "---\n\nGesendet: Montag, 5. Januar 2026\nVon: Bob <bob@example.org>\nAn: Jane\n\nSollen wir?",
        "> Shall we?\n> Bob",
        "-- \nJane Doe\nExample Ltd.",
    ],
)
def test_history_and_signature_are_left_out(history: str) -> None:
    assert newest_reply(f"{REPLY}\n\n{history}\n") == REPLY


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("Just a mail.\n", "Just a mail."),
        ("", ""),
        ("> only quoted\n", ""),
        ("On Monday, Bob wrote:\n> one?\nyes\n> two?\nno\n", "yes\nno"),
        ("He wrote a letter on Monday. This is what I liked:\nall of it\n", None),
        ("From: here to there is far.\nAnd that is it.\n", None),
        ("--\n", "--"),
        ("a -- b\n---\nc\n", None),
        ("Date: 5 January\nFrom: Here\nTo: There\n", None),
        ("Ask bob@example.org, who said at 10:00:\n\nnothing\n", None),
    ],
)
def test_what_is_no_history_stays(text: str, newest: str | None) -> None:
    assert newest_reply(text) == (text.strip() if newest is None else newest)


def test_the_reply_in_html_is_found() -> None:
    html = (
        b"<div>Yes</div><div class=gmail_quote>On Mon, Bob &lt;b@x.org&gt; wrote:<br><blockquote>Shall we?</blockquote>"
    )
    found = parse(b"Content-Type: text/html\n\n" + html)
    assert found.newest_reply == "Yes"
    assert "Shall we?" in (found.text or "")


def report(status: str, *, returned: str = "Message-ID: <1@example.org>") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example.org\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=r\n\n"
        f"--r\n\nSorry.\n--r\nContent-Type: message/delivery-status\n\n{status}\n--r\n"
        f"Content-Type: text/rfc822-headers\n\n{returned}\n\n--r--\n"
    ).encode()


def test_a_failed_delivery_is_a_bounce() -> None:
    bounce = parse(
        report(
            "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\n"
            "Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1\n no such user\n\n"
            "Final-Recipient: rfc822;b@example.com\nAction: delayed\nStatus: 4.4.1 (no answer)\n"
        )
    ).as_json()["bounce"]
    assert bounce == {
        "kind": "bounce",
        "action": "failed",
        "status": "5.1.1",
        "diagnostic": "550 5.1.1 no such user",
        "recipients": [
            {"address": "a@example.com", "action": "failed", "status": "5.1.1", "diagnostic": "550 5.1.1 no such user"},
            {"address": "b@example.com", "action": "delayed", "status": "4.4.1", "diagnostic": None},
        ],
        "originalMessageId": "<1@example.org>",
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("Final-Recipient: rfc822; a@x.org\nAction: delayed\nStatus: 4.4.7", "delay"),
        ("Final-Recipient: rfc822; a@x.org\nAction: relayed\nStatus: 2.1.5", "delivered"),
        ("Final-Recipient: rfc822; a@x.org\nAction: delivered\nStatus: 2.1.5", "delivered"),
        ("Final-Recipient: rfc822; a@x.org\nStatus: 5.0.0", "bounce"),
    ],
)
def test_reports_are_of_a_kind(status: str, kind: str) -> None:
    bounce = parse(report(f"Reporting-MTA: dns; x\n\n{status}\n")).bounce
    assert bounce is not None
    assert bounce.kind == kind


def test_a_receipt_says_that_a_mail_was_read() -> None:
    bounce = parse(
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=r\n\n--r\n\nread\n--r\n"
        b"Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; a@example.com\n"
        b"Original-Message-ID: <1@example.org>\nDisposition: manual-action/MDN-sent-manually; displayed\n--r--\n"
    ).bounce
    assert bounce is not None
    assert (bounce.kind, bounce.action, bounce.recipients[0].address) == ("read", "displayed", "a@example.com")
    assert bounce.original_message_id == "<1@example.org>"


def test_a_complaint_is_one() -> None:
    bounce = parse(
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=r\n\n--r\n\nspam\n--r\n"
        b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: <a@example.com>\n--r\n"
        b"Content-Type: message/rfc822\n\nMessage-ID: <1@example.org>\n\nx\n--r--\n"
    ).bounce
    assert bounce is not None
    assert (bounce.kind, bounce.action, bounce.original_message_id) == ("complaint", "abuse", "<1@example.org>")


def test_the_notice_of_qmail_is_read() -> None:
    bounce = parse(
        b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: me@example.org\nSubject: failure notice\n\n"
        b"Hi. This is the qmail-send program at mx.example.org.\nI'm afraid I wasn't able to deliver your message.\n\n"
        b"<a@example.com>:\n192.0.2.1 does not like recipient.\n"
        b"Remote host said: 550 5.1.1 unknown user\nGiving up.\n\n"
        b"--- Below this line is a copy of the message.\n\nReturn-Path: <me@example.org>\nMessage-ID: <1@example.org>\n"
    ).bounce
    assert bounce is not None
    assert (bounce.kind, bounce.status, bounce.original_message_id) == ("bounce", "5.1.1", "<1@example.org>")
    assert [one.address for one in bounce.recipients] == ["a@example.com"]
    assert bounce.diagnostic == "Remote host said: 550 5.1.1 unknown user"


def test_prose_of_a_daemon_is_read() -> None:
    bounce = parse(
        b"From: Mail Delivery System <postmaster@example.org>\nTo: me@example.org\n"
        b"Subject: Undeliverable: Order\nX-Failed-Recipients: a@example.com\n\n"
        b"Delivery has failed. 550 5.2.2 mailbox full\n"
    ).bounce
    assert bounce is not None
    assert (bounce.kind, bounce.status, bounce.recipients[0].address) == ("bounce", "5.2.2", "a@example.com")


@pytest.mark.parametrize(
    ("notice", "kind", "recipients"),
    [
        (
            (
                "Your message could not be delivered to one or more recipients. For further assistance,\n"
                "please send mail to <postmaster@mx.example.org>\n\n<a@example.com>: unknown user"
            ),
            "bounce",
            ["a@example.com"],
        ),
        (
            (
                "Your message\n\n  To: list@example.net\n  Subject: Release 2.0.12\n\n"
                "did not reach the following recipient(s):\n\na@example.com on Monday\n    SMTP=a@example.com"
            ),
            "bounce",
            ["a@example.com"],
        ),
        (
            (
                "Unable to deliver message to the following address(es).\n\n<a@example.com>:\nNo such user.\n\n"
                "--- Below this line is a copy of the message.\n\n<b@example.com>:\nis in it"
            ),
            "bounce",
            ["a@example.com"],
        ),
        (
            "Your message to a@example.com\nhas not yet been delivered. This is just a warning.",
            "delay",
            ["a@example.com"],
        ),
        ("Failed Recipient: a@example.com\nReason: 550 unknown user <a@example.com>", "bounce", ["a@example.com"]),
    ],
)
def test_notices_name_their_recipients(notice: str, kind: str, recipients: list[str]) -> None:
    bounce = parse(
        f"From: MAILER-DAEMON@mx.example.org\nTo: me@example.org\nSubject: Mail\n\n{notice}\n".encode()
    ).bounce
    assert bounce is not None
    assert (bounce.kind, bounce.status) == (kind, None)
    assert [one.address for one in bounce.recipients] == recipients


def test_a_report_without_recipients_is_read_as_prose() -> None:
    raw = report("Reporting-MTA: dns; mx.example.org").replace(
        b"Sorry.", b"Delivery to the following recipients failed: a@example.com"
    )
    bounce = parse(raw).bounce
    assert bounce is not None
    assert [one.address for one in bounce.recipients] == ["a@example.com"]
    assert bounce.original_message_id == "<1@example.org>"


def test_the_original_recipient_stands_for_one_behind_a_gateway() -> None:
    status = "Original-Recipient: rfc822;a@example.com\nFinal-Recipient: x400;/s=a/c=gb/\nAction: failed"
    bounce = parse(report(f"Reporting-MTA: dns; mx\n\n{status}")).bounce
    assert bounce is not None
    assert bounce.recipients[0].address == "a@example.com"


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@example.org\nSubject: Undeliverable: ideas\n\nundeliverable a@example.com 5.1.1",
        b"From: postmaster@example.org\nSubject: New server\n\nWe moved.",
    ],
)
def test_mail_that_only_looks_like_a_report_is_none(raw: bytes) -> None:
    assert parse(raw).bounce is None


def calendar(*lines: str, method: str = "REPLY") -> bytes:
    body = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{method}", *lines, "END:VCALENDAR", ""])
    return (
        f"Subject: x\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\nAccepted\r\n--a\r\n"
        f"Content-Type: text/calendar; charset=utf-8; method={method}\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}--a--\r\n"
    ).encode()


def test_an_answer_to_an_invitation_is_read() -> None:
    found = parse(
        calendar(
            *("BEGIN:VEVENT", "UID:4711@example.org", "SEQUENCE:2", "DTSTART:20260105T090000Z"),
            *("DTEND:20260105T100000Z", "SUMMARY:Gespräch\\, lang", "LOCATION:Köln", "STATUS:CONFIRMED"),
            *("ORGANIZER;CN=Bob:mailto:bob@example.org",),
            *('ATTENDEE;PARTSTAT=ACCEPTED;CN="Doe, Jane":MAILTO:jane@example.org', "END:VEVENT"),
        )
    )
    assert found.text == "Accepted"
    assert found.as_json()["calendar"] == {
        "method": "REPLY",
        "uid": "4711@example.org",
        "sequence": 2,
        "status": "CONFIRMED",
        "summary": "Gespräch, lang",
        "location": "Köln",
        "start": "2026-01-05T09:00:00Z",
        "end": "2026-01-05T10:00:00Z",
        "organizer": {"name": "Bob", "address": "bob@example.org", "status": None},
        "attendees": [{"name": "Doe, Jane", "address": "jane@example.org", "status": "ACCEPTED"}],
    }


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("DTSTART;TZID=Europe/Berlin:20260105T100000", "2026-01-05T09:00:00Z"),
        ("DTSTART;TZID=W. Europe Standard Time:20260105T100000", "2026-01-05T09:00:00Z"),
        ("DTSTART;VALUE=DATE:20260105", "2026-01-05"),
        ("DTSTART:20260105T100000", "2026-01-05T10:00:00"),
    ],
)
def test_times_are_utc_where_the_zone_is_known(start: str, expected: str) -> None:
    found = parse(calendar("BEGIN:VEVENT", "UID:1", start, "END:VEVENT", method="REQUEST")).calendar
    assert found is not None
    assert found.start == expected


@pytest.mark.parametrize(
    ("start", "end"),
    [("DTSTART:20260105T090000Z", "2026-01-05T10:00:00Z"), ("DTSTART;VALUE=DATE:20260105", "2026-01-06")],
)
def test_a_duration_gives_the_end(start: str, end: str) -> None:
    duration = "DURATION:P1D" if "DATE" in start else "DURATION:PT1H"
    found = parse(calendar("BEGIN:VEVENT", "UID:1", start, duration, "END:VEVENT")).calendar
    assert found is not None
    assert found.end == end


@pytest.mark.parametrize(
    "part",
    [
        "Content-Type: text/calendar; method=reply\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR",
        (
            'Content-Type: application/octet-stream; name="invite.ICS"\n\n'
            "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR"
        ),
        (
            "Content-Type: text/calendar\n\n"
            "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR\n\n____\nA mailing list"
        ),
    ],
)
def test_calendars_are_found_as_they_are_sent(part: str) -> None:
    found = parse(f"Content-Type: multipart/mixed; boundary=m\n\n--m\n{part}\n--m--\n".encode()).calendar
    assert found is not None
    assert (found.uid, found.method) == ("1", "REPLY")


@pytest.mark.parametrize("lines", [("BEGIN:VEVENT", "DTSTART:nonsense"), ("garbage",), ("BEGIN:VEVENT",)])
def test_a_calendar_that_is_broken_costs_nothing_else(lines: tuple[str, ...]) -> None:
    found = parse(calendar(*lines))
    assert (found.subject, found.text, found.parse_error) == ("x", "Accepted", None)
