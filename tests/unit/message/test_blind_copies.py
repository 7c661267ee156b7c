"""Bcc of a mail that is passed on: gone from its header, and nothing else is."""

from __future__ import annotations

import pytest

from zeebe_mail.message.blind_copies import without_blind_copies
from zeebe_mail.message.parse import parse

MAIL = "{}From: a@x.test\n{}To: b@x.test\n{}\nBcc: of the text\n"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize(
    "hidden",
    ["Bcc: e@x.test\n", "BCC : e@x.test,\n\tf@x.test\n", "Resent-Bcc: e@x.test\n \n", "Bcc:\n", "bcc: e@x.test\n" * 3],
)
@pytest.mark.parametrize("place", range(3))
def test_only_the_lines_of_the_field_go(end: str, hidden: str, place: int) -> None:
    lines = [""] * 3
    lines[place] = hidden
    mail, without = (text.replace("\n", end).encode() for text in (MAIL.format(*lines), MAIL.format("", "", "")))
    assert without_blind_copies(mail) == without


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"Bcc",
        b"X-Bcc: e@x.test\r\n\r\n",
        b"Subject: a\r\n Bcc: b\r\n\r\n",
        b"Subject: x\r\n\r\nBcc: e\r\n",
    ],
)
def test_what_is_no_such_field_stays(mail: bytes) -> None:
    assert without_blind_copies(mail) == mail


@pytest.mark.parametrize(
    "mail",
    [
        b" Bcc: e@x.test\r\nTo: a\r\n\r\n",
        b"\xef\xbb\xbfBcc: e@x.test\r\nTo: a\r\n\r\n",
        b"\r\n\r\nBcc: e@x.test\r\nTo: a\r\n\r\n",
        b"From x@y Mon\nBcc: e@x.test\n\n",
        b"To: a\n   \nBcc: e@x.test\nTo: b\n\n",
    ],
)
def test_what_a_lenient_reader_finds_is_gone_too(mail: bytes) -> None:
    assert parse(mail).bcc
    assert not parse(without_blind_copies(mail)).bcc


@pytest.mark.parametrize(
    "mail",
    [
        b"From: a\r\n \r\nFoo: q\r\nBcc: e@x.test\r\n\r\ntext",
        b"From: a\r\nBcc: e@x.test\r\n \r\n e@x.test\r\nFoo: q\r\n\r\ntext",
        b"From: a\r\nno header\r\nBcc: e@x.test\r\n\r\ntext",
    ],
)
def test_what_a_strict_reader_finds_is_gone_too(mail: bytes) -> None:
    """Its header ends at the empty line, and not at one of blanks."""
    assert b"e@x.test" not in without_blind_copies(mail)
    assert without_blind_copies(mail).endswith(b"\r\n\r\ntext")
