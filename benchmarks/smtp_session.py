"""CPU of a send on a kept TLS connection: our session against aiosmtplib alone, in one run, against one sink.

    PYTHONPATH=worker python benchmarks/smtp_session.py

The sink is Postfix's `smtp-sink` behind `stunnel4`; both are other processes, so the CPU measured is the client's.
Composing is not measured here (see `compose.py`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiosmtplib

from zeebe_mail.auth.models import NoAuth
from zeebe_mail.demo.pki import Authority
from zeebe_mail.mail.bulkhead import Bulkhead
from zeebe_mail.mail.pool import Pool, PoolLimits
from zeebe_mail.mail.server import Security, SmtpServer, TlsOptions
from zeebe_mail.mail.smtp import Outgoing, SmtpConnector, SmtpSession
from zeebe_mail.mail.tls import TlsPolicy, context
from zeebe_mail.message.payload import Payload

MAILS = 3000
DATA = b"From: jane@example.org\r\nTo: bob@example.org\r\nSubject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * 28
MAIL = Outgoing("jane@example.org", ("bob@example.org",), Payload(DATA), "<zm-1@example.org>")


def _tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise SystemExit(f"{name} is needed (packages postfix and stunnel4)")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"nothing listens on {port}")


@contextmanager
def tls_sink(folder: Path) -> Iterator[tuple[int, Path]]:
    """A sink behind TLS: its port and the file of its authority."""
    authority = Authority(folder)
    certificate = authority.issue("sink")
    inner, outer = _free_port(), _free_port()
    config = folder / "stunnel.conf"
    config.write_text(
        f"foreground=yes\npid=\nsyslog=no\n[s]\naccept=127.0.0.1:{outer}\nconnect=127.0.0.1:{inner}\ncert={certificate.chain}\nkey={certificate.key}\n"
    )
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    commands = ([_tool("smtp-sink"), *as_nobody, f"127.0.0.1:{inner}", "1000"], [_tool("stunnel4"), str(config)])
    running = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
    try:
        _wait_for(inner)
        _wait_for(outer)
        yield outer, authority.ca_file
    finally:
        for process in running:
            process.terminate()
            process.wait()


async def commit() -> None:
    """The point of no return of a job without a ledger."""


async def measured(name: str, at_once: int, send: Callable[[], Awaitable[object]]) -> float:
    """Send all mails and print the rate; the CPU a mail in milliseconds."""
    left = MAILS

    async def sender() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await send()

    await asyncio.gather(*(send() for _ in range(at_once)))
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(sender() for _ in range(at_once)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:34}{at_once:4} at once{MAILS / wall:9,.0f}/s{cpu / MAILS * 1000:8.3f} ms CPU a mail")
    return cpu / MAILS * 1000


async def run(port: int, ca_file: Path) -> None:
    """Ours and theirs, one connection and eight."""
    policy = TlsPolicy(ca_file=ca_file)
    server = SmtpServer(host="127.0.0.1", port=port, security=Security.SSL_TLS)
    pool = Pool({SmtpSession: SmtpConnector(policy)}, Bulkhead(), PoolLimits(max_uses=1_000_000))

    async def ours() -> None:
        async with pool.lease(SmtpSession, server, NoAuth()) as session:
            await session.send(MAIL, required="all", commit=commit)

    clients: list[aiosmtplib.SMTP] = []

    async def library() -> None:
        client = clients.pop() if clients else None
        if client is None:
            client = aiosmtplib.SMTP(
                hostname="127.0.0.1", port=port, use_tls=True, tls_context=context(policy, TlsOptions())
            )
            await client.connect()
        await client.sendmail(MAIL.sender, list(MAIL.recipients), DATA)
        clients.append(client)

    for at_once in (1, 8):
        mine = await measured("zeebe-mail, pool and session", at_once, ours)
        theirs = await measured("aiosmtplib alone, kept connection", at_once, library)
        print(f"{'ratio':34}{theirs / mine:25.1f}x less CPU")
    pool.close()
    for client in clients:
        await client.quit()


def main() -> None:
    """Start the sink, measure, stop it."""
    with tempfile.TemporaryDirectory() as folder, tls_sink(Path(folder)) as (port, ca_file):
        asyncio.run(run(port, ca_file))


if __name__ == "__main__":
    main()
