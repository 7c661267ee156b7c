"""Looks at a mail server step by step without sending a mail: name, connection, TLS, capabilities, login."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from zeebe_mail.auth.models import Auth, NoAuth
from zeebe_mail.errors import HostNotFound, WorkerError
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.server import Security, SmtpServer
from zeebe_mail.mail.smtp import SmtpConnector, SmtpSession


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried. ``hint`` is what to do where it failed."""

    name: str
    good: bool
    result: str
    hint: str = ""


STEP_OF_PHASE = {
    Phase.CONNECT: "TCP",
    Phase.STARTTLS: "TLS",
    Phase.TLS: "TLS",
    Phase.GREETING: "capabilities",
    Phase.EHLO: "capabilities",
    Phase.AUTH: "AUTH",
}


async def probe_smtp(server: SmtpServer, auth: Auth, connector: SmtpConnector) -> AsyncIterator[Step]:
    """Try one step after the other and stop at the first that fails. Raises nothing."""
    _, host, port = server.endpoint
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        yield Step("DNS", good=False, result=f"{host}: {error.strerror}", hint=HostNotFound.advice)
        return
    yield Step("DNS", good=True, result=", ".join(dict.fromkeys(str(address[4][0]) for address in found)))
    session = connector.session(server, auth)
    try:
        await session.open()
    except WorkerError as error:
        for step in _passed(session, server, auth, failed=STEP_OF_PHASE[session.phase]):
            yield step
        yield Step(STEP_OF_PHASE[session.phase], good=False, result=error.message, hint=error.next_step)
        return
    for step in _passed(session, server, auth, failed=None):
        yield step
    session.close()


def _passed(session: SmtpSession, server: SmtpServer, auth: Auth, *, failed: str | None) -> list[Step]:
    """The steps before the one that failed."""
    _, host, port = server.endpoint
    steps = [Step("TCP", good=True, result=f"{host} port {port}")]
    # With STARTTLS a conversation can fail before anything is encrypted.
    if server.security is not Security.NONE and (session.encryption or failed == "TLS"):
        steps.append(Step("TLS", good=True, result=_encryption(session)))
    steps.append(Step("capabilities", good=True, result=", ".join(session.offers) or "none"))
    if not isinstance(auth, NoAuth):
        steps.append(Step("AUTH", good=True, result=f"logged in as {auth.username}"))
    names = [step.name for step in steps]
    return steps[: names.index(failed)] if failed in names else steps


def _encryption(session: SmtpSession) -> str:
    tls = session.encryption
    if tls is None:
        return "encrypted"
    cipher = tls.cipher()
    until = (tls.getpeercert() or {}).get("notAfter", "unknown")
    return f"{tls.version()}, {cipher[0] if cipher else 'unknown cipher'}, certificate valid until {until}"
