"""Twice as much of anything in a header takes twice as long: what reads headers holds up all jobs of the worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from zeebe_mail.message.address import mailbox
from zeebe_mail.message.answer import Answered, Ours, forward_subject, reply_subject
from zeebe_mail.message.compose import Draft
from zeebe_mail.message.finished_draft import DraftError, finished
from zeebe_mail.message.parse import parse_header
from zeebe_mail.message.parsed import Correspondent, ParsedMessage
from zeebe_mail.message.quotation import attribution

SMALL, FACTOR = 1_000, 8
BOUND = 30
"""Linear is 8, quadratic 64. What is done within ``HARMLESS_S`` is not looked at: it is too short to be compared."""
HARMLESS_S = 0.03

PATTERNS = [
    "a", "a ", " ", ":", "a:", "a@:", "a@b:", "a@b ", "a@b,", "@", "@@:", "@ .", ". ", "..", ",", "a,", "a b,",
    ";", ":;", "<", "<a", "<<>", "<a@b>", "<a@b>,", ">", "< ", "<\t", "(", ")", "()", "(a", "\\", '"', '""',
    '"a" ', '"a', "[", "=", "=?", "=?utf-8?q?a?= ", "=?utf-8?q?a?=", "=?utf-8?b?", "=?a?q?", "\xff", "mailto:",
    "<mailto:a", "re:", "re ", "Re[1]", "1 ", "Mon, ", "+0000 ", ";x=", "a <b@c>", "a, <", "a,\\<@", "\r\n a",
    "\r\n ", "x\r\n",
]  # fmt: skip
BEFORE = ["", "a@", '"', "<", "a b "]
AFTER = " @b c"
FIELDS = [
    "From", "To", "Cc", "Subject", "Date", "Received", "Message-ID", "References", "Reply-To", "Delivered-To",
    "List-Post", "Mail-Followup-To", "Auto-Submitted",
]  # fmt: skip
US = Ours([mailbox("me@x.test")])


def _answered(raw: bytes) -> None:
    message = parse_header(raw)
    answered = Answered(message)
    answered.written_to(US)
    for everybody in (False, True):
        answered.recipients(US, everybody=everybody)


def _finished(raw: bytes) -> None:
    one = mailbox("me@x.test")
    with suppress(DraftError):
        finished(raw, addressed=Draft((one,), (one,)), token="t", date=datetime(2026, 3, 9, tzinfo=UTC))


READERS: dict[str, Callable[[bytes], object]] = {"answers": _answered, "drafts": _finished}
"""What reads the most: an answer reads all that a list and a search do."""


def cpu(read: Callable[[], object]) -> float:
    """Seconds of this thread: the machine's other work does not count."""
    begin = time.thread_time()
    read()
    return time.thread_time() - begin


def assert_linear(of_size: Callable[[int], Callable[[], object]], what: str) -> None:
    large = cpu(of_size(SMALL * FACTOR))
    if large > HARMLESS_S:
        small = min(cpu(of_size(SMALL)) for _ in range(3))
        large = min(large, cpu(of_size(SMALL * FACTOR)))
        assert large < small * BOUND or large < HARMLESS_S, f"{what}: {small:.4f} s, then {large:.4f} s"


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("reader", READERS)
def test_nothing_that_is_repeated_in_a_header_takes_long(reader: str, before: str) -> None:
    """In every field that is looked at, all of them together."""
    for pattern in PATTERNS:

        def of_size(size: int, pattern: str = pattern) -> Callable[[], object]:
            value = ((before + pattern * size)[:size] + AFTER).encode("latin-1")
            raw = b"".join(name.encode() + b": " + value + b"\r\n" for name in FIELDS) + b"\r\nx\r\n"
            return lambda: READERS[reader](raw)

        assert_linear(of_size, repr(before + pattern))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_nothing_that_is_repeated_in_a_subject_or_name_takes_long(pattern: str) -> None:
    def of_size(size: int) -> Callable[[], object]:
        text = (pattern * size)[:size]
        message = ParsedMessage(size=1, from_=(Correspondent(text, text),))
        return lambda: (reply_subject(text), forward_subject(text), attribution(message))

    assert_linear(of_size, repr(pattern))


def test_a_draft_with_a_field_of_many_lines_takes_no_longer_for_them() -> None:
    def of_size(size: int) -> Callable[[], object]:
        raw = b"X-Long: x\r\n" + b" y\r\n" * (size * 10) + b"\r\nx\r\n"
        return lambda: _finished(raw)

    assert_linear(of_size, "folded lines")


def test_a_draft_of_long_lines_takes_no_longer_for_them() -> None:
    """Lines as long as they may be, of which each was looked at from each of its characters."""

    def of_length(length: int) -> Callable[[], object]:
        raw = b"To: a@x.test\r\n\r\n" + (b"x" * length + b"\r\n") * (4_000_000 // length)
        return lambda: _finished(raw)

    short, long = (min(cpu(of_length(length)) for _ in range(3)) for length in (10, 990))
    assert long < max(short, 0.05) * 4
