"""Certificates for the scripted servers, and one way to send a mail to them."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.wire.conversation import ScriptedServer
from zeebe_mail.auth.models import Auth, NoAuth, PasswordAuth
from zeebe_mail.demo.pki import Authority, Certificate
from zeebe_mail.egress import EgressPolicy
from zeebe_mail.mail.server import Security, SmtpServer, TlsOptions
from zeebe_mail.mail.smtp import Outgoing, Receipt, SmtpConnector, SmtpSession, SmtpTimeouts
from zeebe_mail.mail.tls import TlsPolicy
from zeebe_mail.message.payload import Payload


@dataclass(frozen=True)
class Certificates:
    """What servers may show; only ``good`` is trusted."""

    authority: Authority
    good: Certificate
    expired: Certificate
    other_host: Certificate
    stranger: Certificate
    self_signed: Certificate


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority = Authority(tmp_path_factory.mktemp("pki"))
    stranger = Authority(tmp_path_factory.mktemp("stranger"), "unknown CA")
    return Certificates(
        authority=authority,
        good=authority.issue("good"),
        expired=authority.issue("expired", valid_from=timedelta(days=-3), valid_for=timedelta(days=-1)),
        other_host=authority.issue("other", hosts=["elsewhere.test"]),
        stranger=stranger.issue("stranger"),
        self_signed=authority.issue_self_signed(),
    )


def serving(certificate: Certificate, *, clients_of: Authority | None = None) -> ssl.SSLContext:
    """The TLS side of a server with this certificate; given an authority, it wants a client certificate of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    if clients_of:
        context.load_verify_locations(clients_of.ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


JANE = PasswordAuth(username="jane", password="s3cr3t-ä")  # type: ignore[arg-type]
SHORT = SmtpTimeouts(connect_s=0.3, command_s=0.3, final_s=0.3, courtesy_s=0.1)
PATIENT = SmtpTimeouts(connect_s=10, command_s=10, final_s=10, courtesy_s=0.1)
BODY = b"From: jane@example.org\r\nSubject: x\r\n\r\nhello\r\n"


def a_mail(*recipients: str, data: bytes = BODY, sender: str = "jane@example.org") -> Outgoing:
    return Outgoing(sender, recipients or ("bob@example.org",), Payload(data), "<zm-1@example.org>")


@dataclass
class Sender:
    """A worker's way to a scripted server. ``commits`` counts the announced points of no return."""

    policy: TlsPolicy
    timeouts: SmtpTimeouts = PATIENT
    auth: Auth = field(default_factory=NoAuth)
    security: Security = Security.NONE
    deadline_s: float = 10
    tls: TlsOptions = field(default_factory=TlsOptions)
    egress: EgressPolicy = field(default_factory=EgressPolicy)
    auth_optional: bool = False
    before_dot: Callable[[], Awaitable[None]] | None = None
    commits: int = 0

    async def commit(self, expected: Receipt) -> None:
        self.commits += 1
        if self.before_dot:
            await self.before_dot()

    async def open(self, server: ScriptedServer, host: str = "127.0.0.1") -> SmtpSession:
        where = SmtpServer(
            host=host,
            port=server.port,
            security=self.security,
            deadline_seconds=self.deadline_s,
            tls=self.tls,
            auth_optional=self.auth_optional,
        )
        return await SmtpConnector(self.policy, self.timeouts, self.egress)(where, self.auth)

    async def send(self, server: ScriptedServer, mail: Outgoing | None = None, required: str = "all") -> Receipt:
        """Open a session, send one mail, hang up."""
        session = await self.open(server)
        try:
            return await session.send(mail or a_mail(), required=required, commit=self.commit)  # type: ignore[arg-type]
        finally:
            session.close()


@pytest.fixture
def sender(certificates: Certificates) -> Sender:
    return Sender(TlsPolicy(ca_file=certificates.authority.ca_file))
