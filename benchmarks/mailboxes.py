"""Large mailboxes for benchmarks, and how two ways to do the same thing are timed beside each other."""

import contextlib
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.servers.dovecot import FAST, Dovecot

from zeebe_mail.demo.pki import Authority

USER = "user00"
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
BODY = "A line of plain text, as mails have them, with nothing remarkable in it.\r\n" * 20  # about 1.5 kB


def message_id(number: int) -> str:
    """The Message-ID of the message with this number, counted from 0."""
    return f"<{number}.{number * 7919 % 100_003}@bench.test>"


def messages(count: int) -> Iterator[tuple[bytes, datetime]]:
    """So many messages of about 1.9 kB and when they came, one an hour; always the same ones."""
    chance = random.Random(6)
    for number in range(count):
        received = FIRST + timedelta(hours=number)
        sent = received - timedelta(seconds=chance.randrange(100_000))
        source = (
            f"From: Sender {number % 60} <u{number % 60}@x.test>\r\nTo: Reader <{USER}@mail.test>\r\n"
            f"Subject: order {number} of the day\r\nDate: {format_datetime(sent)}\r\n"
            f"Message-ID: {message_id(number)}\r\nReferences: {message_id(number // 2)}\r\n"
            f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{BODY}"
        )
        yield source.encode(), received


@contextlib.contextmanager
def dovecot(authority: Authority, count: int, *, users: int = 1, **settings: object) -> Iterator[Dovecot]:
    """A Dovecot in which each of the first so many accounts has so many messages."""
    with Dovecot(authority, **FAST, **settings) as server:
        for _ in range(users):
            server.fill_mailbox(server.new_account(), messages(count))
        yield server


@dataclass(frozen=True)
class Compared:
    """Medians of two ways, in milliseconds."""

    ours_ms: float
    other_ms: float

    @property
    def ratio(self) -> float:
        return self.ours_ms / self.other_ms

    def __str__(self) -> str:
        return f"{self.ours_ms:7.1f} ms, {self.ratio:5.2f} times {self.other_ms:.1f} ms"


async def compare(ours: Callable[[], Awaitable[object]], other: Callable[[], object], rounds: int) -> Compared:
    """Time both by turns, so that a busy machine is busy for both; the first round of each is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        began = time.perf_counter()
        await ours()
        between = time.perf_counter()
        other()
        times[0].append(between - began)
        times[1].append(time.perf_counter() - between)
    ours_s, other_s = (statistics.median(measured[1:]) for measured in times)
    return Compared(ours_s * 1000, other_s * 1000)
