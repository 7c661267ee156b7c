"""A mail with everything in it: its tree, its parts byte for byte, and what two other parsers make of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parsers import PostalMime, Seen, parsed, seen, shown
from zeebe_mail.message.address import Mailbox, mailboxes
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.content import Attachment, Calendar
from zeebe_mail.message.file_name import safe_filename
from zeebe_mail.message.headers import HeaderError

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
BREAKS = ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]
EVERY_BYTE = bytes(range(256)) * 3
PDF = Attachment("Rechnung.pdf", "application/pdf", b"%PDF-1.7\n" + EVERY_BYTE)
LOGO = Attachment("logo.png", "image/png", b"\x89PNG\r\n\x1a\n" + EVERY_BYTE, content_id="logo@x", inline=True)
INVITATION = Calendar(
    "REQUEST",
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Caf\xc3\xa9\r\nEND:VCALENDAR\r\n",
    "1",
    0,
    Mailbox("jane", "x.test"),
)
INNER = b"From: a@x.test\r\nSubject: inner\r\n\r\nFirst line\r\n"
NAMES = [
    "report.pdf",
    "Grüße aus Köln.pdf",
    "😀😀😀.png",
    "日本語の長い長い長い長い長い長い長い長い名前.txt",
    "x" * 146 + ".pdf",
    "ä" * 70 + ".pdf",
    "it's 100% (really) & more; more, 'yes'=no.pdf",
    "two  spaces.pdf",
]
AS_WORDS = "=?utf-8?q?not_really?=.pdf"


def composed(**draft: Any) -> Message:
    given_draft: dict[str, Any] = {
        "authors": mailboxes("Jane <jane@example.org>"),
        "to": mailboxes("bob@example.org"),
        "text": "Hello\n",
        **draft,
    }
    return compose(Draft(**given_draft), token="4711-1", date=NOW)


def tree(part: EmailMessage) -> Any:
    """Types in brackets, as the mail has them."""
    kind = part.get_content_type()
    if part.get_content_maintype() != "multipart":
        return kind
    return {kind.partition("/")[2]: [tree(child) for child in part.iter_parts() if isinstance(child, EmailMessage)]}


def assert_well_formed(data: bytes) -> None:
    assert data.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", data)
    assert max(map(len, data.split(b"\r\n"))) <= 998


ALTERNATIVE = {"alternative": ["text/plain", "text/html"]}


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ({}, "text/plain"),
        ({"html": "<p>x</p>"}, ALTERNATIVE),
        ({"attachments": (PDF,)}, {"mixed": ["text/plain", "application/pdf"]}),
        ({"html": "<p>x</p>", "attachments": (PDF,)}, {"mixed": [ALTERNATIVE, "application/pdf"]}),
        ({"text": None, "html": "<img>", "attachments": (LOGO,)}, {"related": ["text/html", "image/png"]}),
        ({"html": "<img>", "attachments": (LOGO,)}, {"related": [ALTERNATIVE, "image/png"]}),
        ({"attachments": (LOGO,)}, {"mixed": ["text/plain", "image/png"]}),
        ({"calendar": INVITATION}, {"mixed": [{"alternative": ["text/plain", "text/calendar"]}, "application/ics"]}),
        ({"text": None, "calendar": INVITATION}, {"mixed": ["text/calendar", "application/ics"]}),
        (
            {"html": "<img>", "attachments": (PDF, LOGO), "calendar": INVITATION},
            {
                "mixed": [
                    {"related": [{"alternative": ["text/plain", "text/html", "text/calendar"]}, "image/png"]},
                    "application/pdf",
                    "application/ics",
                ]
            },
        ),
    ],
)
def test_each_part_has_its_place_and_no_container_one_child(draft: dict[str, Any], expected: Any) -> None:
    message = composed(**draft)
    assert tree(parsed(bytes(message.data))) == expected
    assert_well_formed(bytes(message.data))


def test_both_parsers_see_all_of_it(postal_mime: PostalMime) -> None:
    inner = Attachment("inner.eml", "message/rfc822", INNER)
    data = bytes(
        composed(
            subject="Ihre Bestellung – Grüße 😀",
            cc=mailboxes('"Doe, Jane" <j@x.test>, Jörg Müller <g@x.test>'),
            reply_to=mailboxes("answers@x.test"),
            html='<p>Grüße</p><img src="cid:logo@x">',
            attachments=(PDF, LOGO, inner),
            calendar=INVITATION,
            in_reply_to=("<1@x.test>",),
            references=("<0@x.test>",),
        ).data
    )
    found = seen(data)
    assert found == postal_mime.seen(data)
    assert (found.subject, found.text, found.html) == (
        "Ihre Bestellung – Grüße 😀",
        "Hello",
        '<p>Grüße</p><img src="cid:logo@x">',
    )
    assert found.cc == (("Doe, Jane", "j@x.test"), ("Jörg Müller", "g@x.test"))
    assert (found.in_reply_to, found.references) == ("<1@x.test>", "<0@x.test> <1@x.test>")
    assert (found.file("Rechnung.pdf").content, found.file("logo.png").content) == (PDF.data, LOGO.data)
    assert (found.file("logo.png").content_id, found.file("logo.png").disposition) == ("<logo@x>", "inline")
    assert found.file("inner.eml").content == shown(INNER.decode()).encode()
    assert found.file("invite.ics").content == shown(INVITATION.data.decode()).encode()


@pytest.mark.parametrize("name", NAMES)
def test_file_names_reach_both_parsers(name: str, postal_mime: PostalMime) -> None:
    data = bytes(composed(attachments=(Attachment(name, "application/pdf", b"x"),)).data)
    assert seen(data) == postal_mime.seen(data)
    assert [one.name for one in seen(data).files] == [name]
    assert max(map(len, data.split(b"\r\n"))) <= 78 or name.isascii()


@pytest.mark.parametrize("name", [*NAMES, AS_WORDS])
def test_programs_that_know_no_rfc_2231_find_the_name_in_the_content_type(name: str) -> None:
    (part,) = parsed(bytes(composed(attachments=(Attachment(name, "application/pdf", b"x"),)).data)).iter_attachments()
    assert part["Content-Type"].params["name"] == name


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


@given(
    name=names,
    subject=texts,
    person=texts,
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    content=st.binary(max_size=300),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_goes_in_comes_out(
    name: str, subject: str, person: str, text: str, content: bytes, postal_mime: PostalMime
) -> None:
    """Read by postal-mime, which is the stricter of the two about nothing but what we write."""
    safe = safe_filename(name) or "attachment-1.bin"
    data = bytes(
        composed(
            to=(Mailbox("bob", "example.org", person.strip()),),
            subject=subject,
            text=text,
            attachments=(Attachment(safe, "application/octet-stream", content),),
        ).data
    )
    assert_well_formed(data)
    for found in (seen(data), postal_mime.seen(data)):
        assert [(one.name, one.content) for one in found.files] == [(safe, content)]
        assert " ".join(found.subject.split()) == " ".join(subject.split())
        assert found.to[0][1] == "bob@example.org"
        assert found.text == shown(text)


@pytest.mark.parametrize("separator", BREAKS)
@pytest.mark.parametrize("field", ["name", "content_type", "charset", "content_id"])
def test_no_separator_gets_into_the_headers_of_a_part(separator: str, field: str) -> None:
    file: dict[str, Any] = {"name": "a.txt", "content_type": "text/plain", "data": b"x", "charset": "utf-8"}
    file[field] = f"{file.get(field) or 'x'}{separator}X-Evil: 1"
    with pytest.raises(HeaderError):
        composed(attachments=(Attachment(**file),))


@pytest.mark.parametrize(
    "kind",
    ["", "pdf", 'pdf; name="evil"', "application/", "a/b/c", "a/b; x=y", "text/pläin", "a b/c", 'application/"x"'],
)
def test_a_content_type_is_two_words_and_nothing_else(kind: str) -> None:
    with pytest.raises(HeaderError):
        composed(attachments=(Attachment("a.pdf", kind, b"x"),))


def test_quotes_in_a_name_end_nothing() -> None:
    """Our own file names have none; whoever composes may still hand one over."""
    (part,) = parsed(
        bytes(composed(attachments=(Attachment('a"; x="b\\c.pdf', "application/pdf", b"x"),)).data)
    ).iter_attachments()
    assert part.get_filename() == 'a"; x="b\\c.pdf'


# ── mails in the mail ────────────────────────────────────────────────────────────────────────────────────────────

EIGHT_BIT = INNER + "Grüße\r\n".encode()


def rfc822(data: bytes, name: str = "inner.eml") -> Attachment:
    return Attachment(name, "message/rfc822", data)


def last_part(message: Message) -> EmailMessage:
    *_, part = parsed(bytes(message.data)).iter_parts()
    assert isinstance(part, EmailMessage)
    return part


@pytest.mark.parametrize("mail", [INNER, INNER.removesuffix(b"\r\n"), INNER + b".\r\n..\r\n", EIGHT_BIT])
def test_a_mail_is_carried_with_every_byte(mail: bytes) -> None:
    message = composed(attachments=(rfc822(mail),))
    assert last_part(message).get_content_type() == "message/rfc822"
    assert b"\r\n\r\n" + mail + b"\r\n--=_" in bytes(message.data)
    assert last_part(message)["Content-Transfer-Encoding"] == ("7bit" if mail.isascii() else "8bit")


def test_a_mail_from_a_file_of_unix_gets_the_line_ends_of_mail() -> None:
    message = composed(attachments=(rfc822(INNER.replace(b"\r\n", b"\n")),))
    assert INNER in bytes(message.data)


@pytest.mark.parametrize(
    "mail",
    [
        INNER + b"lone \r return\r\n",
        INNER + b"lone \n feed\r\n",
        INNER + b"\0",
        INNER + b"x" * 999,
        "Subject: Grüße\r\n\r\nx\r\n".encode(),
    ],
)
def test_a_mail_that_cannot_travel_as_it_is_becomes_a_file(mail: bytes) -> None:
    message = composed(attachments=(rfc822(mail, "inner"),))
    part = last_part(message)
    assert (part.get_content_type(), part.get_filename()) == ("application/octet-stream", "inner.eml")
    assert part.get_payload(decode=True) == mail
    assert_well_formed(bytes(message.data))
    assert message.data.is_ascii


def test_for_servers_without_8bitmime_a_mail_with_8_bits_becomes_a_file() -> None:
    message = composed(attachments=(rfc822(INNER), rfc822(EIGHT_BIT)))
    assert not message.data.is_ascii
    assert message.without_8bit
    assert message.without_8bit.is_ascii
    _, first, second = parsed(bytes(message.without_8bit)).iter_parts()
    assert (first.get_content_type(), second.get_content_type()) == ("message/rfc822", "application/octet-stream")
    assert second.get_payload(decode=True) == EIGHT_BIT  # type: ignore[union-attr]


def test_other_mails_need_no_second_form() -> None:
    assert composed(attachments=(rfc822(INNER), PDF)).without_8bit is None


@pytest.mark.parametrize("kind", ["multipart/mixed", "message/delivery-status", "message/partial"])
def test_types_that_must_not_be_encoded_are_told_as_files(kind: str) -> None:
    part = last_part(composed(attachments=(Attachment("x.bin", kind, EVERY_BYTE),)))
    assert (part.get_content_type(), part.get_payload(decode=True)) == ("application/octet-stream", EVERY_BYTE)


# ── boundaries ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_attempt_has_the_same_bytes() -> None:
    everything: dict[str, Any] = {"html": "<img>", "attachments": (PDF, LOGO), "calendar": INVITATION}
    assert bytes(composed(**everything).data) == bytes(composed(**everything).data)


def test_who_knows_the_boundary_cannot_use_it() -> None:
    """The token is no secret: a text can hold what would have been the boundary."""
    first = re.search(rb'boundary="(.*?)"', bytes(composed(html="x").data))
    assert first
    evil = f"--{first[1].decode()}\r\nContent-Type: text/html\r\n\r\nevil\r\n--{first[1].decode()}--\r\n"
    message = composed(text=evil, html="x", attachments=(rfc822(INNER + evil.encode()),))
    assert tree(parsed(bytes(message.data))) == {"mixed": [ALTERNATIVE, "message/rfc822"]}
    assert seen(bytes(message.data)).text == shown(evil)


def test_bounds_of_containers_differ() -> None:
    data = bytes(composed(html="<img>", attachments=(PDF, LOGO)).data)
    assert len(set(re.findall(rb'boundary="(.*?)"', data))) == 3


# ── the sender's own copy ────────────────────────────────────────────────────────────────────────────────────────


def test_the_senders_copy_keeps_bcc_and_is_the_same_otherwise(postal_mime: PostalMime) -> None:
    message = composed(bcc=mailboxes("Eve <eve@example.org>, mallory@example.org"), attachments=(PDF,))
    assert b"eve" not in bytes(message.data)
    copy = bytes(message.sender_copy)
    assert seen(copy).bcc == postal_mime.seen(copy).bcc == (("Eve", "eve@example.org"), ("", "mallory@example.org"))
    assert copy.endswith(bytes(message.data))
    assert composed().sender_copy is not None
    assert bytes(composed().sender_copy) == bytes(composed().data)


def test_a_part_of_a_mail_is_never_written_anew() -> None:
    """What Python's generator would fold or decode stays as its sender wrote it."""
    odd = b"Subject:   =?iso-8859-1?q?a?=   b\r\nX-Long: " + b"y" * 900 + b"\r\n\r\nbody \t\r\n"
    data = bytes(composed(attachments=(rfc822(odd),)).data)
    assert odd in data
    assert parsed(data).as_bytes(policy=policy.SMTP) is not None


def names_of(found: Seen) -> set[str]:
    return set(found.header_names)


def test_a_plain_mail_says_nothing_of_itself_but_that_a_machine_sent_it() -> None:
    assert names_of(seen(bytes(composed(subject="x").data))) == {
        "date",
        "from",
        "to",
        "subject",
        "message-id",
        "mime-version",
        "auto-submitted",
        "content-type",
        "content-transfer-encoding",
    }
