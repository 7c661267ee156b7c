"""Composing a mail: ours against the standard library's `email`, in one run. What a large attachment costs.

PYTHONPATH=worker python -m benchmarks.compose
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib
from pydantic import SecretStr

from benchmarks.rig import sink
from zeebe_mail.auth.models import PasswordAuth
from zeebe_mail.mail.server import Security, SmtpServer, TlsOptions
from zeebe_mail.mail.smtp import Outgoing, SmtpConnector
from zeebe_mail.mail.tls import TlsPolicy, context
from zeebe_mail.message.address import mailboxes
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.content import Attachment

NOW = datetime.now(UTC)
LINE = "The order 4711 has left our house and will be with you on Tuesday.\n"
BODIES = {
    "1 kB ASCII text": (LINE * 15, None),
    "1 kB German text": (LINE.replace("house", "Häuschen über Köln") * 13, None),
    "text and HTML, 2 kB": (LINE * 15, "<p>" + LINE.replace("order", "Bestellung für Sie") * 15 + "</p>"),
    "100 kB German text": (LINE.replace("house", "Häuschen über Köln") * 1300, None),
}
FROM, TO = "Jörg Müller <joerg@example.org>", '"Doe, Jane" <jane@example.org>, bob@example.org'
SUBJECT = "Ihre Bestellung 4711 ist unterwegs – Grüße aus Köln"


def message(text: str, html: str | None, file: bytes | None = None) -> Message:
    """From the process's strings to the message, addresses parsed as for a job."""
    files = () if file is None else (Attachment("Bericht für März.pdf", "application/pdf", file),)
    draft = Draft(authors=mailboxes(FROM), to=mailboxes(TO), subject=SUBJECT, text=text, html=html, attachments=files)
    return compose(draft, token="4711", date=NOW)


def ours(text: str, html: str | None) -> bytes:
    """All of its bytes."""
    return bytes(message(text, html).data)


def library(text: str, html: str | None, file: bytes | None = None) -> bytes:
    """The same with `EmailMessage`, policy SMTP."""
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(NOW)
    message["From"], message["To"], message["Subject"] = FROM, TO, SUBJECT
    message["Message-ID"] = "<zm-4711@example.org>"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    if file is not None:
        message.add_attachment(file, maintype="application", subtype="pdf", filename="Bericht für März.pdf")
    return message.as_bytes()


def per_second(make: Callable[[], bytes], seconds: float = 0.7) -> float:
    """How often it can be made in a second of CPU time; the best of three."""
    best = 0.0
    for _ in range(3):
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds / 3:
            make()
            count += 1
        best = max(best, count / spent)
    return best


def cpu_ms(make: Callable[[], object]) -> float:
    """Milliseconds of CPU time for making it once; the best of five."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        make()
        best = min(best, time.process_time() - start)
    return best * 1000


def read_through(mail: Message) -> None:
    """Read a mail in chunks, as sending does, and let go of each."""
    for _ in mail.data:
        pass


async def commit() -> None:
    """The point of no return of a job without a ledger."""


async def send_ours(port: int, ca_file: str, size: int) -> None:
    """Compose a mail with a file of that size, and send it over TLS."""
    connect = SmtpConnector(TlsPolicy(ca_file=ca_file))
    server = SmtpServer(host="localhost", port=port, security=Security.SSL_TLS)
    session = await connect(server, PasswordAuth(username="bench", password=SecretStr("bench")))
    mail = message(LINE, None, os.urandom(size))
    await session.send(
        Outgoing(mail.sender, mail.recipients, mail.data, mail.message_id), required="all", commit=commit
    )
    session.close()


async def send_library(port: int, ca_file: str, size: int) -> None:
    """The same with `email` and aiosmtplib."""
    tls = context(TlsPolicy(ca_file=ca_file), TlsOptions())
    async with aiosmtplib.SMTP(hostname="localhost", port=port, use_tls=True, tls_context=tls) as client:
        await client.login("bench", "bench")
        await client.sendmail("joerg@example.org", ["jane@example.org"], library(LINE, None, os.urandom(size)))


def growth_mb(name: str, port: int, ca_file: str, size: int) -> float:
    """Megabytes that this process grows by when it sends that mail, its file included; for a process of its own."""
    send = {"ours": send_ours, "email": send_library}[name]
    asyncio.run(send(port, ca_file, 1000))
    before = peak_mb()
    asyncio.run(send(port, ca_file, size))
    return peak_mb() - before


def peak_mb() -> float:
    """Resident megabytes at most. (The peak in getrusage is inherited from the parent.)"""
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6


def large_mails() -> None:
    """What a large attachment costs."""
    file = os.urandom(10_000_000)
    print(f"\n{'mail':34}{'ours':>10}{'email':>10}{'ratio':>8}")
    for name, mine in (
        ("10 MB attachment, ms CPU, in chunks", cpu_ms(lambda: read_through(message(LINE, None, file)))),
        ("10 MB attachment, ms CPU, as bytes", cpu_ms(lambda: bytes(message(LINE, None, file).data))),
    ):
        theirs = cpu_ms(lambda: library(LINE, None, file))
        print(f"{name:35}{mine:9,.0f}{theirs:10,.0f}{theirs / mine:7.1f}x")
    fresh = multiprocessing.get_context("spawn")
    with sink() as where:
        grown = {}
        for name in ("ours", "email"):
            with ProcessPoolExecutor(1, mp_context=fresh) as one:
                grown[name] = one.submit(growth_mb, name, where.port, str(where.ca_file), 25_000_000).result()
    mine, theirs = grown["ours"], grown["email"]
    print(f"{'25 MB attachment over TLS, MB more':35}{mine:9,.0f}{theirs:10,.0f}{theirs / mine:7.1f}x")


def main() -> None:
    """Print one line for each kind of mail."""
    print(f"{'mail':24}{'ours/s':>10}{'email/s':>10}{'ratio':>8}")
    for name, (text, html) in BODIES.items():
        mine = per_second(lambda text=text, html=html: ours(text, html))
        theirs = per_second(lambda text=text, html=html: library(text, html))
        print(f"{name:24}{mine:10,.0f}{theirs:10,.0f}{mine / theirs:7.1f}x")
    large_mails()


if __name__ == "__main__":
    main()
