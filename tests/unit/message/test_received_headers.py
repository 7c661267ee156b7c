"""What is read from single headers: words, addresses, dates, verdicts, and whether a program wrote."""

from datetime import UTC, datetime

import pytest

from zeebe_mail.message.address_list import read_addresses
from zeebe_mail.message.auth_results import read_authentication_results
from zeebe_mail.message.auto_reply import auto_reply_reason
from zeebe_mail.message.dates import read_date, read_received
from zeebe_mail.message.encoded_words import header_text
from zeebe_mail.message.file_name import safe_filename
from zeebe_mail.message.header_fields import read_header


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?f=C3=BCr?=", "für"),
        (b"=?UTF-8?B?ZsO8cg==?=", "für"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?=\r\n =?iso-8859-1?q?=FC?=", "aü"),
        (b"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        (b"=?utf-8?q?a_b?=", "a b"),
        (b"=?utf-8?B?w6Q?= =?utf-8?B?w7w?=", "äü"),
        (b"=?utf-8?b?w?= =?utf-8?b?6Q=?=", "é"),
        (b"=?utf-8?q?f=C3?= =?utf-8?q?=BCr?=", "für"),
        (b"=?utf-8?q?with blank=21?=", "with blank!"),
        (b"x=?utf-8?q?=C3=BC?=y", "xüy"),
        (b"=?utf-8*de?q?f=C3=BCr?=", "für"),
        (b"=?x-unknown?q?f=C3=BCr?=", "für"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?utf-8?q?cut", "cut"),
        (b"=?utf-8?q?a=?utf-8?q?b?=", "=?utf-8?q?ab"),
        (b"=?iso-8859-1?q?f\xfcr_=FC?=", "für ü"),
        (b"=?iso-8859-1?q?f\xc3\xbcr?=", "für"),
        (b"=?utf-8?q?f\xfcr_=C3=BC?=", "für ü"),
        (b"f\xc3\xbcr", "für"),
        (b"f\xfcr", "für"),
        (b"\x1b$B4A;z\x1b(B", "漢字"),
        (b"=?iso-2022-jp?B?GyRCNEE7ehsoQg==?=", "漢字"),
        (b"a\r\n b\r\n\tc", "a b c"),
        (b"=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        (b"a\0b", "a\ufffdb"),
        (b"=?utf-8?q??=", ""),
        (b"2 =? 3 ?= 4", "2 =? 3 ?= 4"),
    ],
)
def test_a_header_is_read_as_a_person_would(value: bytes, text: str) -> None:
    assert header_text(value) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", []),
        (b"a@example.org", [(None, "a@example.org")]),
        (b"<a@example.org>", [(None, "a@example.org")]),
        (b"A B <a@example.org>", [("A B", "a@example.org")]),
        (b'"B, A" <a@example.org>, c@example.org', [("B, A", "a@example.org"), (None, "c@example.org")]),
        (b'"A \\"x\\" B" <a@example.org>', [('A "x" B', "a@example.org")]),
        (b"a@example.org (A B)", [("A B", "a@example.org")]),
        (b"a@example.org; b@example.org", [(None, "a@example.org"), (None, "b@example.org")]),
        (b"undisclosed-recipients:;", []),
        (b"team: a@example.org, B <b@example.org>;", [(None, "a@example.org"), ("B", "b@example.org")]),
        (b"=?utf-8?q?J=C3=B6rg?= <a@example.org>", [("Jörg", "a@example.org")]),
        (b'"=?utf-8?q?J=C3=B6rg?=" <a@example.org>', [("Jörg", "a@example.org")]),
        (b"=?utf-8?q?Doe,_J?= <a@example.org>", [("Doe, J", "a@example.org")]),
        (b"J\xc3\xb6rg <a@example.org>", [("Jörg", "a@example.org")]),
        ("jörg@exämple.org".encode(), [(None, "jörg@exämple.org")]),
        (b"<@a.example,@b.example:c@example.org>", [(None, "c@example.org")]),
        (b"a@example.org, , b@example.org,", [(None, "a@example.org"), (None, "b@example.org")]),
        (b"a @ example . org", [(None, "a@example.org")]),
        (b"MAILER-DAEMON", [(None, "MAILER-DAEMON")]),
        (b"Mail Delivery System", [("Mail Delivery System", "")]),
        (b"<>", []),
        (b'"a b"@example.org', [(None, '"a b"@example.org')]),
        (b"'a@example.org' <a@example.org>", [(None, "a@example.org")]),
        (b'"evil@bank.example" <a@example.org>', [("evil@bank.example", "a@example.org")]),
        (b"A <a@example.org> B <b@example.org>", [("A B", "a@example.org"), (None, "b@example.org")]),
        (b"A <a@example.org", [("A", "a@example.org")]),
        (b"mailto:a@example.org", [(None, "a@example.org")]),
        (b"Doe, Jane <a@example.org>, c@example.org", [("Doe, Jane", "a@example.org"), (None, "c@example.org")]),
        (b"Team North, Doe, Jane <a@example.org>", [("Team North, Doe, Jane", "a@example.org")]),
        (b"a@example.org, Jane <b@example.org>", [(None, "a@example.org"), ("Jane", "b@example.org")]),
        (b"root, operator", [(None, "root"), (None, "operator")]),
        (b"a@example.org\r\n ,b@example.org", [(None, "a@example.org"), (None, "b@example.org")]),
        (b"=?utf-8?q?a=40evil=2Eexample=2C?= <b@example.org>", [("a@evil.example,", "b@example.org")]),
    ],
)
def test_addresses_are_read_as_they_are_written(value: bytes, expected: list[tuple[str | None, str]]) -> None:
    assert [(one.name, one.address) for one in read_addresses(value)] == expected


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Mon, 05 Jan 2026 10:00:00 +0100", (2026, 1, 5, 9, 0, 0)),
        ("5 Jan 2026 10:00 +0100 (CET)", (2026, 1, 5, 9, 0, 0)),
        ("Mon, 5 Jan 26 10:00:00 GMT", (2026, 1, 5, 10, 0, 0)),
        ("Mon, 5 Jan 2026 10:00:00 EST", (2026, 1, 5, 15, 0, 0)),
        ("Mon, 5 Jan 2026 10:00:00", (2026, 1, 5, 10, 0, 0)),
        ("Mon, 5 Jan 2026 10:00:00 GMT+0100", (2026, 1, 5, 9, 0, 0)),
        ("Mon, 5 Jan 2026 10:00:00.123 +0000", (2026, 1, 5, 10, 0, 0)),
        ("Mon Jan  5 10:00:00 2026", (2026, 1, 5, 10, 0, 0)),
        ("2026-01-05T10:00:00+01:00", (2026, 1, 5, 9, 0, 0)),
        ("Mon, 5 Jan 2026 23:59:60 +0000", (2026, 1, 5, 23, 59, 59)),
        ("Mon 05 Jan 2026 10:00:00 PM EST", (2026, 1, 6, 3, 0, 0)),
        ("Mon, 5 Jan 2026 12:30 am", (2026, 1, 5, 0, 30, 0)),
        ("Mon, 5 Jan 2026 10:00:00 +01:00", (2026, 1, 5, 9, 0, 0)),
        ("Mon, 6 Jul 2026 10:00:00 MESZ", (2026, 7, 6, 8, 0, 0)),
        ("Mon, 5 Jan 2026 10:00:00 JST", (2026, 1, 5, 1, 0, 0)),
        ("Mon Jul  6 10:00:00 CEST 2026", (2026, 7, 6, 8, 0, 0)),
    ],
)
def test_dates_are_read_in_utc(text: str, moment: tuple[int, ...]) -> None:
    assert read_date(text) == datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Mon, 32 Jan 2026 10:00:00 +0000",
        "1" * 10_000,
        "0001-01-01T00:00:00+23:00",
        "5 Jan 99999 1:1 +0",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None


def test_the_time_of_a_hop_is_after_the_last_semicolon() -> None:
    found = read_received("from a (b; c) by d; Mon, 5 Jan 2026 10:00:00 +0100 (CET)")
    assert found == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def test_the_topmost_verdicts_are_read() -> None:
    topmost = (
        b"mx.example.org 1;\r\n dkim=pass (2048 bits; x) header.d=example.com header.i=@example.com;\r\n"
        b' spf=fail reason="not; listed" smtp.mailfrom=a@example.com; dmarc=none policy.dmarc = reject'
    )
    found = read_authentication_results([topmost, b"evil.example; dkim=pass"])
    assert found is not None
    assert found.authserv_id == "mx.example.org"
    assert [(one.method, one.result, one.reason, one.properties) for one in found.results] == [
        ("dkim", "pass", None, {"header.d": "example.com", "header.i": "@example.com"}),
        ("spf", "fail", "not; listed", {"smtp.mailfrom": "a@example.com"}),
        ("dmarc", "none", None, {"policy.dmarc": "reject"}),
    ]


def test_verdicts_without_a_name_are_those_of_microsoft() -> None:
    found = read_authentication_results(
        [
            (
                b"spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=example.org; dkim=none (message not signed)\r\n"
                b" header.d=none;dmarc=bestguesspass action=none header.from=example.org;compauth=pass reason=109"
            )
        ]
    )
    assert found is not None
    assert found.authserv_id == ""
    assert [(one.method, one.result) for one in found.results] == [
        ("spf", "pass"),
        ("dkim", "none"),
        ("dmarc", "bestguesspass"),
        ("compauth", "pass"),
    ]
    assert found.results[0].properties == {"smtp.mailfrom": "example.org"}


@pytest.mark.parametrize("values", [[], [b""], [b";;;"]])
def test_verdicts_of_nobody_are_none(values: list[bytes]) -> None:
    assert read_authentication_results(values) is None


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"Auto-Submitted: auto-replied; x", "Auto-Submitted: auto-replied"),
        (b"Auto-Submitted: no", None),
        (b"X-Auto-Response-Suppress: OOF, DR", "X-Auto-Response-Suppress: oof, dr"),
        (b"X-Auto-Response-Suppress: DR", None),
        (b"Precedence: auto_reply", "Precedence: auto_reply"),
        (b"Precedence: bulk", "Precedence: bulk"),
        (b"Precedence: list", None),
        (b"X-Autoreply: yes", "X-Autoreply"),
        (b"X-Autoreply: no", None),
        (b"Return-Path: <>", "Return-Path: <>"),
        (b"Return-Path: <a@example.org>", None),
        (b"Subject: Out of office", None),
    ],
)
def test_a_program_is_known_by_its_headers(header: bytes, reason: str | None) -> None:
    raw = header + b"\n\n"
    assert auto_reply_reason(read_header(raw, 0, len(raw))) == reason


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        (None, None),
        ("", None),
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\a\\b.txt", "b.txt"),
        ("a/", "a"),
        ("..", None),
        (" . ", None),
        ("a\r\nb.txt", "a_b.txt"),
        ("a\0b", "a_b"),
        ("a\u202etxt.exe", "a_txt.exe"),
        ("CON", "_CON"),
        ("com1.txt", "_com1.txt"),
        ("console", "console"),
        ('a:b|c?d*e<f>g"h', "a_b_c_d_e_f_g_h"),
        ("u\u0308.txt", "ü.txt"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("x" * 300, "x" * 150),
        ("\ud800.txt", "_.txt"),
    ],
)
def test_file_names_are_safe(name: str | None, safe: str | None) -> None:
    assert safe_filename(name) == safe
    assert safe_filename(safe) == safe
