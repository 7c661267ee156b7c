"""What the demo shows: steps, a download's bar, a mail, variables."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from rich.console import Console, Group
from rich.json import JSON
from rich.panel import Panel
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

HEADERS_SHOWN = ("Return-Path", "Received", "From", "To", "Subject", "Date", "Message-ID", "Content-Type")


@contextmanager
def step(console: Console, title: str) -> Iterator[Callable[[str], None]]:
    """Show that a step runs, then what came of it and how long it took. The block calls what it is given, once."""
    began = time.monotonic()
    outcome: list[str] = []
    with console.status(f"{title} …"):
        yield outcome.append
    took_s = time.monotonic() - began
    console.print(f"[green]✓[/green] [bold]{title:<17}[/bold] {''.join(outcome)} [dim]{took_s:.1f} s[/dim]")


@contextmanager
def download_bar(console: Console, name: str, size: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(name, total=size)
        yield lambda amount: progress.update(task, advance=amount)
    console.print("Checking and unpacking it")


def mail_panel(message: EmailMessage) -> Panel:
    headers = [Text(f"{name}: {message[name]}") for name in HEADERS_SHOWN if message[name]]
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else "(no plain text)"
    return Panel(Group(*headers, "", Text(str(text).rstrip())), title="The mail, read back by IMAP over TLS")


def variables_panel(variables: Mapping[str, Any]) -> Panel:
    return Panel(JSON(json.dumps(variables)), title="The variables of the process, at its end")
