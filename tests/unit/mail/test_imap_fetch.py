"""What FETCH responses mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from zeebe_mail.errors import InputError
from zeebe_mail.mail.imap.connection import ImapViolation, Response
from zeebe_mail.mail.imap.fetch import checked_section
from zeebe_mail.mail.imap.fetched import Fetched, attachments, internal_date, octets
from zeebe_mail.mail.imap.sorting import Foremost, SortBy
from zeebe_mail.mail.imap.syntax import parse

TEXT = '("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 9 1 NIL NIL NIL NIL)'
PDF = '("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 9 NIL ("attachment" ("filename" "a.pdf")) NIL NIL)'
LATER = '("application" "pdf" NIL NIL NIL "base64" 9 NIL ("inline" ("filename*0*" "utf-8\'\'a")) NIL NIL)'
LOGO = '("image" "png" NIL "<logo>" NIL "base64" 9 NIL ("inline" NIL) NIL NIL)'
OLD = '("image" "png" ("NAME" "a.png") NIL NIL "base64" 9)'
UNNAMED = '("application" "pdf" NIL NIL NIL "base64" 9 NIL NIL NIL NIL)'
HTML = '("text" "html" NIL NIL NIL "7bit" 9 1 NIL NIL NIL NIL)'
NAMED_TEXT = '("text" "plain" ("name" "a.txt") NIL NIL "7bit" 9 1 NIL NIL NIL NIL)'
CID_PNG = '("image" "png" ("name" "logo.png") "<l>" NIL "base64" 9 NIL ("inline" ("filename" "logo.png")) NIL NIL)'
ENVELOPE = '(NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL)'
MAIL = f'("message" "rfc822" NIL NIL NIL "7bit" 99 {ENVELOPE} {TEXT} 9 NIL ("attachment" NIL) NIL NIL)'
FORWARDED = f'("message" "rfc822" NIL NIL NIL "7bit" 99 {ENVELOPE} {TEXT} 9 NIL NIL NIL NIL)'


def structure(text: str) -> int | None:
    return attachments(parse(Response(f"* {text}\r\n".encode()))[0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (TEXT, 0),
        (PDF, 1),
        (LOGO, 1),
        (UNNAMED, 1),
        (f'({TEXT}{UNNAMED} "mixed")', 1),
        (f'({TEXT}{NAMED_TEXT} "mixed")', 1),
        (f'({NAMED_TEXT}{TEXT} "mixed")', 0),
        (f'({TEXT}({HTML}{LOGO}{CID_PNG} "related") "alternative")', 0),
        (f'({TEXT}{FORWARDED} "mixed")', 0),
        (f'({TEXT}{OLD.replace(" 9)", " 0)")}{UNNAMED.replace(" 9 ", " 0 ")} "mixed")', 1),
        (OLD, 1),
        (MAIL, 1),
        (f'({TEXT}{PDF} "mixed" ("boundary" "x") NIL NIL NIL)', 1),
        (f'(({TEXT}{LOGO} "related"){PDF}{LATER}{MAIL} "mixed")', 3),
        ('("text" "plain")', 0),
        ("()", 0),
        ('(("x") "mixed")', None),
    ],
)
def test_attachments_are_counted(text: str, count: int | None) -> None:
    assert structure(text) == count


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b"17-Jul-1996 02:44:25 -0700", datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(timedelta(hours=-7)))),
        (b" 7-Jul-1996 02:44:25 +0545", datetime(1996, 7, 7, 2, 44, 25, tzinfo=timezone(timedelta(minutes=345)))),
        (b"7-jul-1996 02:44:25 +0000", datetime(1996, 7, 7, 2, 44, 25, tzinfo=UTC)),
        (b"01-Jan-0001 00:00:00 +0200", datetime(1, 1, 1, tzinfo=UTC)),
        (b"31-Dec-9999 23:00:00 -0200", datetime(9999, 12, 31, 23, tzinfo=UTC)),
        (b"30-Jun-2015 23:59:60 +0000", datetime(2015, 6, 30, 23, 59, 59, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_an_internal_date_keeps_its_zone(text: bytes, moment: datetime) -> None:
    assert internal_date(text) == moment
    assert internal_date(text).utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"yesterday",
        b"31-Feb-2020 10:00:00 +0000",
        b"01-Jan-0000 00:00:00 +0000",
        b"01-Jan-2020 00:00:00 +9999",
    ],
)
def test_what_is_no_date_is_a_violation(text: bytes) -> None:
    with pytest.raises(ImapViolation):
        internal_date(text)


def test_recent_is_no_flag() -> None:
    fetched = Fetched.of(Response(b"* 1 FETCH (FLAGS (\\Recent \\Seen))\r\n"))
    assert fetched is not None
    assert fetched.flags == {"\\Seen"}


@pytest.mark.parametrize("section", ["1", "1.2.3", "10.1"])
def test_numbers_of_parts(section: str) -> None:
    assert checked_section(section) == section.encode()


@pytest.mark.parametrize(
    "section", ["", "0", "1.", ".1", "1..2", "01", "1.TEXT", "1]", "1 2", "1\r\n", "1." * 40 + "1"]
)
def test_what_is_no_number_of_a_part(section: str) -> None:
    with pytest.raises(InputError, match="number of a part"):
        checked_section(section)


# ── sorting without SORT ─────────────────────────────────────────────────────────────────────────────────────────


def dated(uid: int, internal: str, sent: str | None = None) -> Response:
    header = "\r\n" if sent is None else f"Date: {sent}\r\n\r\n"
    line = (
        f'* {uid} FETCH (UID {uid} INTERNALDATE "{internal}" BODY[HEADER.FIELDS (DATE)]<0> {{{len(header)}}}\r\n)\r\n'
    )
    return Response(line.encode(), (header.encode(),))


MESSAGES = [
    dated(1, "02-Jan-2020 10:00:00 +0000", "Thu, 2 Jan 2020 09:00:00 +0000"),
    dated(2, "02-Jan-2020 11:30:00 +0200", "Fri, 3 Jan 2020 00:30:00 +0200"),
    dated(3, "02-Jan-2020 10:00:00 +0000"),
    dated(4, "03-Jan-2020 10:00:00 +0000", "nonsense"),
    dated(5, "01-Jan-2020 10:00:00 +0000", "Thu, 2 Jan 2020\r\n 22:30:01 GMT"),
    Response(b"* 9 FETCH (FLAGS (\\Seen))\r\n"),
]


@pytest.mark.parametrize(
    ("by", "descending", "uids"),
    [
        (SortBy.RECEIVED, True, [4, 3, 1, 2, 5]),
        (SortBy.RECEIVED, False, [5, 2, 1, 3, 4]),
        (SortBy.SENT, True, [4, 5, 2, 3, 1]),
    ],
)
def test_the_foremost_are_kept_in_order(by: SortBy, descending: bool, uids: list[int]) -> None:
    foremost = Foremost(by, 10, descending=descending)
    for message in MESSAGES:
        foremost(message)
    assert foremost.uids == uids
    assert Foremost(by, 10, descending=descending).uids == []


def test_the_foremost_of_many_are_found_though_few_are_kept() -> None:
    foremost = Foremost(SortBy.SIZE, 3, descending=True)
    for uid in range(1, 20_001):
        foremost(Response(b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, uid, (uid * 7919) % 20_011)))
    largest = sorted(range(1, 20_001), key=lambda uid: (uid * 7919) % 20_011, reverse=True)[:3]
    assert foremost.uids == largest


ALTERNATIVE = f'({TEXT}{HTML} "alternative" ("boundary" "c") NIL NIL NIL)'
NESTED = f'("message" "rfc822" NIL NIL NIL "7bit" 99 {ENVELOPE} ({TEXT}{OLD} "mixed") 9 NIL NIL NIL NIL)'


@pytest.mark.parametrize(
    ("text", "section", "size"),
    [
        (TEXT, "1", 9),
        (TEXT, "2", None),
        (f'({TEXT}{MAIL} "mixed")', "2", 99),
        (f'({TEXT}{MAIL} "mixed")', "2.1", 9),
        (f'({TEXT}{NESTED} "mixed")', "2.2", 9),
        (f'({ALTERNATIVE}{PDF} "mixed")', "1.2", 9),
        (f'({ALTERNATIVE}{PDF} "mixed")', "1", None),
        (f'({ALTERNATIVE}{PDF} "mixed")', "3", None),
        ("()", "1", None),
        ('("text")', "1.1", None),
    ],
)
def test_the_size_of_a_part_is_found_by_its_number(text: str, section: str, size: int | None) -> None:
    assert octets(parse(Response(f"* {text}\r\n".encode()))[0], section) == size  # type: ignore[arg-type]
