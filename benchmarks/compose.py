"""Composing a mail: ours against the standard library's `email`, in one run.

PYTHONPATH=worker python benchmarks/compose.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from zeebe_mail.message.address import mailboxes
from zeebe_mail.message.compose import Draft, compose

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


def ours(text: str, html: str | None) -> bytes:
    """From the process's strings to the bytes, addresses parsed as for a job."""
    draft = Draft(authors=mailboxes(FROM), to=mailboxes(TO), subject=SUBJECT, text=text, html=html)
    return bytes(compose(draft, token="4711", date=NOW).data)


def library(text: str, html: str | None) -> bytes:
    """The same with `EmailMessage`, policy SMTP."""
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(NOW)
    message["From"], message["To"], message["Subject"] = FROM, TO, SUBJECT
    message["Message-ID"] = "<zm-4711@example.org>"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
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


def main() -> None:
    """Print one line for each kind of mail."""
    print(f"{'mail':24}{'ours/s':>10}{'email/s':>10}{'ratio':>8}")
    for name, (text, html) in BODIES.items():
        mine = per_second(lambda text=text, html=html: ours(text, html))
        theirs = per_second(lambda text=text, html=html: library(text, html))
        print(f"{name:24}{mine:10,.0f}{theirs:10,.0f}{mine / theirs:7.1f}x")


if __name__ == "__main__":
    main()
