"""Messages made to hurt a parser: what docs and incidents tell of, each as bytes by a name."""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Callable

_TOP = b"From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"


def _plain(body: bytes, parameters: bytes = b"") -> bytes:
    return _TOP + b"Content-Type: text/plain" + parameters + b"\r\n\r\n" + body


def _html(body: bytes) -> bytes:
    return _TOP + b"Content-Type: text/html\r\n\r\n" + body


def _encoded(encoding: bytes, body: bytes) -> bytes:
    return _TOP + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body


def _nested_multiparts(depth: int) -> bytes:
    levels = (b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(depth))
    return b"From: a@example.org\n" + b"".join(levels) + b"Content-Type: text/plain\n\nhello\n"


def _nested_messages(depth: int, text: bytes) -> bytes:
    return b"From: a@example.org\nContent-Type: message/rfc822\n\n" * depth + b"From: b@example.org\n\n" + text


def _encoded_messages(depth: int) -> bytes:
    message = b"From: a@example.org\n\nhello\n"
    for _ in range(depth):
        head = b"From: a@example.org\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        message = head + encodebytes(message)
    return message


def _calendar(lines: bytes) -> bytes:
    return _TOP + b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n" + lines


def _report(status: bytes) -> bytes:
    head = b"From: mailer-daemon@example.org\nContent-Type: multipart/report; boundary=a\n\n--a\n"
    return head + b"Content-Type: message/delivery-status\n\n" + status


HOSTILE: dict[str, Callable[[], bytes]] = {
    "9,000 encoded words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 9000 + b"\n\nx",
    "16,000 encoded words, folded": lambda: b"Subject:" + b" =?utf-8?q?a?=\n" * 16000 + b"\nx",
    "beginnings of encoded words": lambda: b"Subject: " + b"=?a?q?" * 5000 + b"?=\n\nx",
    "Content-Type of 20 KB semicolons": lambda: b"Content-Type: text/plain" + b";" * 20000 + b"\n\nx",
    "1,000 parameters": lambda: b"Content-Type: text/plain" + b";a=b" * 1000 + b"\n\nx",
    "400 continuations": lambda: (
        b"Content-Type: text/plain" + b"".join(b";n*%d*=%%41" % n for n in range(400)) + b"\n\n"
    ),
    "quotation marks in a file name": lambda: b"Content-Disposition: attachment; filename=" + b'"' * 4000 + b"\n\n",
    "To of 40 KB commas": lambda: b"To: " + b"," * 40000 + b"\n\nx",
    "To of 40,000 addresses": lambda: b"To: " + b"aaaaaaaa@example.org,\n " * 40000 + b"\n\nx",
    "200 parentheses": lambda: b"To: " + b"(" * 200 + b"\n\nx",
    "32 KB of parentheses": lambda: b"To: " + b"(" * 32000 + b"\n\nx",
    "32 KB of quotation marks": lambda: b"To: " + b'"' * 32001 + b"\n\nx",
    "32 KB of angle brackets": lambda: b"To: " + b"<" * 32000 + b"\n\nx",
    "angle brackets and quotation marks": lambda: b"To: " + b'<"' * 16000 + b"\n\nx",
    "Subject of 4 MB, one word": lambda: b"Subject: " + b"x" * 4_000_000 + b"\n\nx",
    "Subject of 400 KB, short words": lambda: b"Subject: " + b"x " * 200_000 + b"\n\nx",
    "References of 480 KB": lambda: b"References: " + b"<aaaaaaaaaaaa@b>\n " * 25000 + b"\n\nx",
    "300,000 headers": lambda: b"X-A: b\n" * 300_000 + b"\nx",
    "300,000 lines that are no header": lambda: b"Subject: x\n" + b"junk\n" * 300_000,
    "MIME-Version of 10,000 digits": lambda: b"MIME-Version: " + b"1" * 10_000 + b"\n\nx",
    "Date of 10,000 digits": lambda: b"Date: " + b"1" * 10_000 + b"\n\nx",
    "Authentication-Results of parentheses": lambda: (
        b"Authentication-Results: " + b"(" * 16000 + b")" * 16000 + b"\n\n"
    ),
    "200,000 parts": lambda: b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 200_000,
    "boundaries inside a line": lambda: b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a" * 5_000_000,
    "1,000 HTML alternatives": lambda: (
        b"Content-Type: multipart/alternative; boundary=a\n\n"
        + b"".join(b"--a\nContent-Type: text/html\n\n<p>%d" % n + b"x" * 9000 + b"\n" for n in range(1000))
    ),
    "nested 1,000 deep": lambda: _nested_multiparts(1000),
    "nested 50,000 deep": lambda: _nested_multiparts(50_000),
    "messages nested 1,000 deep": lambda: _nested_messages(1000, b"hello\n"),
    "1 MB of text 49 messages deep": lambda: _nested_messages(49, b"hello world\n" * 90_000),
    "encoded messages nested": lambda: _encoded_messages(12),
    "text of 29 MB in one line": lambda: _plain(b"a" * 29_000_000),
    "text of 29 MB of empty lines": lambda: _plain(b"\n" * 29_000_000),
    "lines ended by CR": lambda: _plain(b"x\r" * 5_000_000).replace(b"\n", b""),
    "flowed lines": lambda: _plain(b"> a \n" * 700_000, b"; format=flowed"),
    "histories with answers between": lambda: _plain(b"On a\nb\nwrote:\n> x\n\nz\n" * 40_000),
    "lines like a history": lambda: _plain((b"am " + b"schrieb " * 45 + b":\n") * 2700),
    "signatures": lambda: _plain(b"--\n" * 300_000),
    "shifts of ISO-2022-JP": lambda: _plain(b"\x1b$B\x1b(B" * 700_000, b"; charset=iso-2022-jp"),
    "shifts of UTF-7": lambda: _plain(b"+AGE-" * 800_000, b"; charset=utf-7"),
    "base64 of padding": lambda: _encoded(b"base64", b"A=" * 14_000_000),
    "base64 text of empty lines": lambda: (
        _TOP + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"\n\naaaa" * 4_500_000
    ),
    "uuencode of short lines": lambda: _encoded(b"x-uuencode", b"begin 644 x\n" + b"M\n" * 14_000_000),
    "quoted-printable of equals signs": lambda: _encoded(b"quoted-printable", b"= " * 14_000_000),
    "HTML, 1,000,000 open divs": lambda: _html(b"<div>" * 1_000_000),
    "HTML, formats to reopen": lambda: _html(b"".join(b"<b id=%d>" % n for n in range(3000)) + b"<p>" * 3000),
    "HTML, 300,000 links": lambda: _html(b"<a>" * 300_000),
    "HTML, tables in fonts": lambda: _html(b"<font><table>" * 50_000),
    "HTML, foreign content": lambda: _html(b"<svg><math>" * 100_000),
    "HTML, 100,000 attributes": lambda: _html(b"<a " + b"".join(b"x%d=1 " % n for n in range(100_000)) + b">"),
    "HTML, less-than signs": lambda: _html(b"<" * 4_000_000),
    "HTML, entities": lambda: _html(b"&lt;" * 1_000_000),
    "HTML, 200,000 quotes": lambda: _html(b"<blockquote>x" * 200_000),
    "HTML, comments": lambda: _html(b"<!--" * 500_000),
    "HTML, scripts": lambda: _html(b"<script>" * 300_000),
    "HTML, styles": lambda: _html(b"<p style='width:calc(1px);color:red'>x</p>" * 50_000),
    "HTML, a charset that panics html5ever": lambda: _html(
        b"<meta http-equiv=Content-Type content='text/html charset'>x"
    ),
    "calendar, open events": lambda: _calendar(b"BEGIN:VEVENT\n" * 20_000),
    "calendar, 9,000 attendees": lambda: _calendar(
        b"BEGIN:VEVENT\n" + b"ATTENDEE;CN=a:mailto:a@b.c\n" * 9000 + b"END:VEVENT\nEND:VCALENDAR\n"
    ),
    "calendar, a long zone": lambda: _calendar(
        b"BEGIN:VEVENT\nDTSTART;TZID=" + b"a" * 200_000 + b":20200101T000000\nEND:VEVENT\nEND:VCALENDAR\n"
    ),
    "report on 200,000 recipients": lambda: _report(b"\n\nFinal-Recipient: rfc822;x@y\nStatus: 5.1.1\n" * 200_000),
    "bounce of one long word": lambda: b"From: mailer-daemon@b.c\n\nundeliverable " + b"a@" + b"a-" * 32_500,
    "31 MB": lambda: _plain(b"a" * 31 * 1024 * 1024),
}
