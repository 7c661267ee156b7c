"""Mail made to hurt: read within limits, with valid JSON, and never an exception."""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.message.hostile import HOSTILE
from zeebe_mail.message import charsets
from zeebe_mail.message.criteria import criterion
from zeebe_mail.message.envelope import Envelope, read_envelope
from zeebe_mail.message.header_fields import read_header
from zeebe_mail.message.matching import Candidate, matches
from zeebe_mail.message.mime_tree import DEPTH_LIMIT, PART_LIMIT, Findings, read_tree
from zeebe_mail.message.parse import parse, parse_header
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.reader import Reader, ReadingLimits

LARGEST_ANSWER = 12_000_000
"""Bytes of JSON: text and HTML of 1,000,000 characters each, some of them escaped, and what else there is."""


def check(message: ParsedMessage) -> bytes:
    """What holds for every message: JSON that anybody reads, and parts that can be taken out."""
    for original_html in (False, True):
        text = json.dumps(message.as_json(original_html=original_html), ensure_ascii=False)
        assert "\\u0000" not in text
        encoded = text.encode()  # fails on halves of characters
    for part in message.parts():
        assert len(message.content(part)) == part.size
    bugs = [error for error in (*message.errors, message.parse_error or "") if ", line " in error]
    assert not bugs
    return encoded


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_mail_is_read_within_the_limits_of_the_child(name: str) -> None:
    """Neither memory nor CPU of the child is used up, and what a process gets stays small."""
    reader = Reader(children=1, limits=ReadingLimits(wall=timedelta(seconds=120)))
    try:
        message = await reader.read(HOSTILE[name]())
    finally:
        await reader.aclose()
    assert "be read." not in (message.parse_error or ""), "the child was killed"
    assert len(check(message)) < LARGEST_ANSWER


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("9,000 encoded words", "A header has more than 32 KB"),
        ("300,000 headers", "The header has more than 256 KB"),
        ("200,000 parts", "more than 1000 parts"),
        ("nested 1,000 deep", "more than 50 levels"),
        ("messages nested 1,000 deep", "more than 50 levels"),
        ("Content-Type of 20 KB semicolons", "A Content-Type has more than 4 KB"),
        ("31 MB", "more than 31457280 are not read"),
    ],
)
def test_what_is_beyond_a_limit_is_said_and_the_rest_is_there(name: str, said: str) -> None:
    raw = HOSTILE[name]()
    message = parse(raw)
    assert said in (message.parse_error or "")
    assert message.raw is raw
    assert message.headers


def test_the_tree_stops_at_its_limits() -> None:
    """Counted, not timed: parts and levels that were opened."""

    def levels(entity: object) -> int:
        return 1 + max(map(levels, entity.children), default=0)  # type: ignore[attr-defined]

    wide = read_tree(HOSTILE["200,000 parts"](), Findings())
    deep = read_tree(HOSTILE["nested 50,000 deep"](), Findings())
    assert len(wide.children) <= PART_LIMIT + 1
    assert levels(deep) <= DEPTH_LIMIT + 1


def test_what_is_too_deep_is_an_attachment() -> None:
    """Nothing is lost: the part that was not opened is there with its bytes."""
    message = parse(HOSTILE["nested 1,000 deep"]())
    assert b"hello" in b"".join(message.content(part) for part in message.parts()) or "hello" in (message.text or "")


TOKENS = [
    *(b"=?", b"?=", b"=?utf-8?q?", b"=?x?b?", b"--", b"\r\n", b"\n", b"\r", b"\0", b'"', b"(", b")", b"<", b">"),
    *(b";", b":", b",", b"@", b"boundary=", b"charset=", b"\xff\xfe", b"Content-Type: multipart/mixed; boundary=a\n"),
    *(b"\n--a\n", b"\n--a--\n", b"message/rfc822", b"name*0*=", b"utf-8''%", b"=\n", b"=3", b" ", b"\t", b"utf-16"),
    *(b"utf-7", b"iso-2022-jp", b"idna", b"rot13", b"zip", b"punycode", b"unicode_escape", b"<meta charset"),
    *(b"\x1b$B", b"\x1b$@", b"\x1b(B", b"\x1b(J", b"\x1b$)C", b"\x0e", b"\x0f", b"~{", b"=?iso-2022-jp?q?=1B$B"),
    *(
        b"BEGIN:VCALENDAR\n",
        b"BEGIN:VEVENT\n",
        b"On a wrote:\n> ",
        b"begin 644 x\n",
        b"Content-Disposition: attachment",
    ),
]
MIXED = (
    b"From: A <a@example.org>\r\n"
    b'To: b@example.org, "C, D" <c@example.org>\r\n'
    b"Subject: =?utf-8?q?f=C3=BCr?= x\r\n"
    b"Date: Mon, 5 Jan 2026 10:00:00 +0100\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="m"\r\n'
    b"\r\n"
    b"--m\r\n"
    b'Content-Type: multipart/alternative; boundary="a"\r\n'
    b"\r\n"
    b"--a\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"\r\n"
    b"f=C3=BCr\r\n"
    b"On Monday B wrote:\r\n"
    b"> hi\r\n"
    b"--a\r\n"
    b"Content-Type: text/html; charset=iso-8859-1\r\n"
    b"\r\n"
    b"<p>f\xfcr <img src='cid:i'>\r\n"
    b"--a--\r\n"
    b"--m\r\n"
    b"Content-Type: image/png\r\n"
    b"Content-ID: <i>\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"iVBO\r\n"
    b"--m\r\n"
    b"Content-Type: application/pdf; name*0*=utf-8''f%C3%BC; name*1=r.pdf\r\n"
    b"Content-Disposition: attachment\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"JVBE\r\n"
    b"--m\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"\r\n"
    b"From: x@example.org\r\n"
    b"\r\n"
    b"nested\r\n"
    b"--m--\r\n"
)
REPORT = (
    b"From: MAILER-DAEMON@example.org\n"
    b"Return-Path: <>\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=r\n"
    b"\n"
    b"--r\n"
    b"\n"
    b"sorry\n"
    b"--r\n"
    b"Content-Type: message/delivery-status\n"
    b"\n"
    b"Reporting-MTA: dns; x\n"
    b"\n"
    b"Final-Recipient: rfc822; b@example.org\n"
    b"Action: failed\n"
    b"Status: 5.1.1\n"
    b"--r\n"
    b"Content-Type: text/rfc822-headers\n"
    b"\n"
    b"Message-ID: <1@example.org>\n"
    b"--r--\n"
)
REPLY = (
    b"From: a@example.org\n"
    b"Content-Type: text/calendar; method=REPLY; charset=utf-8\n"
    b"\n"
    b"BEGIN:VCALENDAR\n"
    b"METHOD:REPLY\n"
    b"BEGIN:VEVENT\n"
    b"UID:1\n"
    b"DTSTART:20260105T100000Z\n"
    b"ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@example.org\n"
    b"END:VEVENT\n"
    b"END:VCALENDAR\n"
)
UUENCODED = b"From: a@example.org\nSubject: x\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#0V%T\n`\nend\n"
SEEDS = [MIXED, REPORT, REPLY, UUENCODED]


def mutate(seed: bytes, random: Random) -> bytes:
    """A message damaged somewhere: bytes flipped, cut out, doubled, or something put in that means something."""
    data = bytearray(seed)
    damages: list[Callable[[int], None]] = [
        lambda at: data.__setitem__(slice(at, at + 1), bytes([random.randrange(256)])),
        lambda at: data.__delitem__(slice(at, at + random.choice([1, 2, 10, 100]))),
        lambda at: data.__setitem__(slice(at, at), random.choice(TOKENS) * random.choice([1, 1, 2, 40])),
        lambda at: data.__setitem__(slice(at, at), data[random.randrange(len(data)) :][: random.choice([10, 200])]),
        lambda at: data.__setitem__(slice(at, at + 8), random.choice(TOKENS)),
    ]
    for _ in range(random.choice([1, 2, 5, 20])):
        if data:
            random.choice(damages)(random.randrange(len(data)))
    return bytes(data[: random.randrange(len(data) + 1)] if random.random() < 0.1 else data)


@given(seed=st.sampled_from(SEEDS), random=st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_mail_is_read(seed: bytes, random: Random) -> None:
    check(parse(mutate(seed, random)))


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=20)), max_size=60).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_anything_is_read(raw: bytes) -> None:
    check(parse(raw))
    check(parse_header(raw))


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=20)), max_size=60).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_a_list_shows_of_a_header_what_reading_it_gives(raw: bytes) -> None:
    envelope, header = read_envelope(raw), parse_header(raw)
    for one in fields(Envelope):
        assert getattr(envelope, one.name) == getattr(header, one.name), one.name


SHIFTED = st.lists(
    st.one_of(st.sampled_from([b"\x1b$B", b"\x1b$@", b"\x1b(B", b"\x1b(J", b"$", b" ", b"\x80"]), st.binary(max_size=3))
)


@example(b"\x1b$B0! \x80", "iso-2022-jp")
@given(SHIFTED.map(b"".join), st.sampled_from([None, "iso-2022-jp", "cp50221", "iso-2022-jp-2", "iso-2022-jp-2004"]))
@settings(max_examples=500, deadline=None)
def test_a_header_of_shifted_bytes_spoils_no_search(data: bytes, label: str | None) -> None:
    """Whoever writes one mail must not make that all others of the mailbox are not found."""
    assert charsets.decode(data, label).problem != "The text could not be decoded."
    value = b"=?%s?b?%s?=" % (label.encode(), b64encode(data)) if label else data
    block = b"".join(b"%s: %s\r\n" % (name, value) for name in (b"Subject", b"From", b"Date", b"Message-ID"))
    header = read_header(block, 0, len(block))
    for asked in ({"subject": "nobody's"}, {"from": "a@b.test", "match": "exact"}, {"sentOn": "2026-01-01"}):
        assert not matches(criterion(asked), Candidate(header=header))
    assert "could not be read" not in (parse_header(block).parse_error or "")


@given(charset=st.one_of(st.text(max_size=20), st.sampled_from(["rot13", "idna", "zip", "hex", "undefined", "mbcs"])))
@settings(max_examples=100, deadline=None)
def test_any_charset_is_read(charset: str) -> None:
    name = charset.encode("utf-8", "replace")
    raw = b"Subject: =?" + name + b'?q?=E4=00=D8?=\nContent-Type: text/plain; charset="' + name + b'"\n\nab\xe4\xff\0'
    check(parse(raw))


@pytest.mark.parametrize("cut", range(0, len(MIXED), 37))
def test_a_message_cut_anywhere_is_read(cut: int) -> None:
    check(parse(MIXED[:cut]))
