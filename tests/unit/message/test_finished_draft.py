"""What is judged of a draft is what is sent of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from zeebe_mail.message.address import mailbox
from zeebe_mail.message.compose import Draft, Message
from zeebe_mail.message.finished_draft import DraftError, finished

US = mailbox("me@ok.test")


def sent(raw: bytes) -> Message:
    return finished(raw, addressed=Draft((US,), (US,)), token="t", date=datetime(2026, 3, 9, tzinfo=UTC))


@pytest.mark.parametrize(
    "hidden",
    [
        b" \r\nErrors-To: y@evil.test\r\nFrom: x@evil.test\r\n",
        b" \r\nPriority: urgent\r\nSender: x@evil.test\r\n",
        b"\t\r\nDisposition-Notification-To: x@evil.test\r\n",
        b"X-A: b\rFrom: x@evil.test\r\n",
        b"X-A: b\rSender: x@evil.test\r\n",
        b"X-A: " + b"b" * 200 + b"\r\n" + b"X-B: b\r\n" * 40_000 + b"Sender: x@evil.test\r\n",
        b"From: x@evil.test\r\n",
    ],
)
def test_a_header_that_readers_see_differently_is_not_sent(hidden: bytes) -> None:
    with pytest.raises(DraftError, match=r"more than one"):
        sent(b"From: me@ok.test\r\nTo: me@ok.test\r\n" + hidden + b"\r\nHello\r\n")


@pytest.mark.parametrize(
    "more",
    [b"", b"Subject: a\r\n \tb\r\n", b"Subject: a\r\n \r\nX-B: c\r\n", b"x-b : c\r\n", b"To: me@ok.test\r\n"],
)
def test_a_header_that_all_read_alike_is_sent(more: bytes) -> None:
    message = sent(b"From: me@ok.test\r\n" + more + b"\r\nHello\r\n")
    assert more in bytes(message.data)
    assert bytes(message.data).endswith(b"\r\n\r\nHello\r\n")
