"""Looks at a mail server step by step and changes nothing: name, connection, TLS, capabilities, login, contents."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from zeebe_mail.auth.models import Auth, NoAuth
from zeebe_mail.egress import EgressPolicy, resolve
from zeebe_mail.errors import HostNotAllowed, HostNotFound, WorkerError
from zeebe_mail.mail.faults import Phase, shown_text
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.mail.imap.mailbox import Mailbox
from zeebe_mail.mail.pop3 import Pop3Session
from zeebe_mail.mail.server import MailServer, Security


class ProbedSession(Protocol):
    """What a probe needs of a session of any protocol."""

    async def open(self) -> None:
        """Connect, encrypt as asked, log in where there is a login."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...

    @property
    def phase(self) -> Phase:
        """The last step that was begun."""
        ...

    @property
    def offers(self) -> Sequence[str]:
        """What the server can do, in its own words."""
        ...

    @property
    def encryption(self) -> ssl.SSLObject | None:
        """The connection's TLS, where there is one."""
        ...


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
    Phase.CAPA: "capabilities",
    Phase.AUTH: "AUTH",
}


async def probe(server: MailServer, auth: Auth, session: ProbedSession, egress: EgressPolicy) -> AsyncIterator[Step]:
    """Try one step after the other and stop at the first that fails. Raises nothing; the session is closed.

    ``session`` is one for this server and this login that is not open yet.
    """
    found = await _name(server, egress)
    yield found
    if not found.good:
        return
    try:
        await session.open()
    except WorkerError as error:
        name = STEP_OF_PHASE[session.phase]
        for step in _passed(session, server, auth, failed=name):
            yield step
        yield _failed(name, error)
        return
    try:
        for step in _passed(session, server, auth, failed=None):
            yield step
        if not isinstance(auth, NoAuth):
            for step in await _contents(session):
                yield step
    finally:
        session.close()


async def _name(server: MailServer, egress: EgressPolicy) -> Step:
    _, host, port = server.endpoint
    try:
        async with asyncio.timeout(server.deadline_seconds):
            found = await resolve(host, port, egress)
    except HostNotAllowed as error:
        return _failed("DNS", error)
    except OSError as error:
        return Step("DNS", good=False, result=f"{host}: {error.strerror or 'no answer'}", hint=HostNotFound.advice)
    return Step("DNS", good=True, result=", ".join(dict.fromkeys(str(address[4][0]) for address in found)))


def _failed(name: str, error: WorkerError) -> Step:
    return Step(name, good=False, result=error.message, hint=error.next_step)


def _passed(session: ProbedSession, server: MailServer, auth: Auth, *, failed: str | None) -> list[Step]:
    """The steps before the one that failed."""
    _, host, port = server.endpoint
    steps = [Step("TCP", good=True, result=f"{host} port {port}")]
    # With STARTTLS a conversation can fail before anything is encrypted.
    if server.security is not Security.NONE and (session.encryption or failed == "TLS"):
        steps.append(Step("TLS", good=True, result=_encryption(session)))
    steps.append(Step("capabilities", good=True, result=", ".join(map(shown_text, session.offers)) or "none"))
    if not isinstance(auth, NoAuth):
        steps.append(Step("AUTH", good=True, result=f"logged in as {auth.username}"))
    names = [step.name for step in steps]
    return steps[: names.index(failed)] if failed in names else steps


def _encryption(session: ProbedSession) -> str:
    tls = session.encryption
    if tls is None:
        return "encrypted"
    cipher = tls.cipher()
    until = (tls.getpeercert() or {}).get("notAfter", "unknown")
    return f"{tls.version()}, {cipher[0] if cipher else 'unknown cipher'}, certificate valid until {until}"


async def _contents(session: ProbedSession) -> list[Step]:
    """What is in the mailboxes of a logged-in user, where the protocol has any."""
    try:
        match session:
            case ImapSession():
                found = await session.directory.mailboxes(with_status=True)
                return [_mailbox(one) for one in sorted(found, key=lambda one: one.path)]
            case Pop3Session():
                messages = await session.listing()
                size = sum(one.size for one in messages)
                return [Step("mailbox", good=True, result=f"{len(messages)} message(s), {size} bytes")]
    except WorkerError as error:
        return [_failed("mailboxes", error)]
    return []


def _mailbox(one: Mailbox) -> Step:
    use = f" [{one.special_use}]" if one.special_use else ""
    counts = f": {one.status.messages} message(s), {one.status.unseen} unseen" if one.status else ""
    return Step("mailbox", good=True, result=f"{shown_text(one.path)}{use}{counts}")
