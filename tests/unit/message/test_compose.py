"""What is composed is what was meant: parsed back by the standard library, header by header and byte by byte."""

from __future__ import annotations

import base64
import email.policy
import quopri
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.mail.smtp.protocol import wire_form
from zeebe_mail.message.address import Mailbox, mailboxes
from zeebe_mail.message.compose import Attachment, Draft, Message, compose
from zeebe_mail.message.headers import HeaderError, address_list, custom_name, header, unstructured

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
BREAKS = ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]


def composed(**draft: Any) -> Message:
    given_draft: dict[str, Any] = {
        "authors": mailboxes("Jane <jane@example.org>"),
        "to": mailboxes("bob@example.org"),
        "text": "Hello\n",
        **draft,
    }
    return compose(Draft(**given_draft), token="4711-1", date=NOW)


def parsed(message: Message) -> EmailMessage:
    found = BytesParser(policy=email.policy.default).parsebytes(bytes(message.data))
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def assert_well_formed(data: bytes) -> None:
    assert data.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", data)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    head = data.split(b"\r\n\r\n")[0]
    assert not [line for line in head.split(b"\r\n") if not line.strip()]


def test_a_plain_mail_looks_like_this() -> None:
    assert bytes(composed(subject="Order 4711").data) == (
        b"Date: Sat, 21 Nov 2026 03:04:05 +0000\r\n"
        b"From: Jane <jane@example.org>\r\n"
        b"To: bob@example.org\r\n"
        b"Subject: Order 4711\r\n"
        b"Message-ID: <zm-4711-1@example.org>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Hello\r\n"
    )


def test_each_attempt_has_the_same_message_id() -> None:
    assert composed().message_id == composed(text="other").message_id == "<zm-4711-1@example.org>"


def test_bcc_is_in_the_envelope_and_nowhere_else() -> None:
    message = composed(cc=mailboxes("carl@example.org"), bcc=mailboxes("eve@example.org, bob@example.org"))
    assert message.recipients == ("bob@example.org", "carl@example.org", "eve@example.org")
    assert b"eve" not in bytes(message.data)
    assert b"bcc" not in bytes(message.data).lower()


def test_a_mail_to_bcc_only_shows_undisclosed_recipients() -> None:
    message = composed(to=(), bcc=mailboxes("eve@example.org"))
    assert parsed(message)["To"] == "undisclosed-recipients:;"
    assert message.recipients == ("eve@example.org",)


def test_text_and_html_are_alternatives_the_richer_last() -> None:
    found = parsed(composed(text="Grüße\n", html="<p>Grüße</p>"))
    assert found.get_content_type() == "multipart/alternative"
    plain, html = found.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (plain.get_content_type(), plain.get_content()) == ("text/plain", "Grüße\r\n")
    assert (html.get_content_type(), html.get_content()) == ("text/html", "<p>Grüße</p>")


def test_html_alone_is_html() -> None:
    found = parsed(composed(text=None, html="<p>x</p>"))
    assert found.get_content_type() == "text/html"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", "7bit"),
        ("plain\n", "7bit"),
        ("x" * 998 + "\n", "7bit"),
        ("x" * 999 + "\n", "quoted-printable"),
        ("nul \0 here\n", "quoted-printable"),
        ("Grüße aus Köln\n", "quoted-printable"),
        ("x" * 5000 + "ä\n", "quoted-printable"),
        ("Привет, мир\n", "base64"),
        ("日本語\n" * 100, "base64"),
    ],
)
def test_a_body_travels_in_the_encoding_that_suits_it(text: str, encoding: str) -> None:
    message = composed(text=text)
    found = parsed(message)
    assert found["Content-Transfer-Encoding"] == encoding
    assert found.get_content().replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")
    assert_well_formed(bytes(message.data))


bodies = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(text=bodies, html=bodies)
def test_every_body_comes_back_as_it_was(text: str, html: str) -> None:
    """But for line ends, which become those of mail."""
    message = composed(text=text, html=html)
    assert_well_formed(bytes(message.data))
    assert message.data.is_ascii
    for part, given_text in zip(parsed(message).iter_parts(), (text, html), strict=True):
        content = part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        assert content.replace("\r\n", "\n") == given_text.replace("\r\n", "\n").replace("\r", "\n")


header_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from(' =?_\t"<>,;:@'), max_size=300
)


def decoded(raw: bytes) -> str:
    """A header's text as another implementation reads it (the older, independent one of the standard library)."""
    name, _, value = raw.decode("ascii").partition(":")
    assert name
    return str(make_header(decode_header(re.sub(r"\r\n(?=[ \t])", "", value[1:].removesuffix("\r\n")))))


@given(header_texts)
def test_every_subject_comes_back_as_it_was(subject: str) -> None:
    raw = unstructured("Subject", subject)
    assert decoded(raw) == subject
    lines = raw.removesuffix(b"\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert all(line.strip() for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:])


@pytest.mark.parametrize(
    "subject",
    [
        "😀" * 300,
        "ä" * 75,
        "a" * 76,
        "a" * 2000,
        "=?utf-8?q?not_really?=",
        "two  spaces",
        " leading",
        "trailing ",
        "x" * 60 + " " * 60 + "y",
        "word " * 60 + "end",
    ],
)
def test_odd_subjects_come_back(subject: str) -> None:
    assert decoded(unstructured("Subject", subject)) == subject
    assert parsed(composed(subject=subject))["Subject"].rstrip() == subject.rstrip()


FOREIGN = st.characters(min_codepoint=0xA1, exclude_categories=["Cs", "Zl", "Zp"])
MOSTLY_PLAIN = st.sampled_from("abcdefghijklmno pqrstuvwxyz=?_" * 2 + "ß日😀")


@given(st.text(FOREIGN, min_size=30, max_size=90) | st.text(MOSTLY_PLAIN, min_size=50, max_size=200))
def test_no_encoded_word_ends_within_a_character(subject: str) -> None:
    """RFC 2047, 5: programs decode word by word, and would show halves."""
    raw = unstructured("Subject", subject).decode("ascii")
    words = re.findall(r"=\?utf-8\?([bq])\?(.*?)\?=", raw)
    for encoding, text in words:
        plain = base64.b64decode(text) if encoding == "b" else quopri.decodestring(text.encode(), header=True)
        plain.decode("utf-8")


@given(st.lists(st.builds(Mailbox, st.sampled_from(["jane", "a b", 'q"q']), st.just("example.org"), header_texts)))
def test_every_address_comes_back_with_its_name(people: list[Mailbox]) -> None:
    people = [Mailbox(one.local, one.domain, one.name.replace("\t", " ").strip()) for one in people]
    raw = address_list("To", people)
    found = BytesParser(policy=email.policy.default).parsebytes(raw + b"\r\n")["To"].addresses
    assert [(one.username, one.domain) for one in found] == [(one.local, one.domain) for one in people]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_names_are_written_as_plainly_as_can_be() -> None:
    people = mailboxes('Jane Doe <j@x.test>, "Doe, Jane" <d@x.test>, Jörg Müller <g@x.test>, <b@x.test>')
    assert address_list("To", people).splitlines() == [
        b'To: Jane Doe <j@x.test>, "Doe, Jane" <d@x.test>,',
        b" =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <g@x.test>, b@x.test",
    ]


def test_many_recipients_are_folded() -> None:
    raw = address_list("To", [Mailbox(f"person{number}", "example.org", "Ein Name") for number in range(200)])
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert len(BytesParser(policy=email.policy.default).parsebytes(raw + b"\r\n")["To"].addresses) == 200


@pytest.mark.parametrize("separator", BREAKS)
@pytest.mark.parametrize("where", ["{}", "x{}Bcc: eve@evil.test", "x{}{}body", "{}x"])
def test_no_separator_gets_into_a_header(separator: str, where: str) -> None:
    value = where.replace("{}", separator)
    for draft in ({"subject": value}, {"headers": (("X-Order", value),)}, {"headers": ((f"X-{value}", "1"),)}):
        with pytest.raises(HeaderError):
            composed(**draft)


@pytest.mark.parametrize("separator", BREAKS)
def test_a_separator_in_a_body_stays_in_the_body(separator: str) -> None:
    message = composed(text=f"x{separator}Bcc: eve@evil.test{separator}{separator}.{separator}MAIL FROM:<x>")
    assert_well_formed(bytes(message.data))
    assert sorted(name.lower() for name in set(parsed(message))) == [
        "auto-submitted",
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "to",
    ]


MALFORMED = ["", "X A", "X:A", "X-A:", "Ä", "X\r\nBcc", "x" * 71]
OURS = ["From", "to", "BCC", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
THEIRS = ["content-anything", "Received", "Return-Path", "DKIM-Signature", "Resent-Bcc", "ARC-Seal"]


@pytest.mark.parametrize("name", [*MALFORMED, *OURS, *THEIRS])
def test_header_names_that_are_ours_or_none_are_refused(name: str) -> None:
    with pytest.raises(HeaderError):
        custom_name(name)


def test_other_headers_are_written() -> None:
    found = parsed(composed(headers=(("X-Order", "4711"), ("X-Ort", "Köln"))))
    assert (found["X-Order"], found["X-Ort"]) == ("4711", "Köln")


def test_an_international_address_makes_the_mail_need_smtputf8() -> None:
    assert not composed(to=mailboxes("bob@bücher.example")).needs_smtputf8
    message = composed(reply_to=mailboxes("jörg@example.org"))
    assert message.needs_smtputf8
    assert "Reply-To: jörg@example.org".encode() in bytes(message.data)


@given(st.binary(max_size=300) | st.text("\r\n.x", max_size=40).map(str.encode))
def test_on_the_wire_all_dots_are_doubled_and_all_line_ends_are_whole(message: bytes) -> None:
    wire = b"".join(wire_form([message]))
    assert wire.endswith(b"\r\n") or not message
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", wire)
    assert not [line for line in wire.split(b"\r\n") if line.startswith(b".") and not line.startswith(b"..")]
    received = b"\r\n".join(line.removeprefix(b".") for line in wire.split(b"\r\n"))
    expected = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    assert received.removesuffix(b"\r\n") == expected.removesuffix(b"\r\n")


LONG_NAMES = [
    "x" * 3000,
    "Jane, " * 300 + "Jane",
    "a, b" * 25,
    "Jane " + "y" * 74,
    "y" * 75,
    '"' * 600,
    "ü" * 2000,
    "=?" * 600,
]


@pytest.mark.parametrize("name", LONG_NAMES, ids=lambda name: name[:8])
def test_a_display_name_of_any_length_comes_back_and_its_lines_are_short(name: str) -> None:
    raw = address_list("To", [Mailbox("jane", "example.org", name)])
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    phrase, address = parseaddr(re.sub(r"\r\n(?= )", "", raw.decode("ascii")).removeprefix("To: "))
    assert (str(make_header(decode_header(phrase))), address) == (name, "jane@example.org")


words = st.sampled_from(["ab", "ab ", 'ab ,"\\(<', "ab =?", "ab ü€", "üab"]).flatmap(
    lambda letters: st.text(letters, min_size=1)
)
names = st.builds(lambda word, times: (word * times).strip(), words, st.sampled_from([1, 5, 100, 1000]))
boxes = st.builds(Mailbox, st.text("abc", min_size=1, max_size=64), st.just("example.org"), names)
custom = st.sampled_from(
    ["Subject", "X-Long-Name-Of-A-Header-That-Somebody-Chose", "References", "Errors-To", "List-Id"]
)


@given(st.lists(boxes, min_size=1, max_size=4), names, names)
def test_no_header_line_is_too_long(people: list[Mailbox], text: str, file: str) -> None:
    """Of 998 octets at most; of 78, unless there is nowhere to break it."""
    attached = Attachment(name=file or "f", content_type="text/plain", data=b"")
    data = bytes(composed(authors=tuple(people), to=tuple(people), subject=text, attachments=(attached,)).data)
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert not [line for line in head if len(line) > 78 and foldable(line)]


def foldable(line: bytes) -> bool:
    """Whether there is a space to break it at: not that of its beginning, and none in a parameter's quotation marks."""
    content = line[1:] if line.startswith(b" ") else line.partition(b": ")[2]
    return b" " in content and not re.match(rb' (file)?name="', line)


@given(custom, names)
def test_no_line_of_a_header_of_the_authors_own_is_too_long(name: str, text: str) -> None:
    try:
        lines = header(name, text).split(b"\r\n")
    except HeaderError:
        return
    assert max(map(len, lines)) <= 998
