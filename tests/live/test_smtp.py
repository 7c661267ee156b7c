"""Our session against real servers: Postfix with Dovecot behind it, and smtp-sink with its faults."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from tests.desks import OneSession, desk
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.smtp_sink import SmtpSink
from tests.servers.tcp_proxy import TcpProxy
from zeebe_mail import errors
from zeebe_mail.auth.models import Auth, NoAuth, PasswordAuth
from zeebe_mail.demo.pki import Authority
from zeebe_mail.mail.bulkhead import Bulkhead
from zeebe_mail.mail.pool import Pool
from zeebe_mail.mail.server import Security, SmtpServer, TlsOptions
from zeebe_mail.mail.smtp import SmtpConnector, SmtpSession, SmtpTimeouts
from zeebe_mail.mail.tls import TlsPolicy
from zeebe_mail.operations.base import OperationOutput
from zeebe_mail.operations.smtp.send import SendInput, SendOutput, SendRequest, send

pytestmark = pytest.mark.live

ALICE = PasswordAuth(username="alice", password=SecretStr("secret"))


@dataclass
class OneAttempt:
    """An attempt that nothing interrupts."""

    token: str = "4711-1"
    committed: bool = False

    async def commit(self, expected: OperationOutput | None = None) -> None:
        self.committed = True

    async def sent(self, output: OperationOutput) -> None:
        """Nothing is recorded."""


@dataclass(frozen=True)
class Lease:
    """The sessions of one task."""

    pool: Pool
    given: SendInput
    has_room: bool = True

    def lease(self) -> AbstractAsyncContextManager[SmtpSession]:
        return self.pool.lease(SmtpSession, self.given.server, self.given.auth)


@dataclass
class Worker:
    """Pool and operation, as the host puts them together."""

    pool: Pool

    async def send(self, server: SmtpServer, auth: Auth = ALICE, **request: Any) -> SendOutput:
        mail = {"from": "alice@x.test", "to": "bob@x.test", "subject": "Grüße", "text": "Hallo.\n.\n", **request}
        given = SendInput(server=server, auth=auth, request=SendRequest.model_validate(mail))
        produced = await send.perform(given, Lease(self.pool, given), OneAttempt(), desk(sessions=self.pool))
        assert isinstance(produced, SendOutput)
        return produced


@pytest.fixture
async def worker(pki: Authority) -> AsyncIterator[Worker]:
    timeouts = SmtpTimeouts(connect_s=5, command_s=2, final_s=2, courtesy_s=1)
    pool = Pool({SmtpSession: SmtpConnector(TlsPolicy(ca_file=pki.ca_file), timeouts)}, Bulkhead())
    yield Worker(pool)
    pool.close()


def at(port: int, security: Security = Security.STARTTLS, host: str = "127.0.0.1") -> SmtpServer:
    return SmtpServer(host=host, port=port, security=security)


# ── Postfix ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_is_delivered_over_starttls(worker: Worker, postfix: Postfix) -> None:
    produced = await worker.send(at(postfix.submission), cc="alice@mail.test", html="<p>Hallo</p>")

    assert produced.accepted == ["bob@x.test", "alice@mail.test"]
    assert "queued as" in produced.response
    await _logged(postfix, "status=sent", "bob@x.test")


async def test_a_mail_is_delivered_over_implicit_tls_by_host_name(worker: Worker, postfix: Postfix) -> None:
    produced = await worker.send(at(postfix.submissions, Security.SSL_TLS, "localhost"))

    assert produced.message_id == "<zm-4711-1@x.test>"


async def test_one_session_carries_many_mails(worker: Worker, postfix: Postfix) -> None:
    server = at(postfix.submission)
    for _ in range(20):
        await worker.send(server)
    assert worker.pool.idle == 1


async def test_a_wrong_password_is_one_attempt(worker: Worker, postfix: Postfix) -> None:
    wrong = PasswordAuth(username="alice", password=SecretStr("wr0ng-passw0rd"))
    before = postfix.log().count("authentication failed")

    with pytest.raises(errors.CredentialsError) as caught:
        await worker.send(at(postfix.submission), wrong)

    await _logged(postfix, "authentication failed")
    assert postfix.log().count("authentication failed") == before + 1
    assert "wr0ng" not in caught.value.message


async def test_sending_without_the_login_that_the_server_wants_gets_a_hint(worker: Worker, postfix: Postfix) -> None:
    with pytest.raises(errors.Refused, match="give user name and password"):
        await worker.send(at(postfix.submission), NoAuth())


async def test_submission_without_encryption_is_told_to_use_it(worker: Worker, postfix: Postfix) -> None:
    with pytest.raises(errors.WorkerError, match="STARTTLS"):
        await worker.send(at(postfix.submission, Security.NONE), NoAuth())


async def test_a_stranger_among_the_recipients_stops_the_mail_for_all(worker: Worker, postfix: Postfix) -> None:
    before = postfix.log().count("status=sent")
    with pytest.raises(errors.RecipientsRefused) as caught:
        await worker.send(at(postfix.submission), to="bob@x.test, nobody@x.test")

    (rejected,) = caught.value.details["rejected"]
    assert (rejected["address"], rejected["code"], rejected["enhanced"]) == ("nobody@x.test", 550, "5.1.1")
    assert postfix.log().count("status=sent") == before
    assert worker.pool.idle == 1, "the session is still good: the mail was forgotten with RSET"


async def test_any_sends_to_the_others(worker: Worker, postfix: Postfix) -> None:
    produced = await worker.send(at(postfix.submission), to="nobody@x.test, bob@x.test", requiredRecipients="any")

    assert produced.accepted == ["bob@x.test"]
    assert [one.address for one in produced.rejected] == ["nobody@x.test"]


async def test_refused_recipients_after_pipelined_data_leave_a_good_session(worker: Worker, postfix: Postfix) -> None:
    server = at(postfix.submission)
    with pytest.raises(errors.RecipientsRefused):
        await worker.send(server, to="nobody@x.test")
    await worker.send(server)
    assert worker.pool.idle == 1


async def test_a_mail_over_the_size_limit_is_refused_with_both_sizes(worker: Worker, postfix: Postfix) -> None:
    with pytest.raises(errors.MessageRefused) as caught:
        await worker.send(at(postfix.submission), text="x" * 60 * 200_000)

    assert caught.value.details["limitBytes"] == 10 * 1024 * 1024


async def test_a_large_mail_arrives_whole(worker: Worker, postfix: Postfix) -> None:
    produced = await worker.send(at(postfix.submission), text=("äöü.\n.\n" * 40_000))

    assert produced.size_bytes > 400_000


async def test_an_international_recipient_is_carried_with_smtputf8(worker: Worker, postfix: Postfix) -> None:
    """Postfix offers SMTPUTF8 and knows no such user; what counts is that it reads the address as it was meant."""
    with pytest.raises(errors.RecipientsRefused) as caught:
        await worker.send(at(postfix.submission), to="jörg@x.test")
    assert caught.value.details["rejected"][0]["address"] == "jörg@x.test"


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"])
async def test_every_mechanism_logs_in_at_dovecot(worker: Worker, pki: Authority, mechanism: str) -> None:
    """Dovecot checks our proof, and we its signature."""
    password = SecretStr("geh€im, sehr")
    users = {"alice": password.get_secret_value()}
    with (
        SmtpSink(keeps_mail=True) as sink,
        Dovecot(pki, users=users, relay_port=sink.port, extra=f"auth_mechanisms = {mechanism}") as server,
    ):
        await worker.send(at(server.submission), PasswordAuth(username="alice", password=password))
        with pytest.raises(errors.CredentialsError):
            await worker.send(at(server.submission), ALICE)
        assert len(sink.messages()) == 1


async def test_a_postfix_that_restarts_costs_a_kept_session_nothing(worker: Worker, dovecot: Dovecot) -> None:
    """The kept connection is gone; the mail goes over a new one without costing the job a retry."""
    with Postfix(dovecot) as own:
        server = at(own.submission)
        await worker.send(server)
        own.stop()
        own.start()
        await worker.send(server)


# ── smtp-sink ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (("-r", "connect"), errors.Busy),
        (("-f", "connect"), errors.Refused),
        (("-r", "mail"), errors.Busy),
        (("-f", "mail"), errors.SenderRefused),
        (("-r", "rcpt"), errors.RecipientsDeferred),
        (("-f", "rcpt"), errors.RecipientsRefused),
        (("-r", "data"), errors.Busy),
        (("-f", "data"), errors.MessageRefused),
        (("-r", "."), errors.Busy),
        (("-f", "."), errors.MessageRefused),
        (("-q", "ehlo"), errors.Unreachable),
        (("-q", "mail"), errors.Unreachable),
        (("-q", "rcpt"), errors.Unreachable),
        (("-q", "data"), errors.Unreachable),
        (("-q", "."), errors.OutcomeUnknown),
        (("-Q", "mail"), errors.Busy),
        (("-Q", "rcpt"), errors.Busy),
    ],
    ids=lambda value: "".join(value) if isinstance(value, tuple) else value.__name__,
)
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "stepwise"])
async def test_each_fault_of_a_sink_has_its_meaning(
    worker: Worker, flags: tuple[str, ...], kind: type[errors.WorkerError], pipelining: bool
) -> None:
    with SmtpSink(*flags, *([] if pipelining else ["-p"])) as sink, pytest.raises(errors.WorkerError) as caught:
        await worker.send(at(sink.port, Security.NONE), NoAuth())
    assert type(caught.value) is kind


@pytest.mark.parametrize("flags", [(), ("-p",), ("-8",), ("-e",), ("-w", "1")])
async def test_a_sink_of_any_kind_gets_the_mail(worker: Worker, flags: tuple[str, ...]) -> None:
    with SmtpSink(*flags, keeps_mail=True) as sink:
        await worker.send(at(sink.port, Security.NONE), NoAuth(), bcc="eve@x.test")
        (message,) = sink.messages()
    assert b"X-Rcpt-Args: <eve@x.test>" in message
    assert b"eve" not in message.split(b"Received:")[1]


async def test_a_black_hole_after_the_mail_is_an_unknown_outcome(worker: Worker, smtp_sink: SmtpSink) -> None:
    async with TcpProxy(smtp_sink.port) as proxy:
        server = at(proxy.port, Security.NONE)
        session = await SmtpConnector(TlsPolicy(), SmtpTimeouts(final_s=0.3))(server, NoAuth())

        class Swallowing(OneAttempt):
            async def commit(self, expected: OperationOutput | None = None) -> None:
                proxy.swallow()

        given = SendInput(
            server=server,
            auth=NoAuth(),
            request=SendRequest.model_validate({"from": "alice@x.test", "to": "bob@x.test", "text": "x"}),
        )
        with pytest.raises(errors.OutcomeUnknown, match="did not answer in time"):
            await send.run(given, OneSession(session), Swallowing(), desk())
        session.close()


async def test_fifty_jobs_for_a_dead_server_leave_the_others_their_way(worker: Worker, smtp_sink: SmtpSink) -> None:
    """Ten wait for the dead one, forty are handed back, and the mail for the other goes out meanwhile."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        dead, alive = at(hole.getsockname()[1], Security.NONE), at(smtp_sink.port, Security.NONE)
        doomed = [asyncio.create_task(worker.send(dead, NoAuth())) for _ in range(50)]
        for _ in range(20):
            await asyncio.gather(*(worker.send(alive, NoAuth()) for _ in range(8)))
        assert sum(not one.done() for one in doomed) >= 10, "they still wait, and everything else went out"

        done, waiting = await asyncio.wait(doomed, timeout=3)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    assert len(waiting) == 10
    turned_away = [one.exception() for one in done]
    assert all(isinstance(error, errors.EndpointSaturated) and error.retry_after for error in turned_away)


async def test_a_sink_behind_tls_is_reached_with_its_own_authority(
    worker: Worker, pki: Authority, smtp_sink: SmtpSink
) -> None:
    certificate = pki.issue("sink-proxy")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.chain, certificate.key)
    async with TcpProxy(smtp_sink.port, tls=tls) as proxy:
        options = TlsOptions(ca_certificate=pki.ca_file.read_text())
        server = SmtpServer(host="127.0.0.1", port=proxy.port, security=Security.SSL_TLS, tls=options)
        await worker.send(server, NoAuth())
        worker.pool.close()


async def _logged(postfix: Postfix, *words: str) -> None:
    """Wait until a line of the log has all these words."""
    async with asyncio.timeout(10):
        while not any(all(word in line for word in words) for line in postfix.log().splitlines()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
