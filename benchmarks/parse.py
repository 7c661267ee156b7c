"""Reading mail: the parser, its child process, the standard library's parser, and what hostile mail costs.

PYTHONPATH=worker python -m benchmarks.parse
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from statistics import median

import psutil
from tests.unit.message.hostile import HOSTILE

from zeebe_mail.message.parse import parse
from zeebe_mail.message.reader import Reader

LINE = b"The order 4711 has left our house and will be with you on Tuesday.\r\n"
HEAD = (
    b"Received: from a.example.org by b.example.org with ESMTPS; Mon, 5 Jan 2026 10:00:01 +0100\r\n" * 4
    + b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\nTo: Jane <jane@example.org>, bob@example.org\r\n"
    + b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Mon, 5 Jan 2026 10:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n"
)
PDF = HEAD + b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
ORDINARY = {
    "1 KB text": HEAD + b"\r\n" + LINE * 10,
    "text and HTML, 10 KB": (
        HEAD
        + b"Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\n"
        + LINE * 50
        + b"--a\r\nContent-Type: text/html\r\n\r\n"
        + (b"<p style='color:red'>" + LINE + b"</p>") * 60
        + b"--a--\r\n"
    ),
    "1 MB attachment": PDF + (b"QUJD" * 19 + b"\r\n") * 13_500,
    "20 MB attachment": PDF + (b"QUJD" * 19 + b"\r\n") * 350_000,
}


def timed(work: Callable[[], object], times: int) -> float:
    """Milliseconds that the work takes, the median of so many."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return median(taken)


def library(raw: bytes) -> None:
    """What the standard library would do for about the same."""
    message = message_from_bytes(raw, policy=policy.default)
    list(message.items())
    for part in message.walk():
        part.get_content_type()
        if not part.is_multipart():
            part.get_payload(decode=True)


async def main() -> None:
    started = time.perf_counter()
    reader = Reader(children=1)
    await reader.read(b"x")
    print(f"first message with a new child: {1000 * (time.perf_counter() - started):.0f} ms")
    print(f"{'':24}{'parse':>9}{'child':>9}{'email':>9}   ms")
    for name, raw in ORDINARY.items():
        times = 200 if len(raw) < 100_000 else 7
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            await reader.read(raw)
            taken.append(1000 * (time.perf_counter() - began))
        ours, theirs = timed(lambda raw=raw: parse(raw), times), timed(lambda raw=raw: library(raw), times)
        print(f"{name:24}{ours:9.2f}{median(taken):9.2f}{theirs:9.2f}")
    await reader.aclose()
    print(f"\n{'hostile':42}{'MB':>7}{'ms':>9}{'peak MB':>9}")
    for name, make in HOSTILE.items():
        await hostile(name, make())


async def hostile(name: str, raw: bytes) -> None:
    """One message in a child of its own, whose memory is then its."""
    reader = Reader(children=1)
    await reader.read(b"x")
    child = psutil.Process().children()[-1]
    started = time.perf_counter()
    message = await reader.read(raw)
    taken = 1000 * (time.perf_counter() - started)
    peak = _peak(child.pid) if child.is_running() else 0
    await reader.aclose()
    killed = " killed" if "be read." in (message.parse_error or "") else ""
    print(f"{name:42}{len(raw) / 1e6:7.2f}{taken:9.0f}{peak / 1e6:9.0f}{killed}")


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    asyncio.run(main())
