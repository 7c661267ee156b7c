"""The rig itself: what the other live tests stand on."""

import asyncio
import contextlib
import imaplib
import json
import smtplib
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage

import aiosmtplib
import grpc
import httpx
import pytest
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from tests.conftest import StartBroker
from tests.servers.broker import BUSY, BrokerOptions, Gateway
from tests.servers.docker import Mailpit
from tests.servers.dovecot import Dovecot
from tests.servers.memory_engine import MemoryEngine
from tests.servers.postfix import Postfix
from tests.servers.processes import one_task
from tests.servers.smtp_sink import SmtpSink
from tests.servers.tcp_proxy import TcpProxy
from zeebe_mail.demo.inbox import read_inbox
from zeebe_mail.demo.mailserver import MailServer
from zeebe_mail.demo.pki import Authority

pytestmark = pytest.mark.live

HOUR_MS = 3_600_000


@contextlib.contextmanager
def gateway(address: str) -> Iterator[GatewayStub]:
    with grpc.insecure_channel(address) as channel:
        yield GatewayStub(channel)


def deploy_and_start(zeebe: GatewayStub, name: str) -> int:
    bpmn = one_task(f"process-{name}", f"task-{name}")
    zeebe.DeployResource(pb.DeployResourceRequest(resources=[pb.Resource(name=f"{name}.bpmn", content=bpmn)]))
    creation = pb.CreateProcessInstanceRequest(bpmnProcessId=f"process-{name}", version=-1, variables='{"a": 1}')
    return int(zeebe.CreateProcessInstance(creation).processInstanceKey)


def activate(zeebe: GatewayStub, name: str, *, timeout_ms: int = HOUR_MS, wait_ms: int = 5000) -> list[pb.ActivatedJob]:
    request = pb.ActivateJobsRequest(
        type=f"task-{name}", worker="rig", timeout=timeout_ms, maxJobsToActivate=1, requestTimeout=wait_ms
    )
    return [job for answer in zeebe.ActivateJobs(request) for job in answer.jobs]


def test_a_busy_broker_pushes_back(start_broker: StartBroker) -> None:
    broker = start_broker(BUSY)
    with gateway(broker.address) as zeebe:
        deploy_and_start(zeebe, "rig-busy")
        creation = pb.CreateProcessInstanceRequest(bpmnProcessId="process-rig-busy", version=-1)

        def create(_: int) -> grpc.StatusCode:
            try:
                zeebe.CreateProcessInstance(creation)
            except grpc.RpcError as refusal:
                return refusal.code()
            return grpc.StatusCode.OK

        with ThreadPoolExecutor(32) as clients:
            answers = set(clients.map(create, range(400)))

    assert answers == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}


def test_every_engine_finishes_an_instance(every_engine: Gateway) -> None:
    with gateway(every_engine.address) as zeebe:
        instance = deploy_and_start(zeebe, "rig-finish")

        (job,) = activate(zeebe, "rig-finish")
        zeebe.CompleteJob(pb.CompleteJobRequest(jobKey=job.key, variables="{}"))

        assert job.processInstanceKey == instance
        assert json.loads(job.variables) == {"a": 1}
        assert activate(zeebe, "rig-finish", wait_ms=-1) == []


def test_data_survives_a_kill_and_the_clock_can_travel(start_broker: StartBroker) -> None:
    broker = start_broker()
    with gateway(broker.address) as zeebe:
        deploy_and_start(zeebe, "rig-kill")
        (before,) = activate(zeebe, "rig-kill")

    broker.kill()
    broker.start()

    with gateway(broker.address) as zeebe:
        assert activate(zeebe, "rig-kill", wait_ms=-1) == [], "the job is still the first worker's"
        broker.advance(timedelta(hours=2))
        (after,) = activate(zeebe, "rig-kill", wait_ms=10_000)
        broker.reset_clock()

    assert after.key == before.key
    assert after.deadline > time.time() * 1000 + HOUR_MS, "activated while the broker's clock was ahead"


def test_a_full_disk_refuses_commands_until_there_is_room(start_broker: StartBroker) -> None:
    broker = start_broker()
    broker.restart(BrokerOptions(free_disk_bytes=10**15))
    with gateway(broker.address) as zeebe, pytest.raises(grpc.RpcError) as refusal:
        deploy_and_start(zeebe, "rig-disk")
    assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    broker.restart(BrokerOptions())

    with gateway(broker.address) as zeebe:
        assert deploy_and_start(zeebe, "rig-disk") > 0


def test_the_memory_engine_tells_what_happened(memory_engine: MemoryEngine) -> None:
    with gateway(memory_engine.address) as zeebe:
        instance = deploy_and_start(zeebe, "rig-memory")
        (job,) = activate(zeebe, "rig-memory")
        zeebe.CompleteJob(pb.CompleteJobRequest(jobKey=job.key, variables="{}"))
    memory_engine.wait_until_idle()

    records = [json.loads(record) for record in memory_engine.records()]

    assert any(record["intent"] == "ELEMENT_COMPLETED" and record["key"] == instance for record in records)


def test_the_memory_engine_travels_in_time() -> None:
    with MemoryEngine() as engine, gateway(engine.address) as zeebe:
        deploy_and_start(zeebe, "rig-travel")
        (before,) = activate(zeebe, "rig-travel")
        engine.advance(timedelta(hours=2))
        (after,) = activate(zeebe, "rig-travel")
    assert after.key == before.key


def letter(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "alice@x.test", "bob@x.test", subject
    message.set_content("Grüße\n")
    return message


def wait_for_mail(mailbox: imaplib.IMAP4, subject: str) -> None:
    until = time.monotonic() + 10
    while True:
        mailbox.select("INBOX")
        if mailbox.search(None, "SUBJECT", subject)[1][0]:
            return
        assert time.monotonic() < until, f"no mail with subject {subject}"
        time.sleep(0.02)


def test_postfix_delivers_to_dovecot_over_starttls_and_auth(postfix: Postfix, dovecot: Dovecot, pki: Authority) -> None:
    trust = ssl.create_default_context(cafile=pki.ca_file)

    with smtplib.SMTP("localhost", postfix.submission) as client:
        client.starttls(context=trust)
        client.login("alice", "secret")
        client.send_message(letter("rig-delivery"))

    with imaplib.IMAP4_SSL("localhost", dovecot.imaps, ssl_context=trust) as mailbox:
        mailbox.login("bob", "secret")
        wait_for_mail(mailbox, "rig-delivery")


def test_submission_refuses_who_is_not_logged_in(postfix: Postfix, pki: Authority) -> None:
    with smtplib.SMTP("localhost", postfix.submission) as client:
        client.starttls(context=ssl.create_default_context(cafile=pki.ca_file))
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.send_message(letter("rig-refused"))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"valid_from": timedelta(days=-3), "valid_for": timedelta(days=-1)}, "expired"),
        ({"valid_from": timedelta(days=1)}, "not yet valid"),
        ({"hosts": ["other.test"]}, "Hostname mismatch"),
    ],
)
def test_bad_certificates_are_bad(pki: Authority, wrong: dict[str, object], reason: str) -> None:
    with Dovecot(pki, certificate=pki.issue("bad", **wrong)) as server:
        trust = ssl.create_default_context(cafile=pki.ca_file)
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            imaplib.IMAP4_SSL("localhost", server.imaps, ssl_context=trust)


def test_dovecot_restarts_on_the_same_ports_with_the_same_mail(pki: Authority) -> None:
    with Dovecot(pki) as server:
        with imaplib.IMAP4("localhost", server.imap) as mailbox:
            mailbox.login("alice", "secret")
            mailbox.append("INBOX", "", "", letter("rig-restart").as_bytes())
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            imaplib.IMAP4("localhost", server.imap)
        server.start()
        with imaplib.IMAP4("localhost", server.imap) as mailbox:
            mailbox.login("alice", "secret")
            wait_for_mail(mailbox, "rig-restart")


def test_the_sink_keeps_mail_and_envelope(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP("localhost", smtp_sink.port) as client:
        client.send_message(letter("rig-sink"), to_addrs=["hidden@x.test"])

    (kept,) = smtp_sink.messages()
    assert b"rig-sink" in kept
    assert b"X-Rcpt-Args: <hidden@x.test>" in kept


def test_the_sink_fails_where_it_is_told_to() -> None:
    with SmtpSink("-r", "rcpt") as sink, smtplib.SMTP("localhost", sink.port) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
            client.send_message(letter("rig-fault"))
        assert refusal.value.recipients["bob@x.test"][0] == 450


def test_dovecot_submission_in_front_of_a_sink_asks_for_tls_and_auth(pki: Authority, smtp_sink: SmtpSink) -> None:
    with Dovecot(pki, relay_port=smtp_sink.port) as front:
        trust = ssl.create_default_context(cafile=pki.ca_file)
        with smtplib.SMTP_SSL("localhost", front.submissions, context=trust) as client:
            client.login("alice", "secret")
            client.send_message(letter("rig-front"))
    assert b"rig-front" in smtp_sink.messages()[0]


async def test_the_embedded_server_takes_mail_by_smtp_and_gives_it_by_imap(pki: Authority) -> None:
    trust = ssl.create_default_context(cafile=pki.ca_file)

    async with MailServer({"alice": "secret", "bob": "hunter2"}, pki.issue("embedded")) as server:
        ports = server.ports
        for port, implicit in ((ports.smtp, False), (ports.smtps, True)):
            client = aiosmtplib.SMTP(
                hostname="localhost", port=port, use_tls=implicit, start_tls=not implicit, tls_context=trust
            )
            async with client:
                await client.login("alice", "secret")
                await client.sendmail("alice@mail.test", ["bob@mail.test"], letter(f"rig-{port}").as_bytes())

        received = await read_inbox("localhost", ports.imaps, "bob", "hunter2", ca_file=pki.ca_file)

    assert [message_from_bytes(raw)["Subject"] for raw in received] == [f"rig-{ports.smtp}", f"rig-{ports.smtps}"]


async def test_the_embedded_server_refuses_as_a_real_one_does(pki: Authority) -> None:
    trust = ssl.create_default_context(cafile=pki.ca_file)

    async with MailServer({"alice": "secret"}, pki.issue("embedded")) as server:
        client = aiosmtplib.SMTP(hostname="localhost", port=server.ports.smtp, start_tls=False, tls_context=trust)
        async with client:
            assert (await client.execute_command(b"MAIL", b"FROM:<alice@mail.test>")).code == 530, "no TLS yet"
            await client.starttls()
            await client.ehlo()
            assert (await client.execute_command(b"MAIL", b"FROM:<alice@mail.test>")).code == 530, "no AUTH yet"
            with pytest.raises(aiosmtplib.SMTPAuthenticationError):
                await client.login("alice", "wrong")
            await client.login("alice", "secret")
            await client.mail("alice@mail.test")
            with pytest.raises(aiosmtplib.SMTPRecipientRefused, match="Relaying denied"):
                await client.rcpt("bob@example.org")
            with pytest.raises(aiosmtplib.SMTPRecipientRefused, match="User unknown"):
                await client.rcpt("nobody@mail.test")


async def ask(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("localhost", port)
    assert (await reader.readline()).startswith(b"220")
    return reader, writer


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"NOOP\r\n")
    await writer.drain()
    return await reader.readline()


async def test_the_proxy_passes_on_and_cuts(smtp_sink: SmtpSink) -> None:
    async with TcpProxy(smtp_sink.port) as proxy:
        reader, writer = await ask(proxy.port)
        assert (await say(reader, writer)).startswith(b"250")
        assert proxy.open_connections == 1

        proxy.cut()

        assert await reader.read() == b""
        writer.close()


async def test_the_proxy_resets(smtp_sink: SmtpSink) -> None:
    async with TcpProxy(smtp_sink.port) as proxy:
        reader, writer = await ask(proxy.port)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_the_proxy_is_a_black_hole_until_it_delivers(smtp_sink: SmtpSink) -> None:
    async with TcpProxy(smtp_sink.port) as proxy:
        reader, writer = await ask(proxy.port)
        proxy.swallow()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(say(reader, writer), 0.2)

        proxy.deliver()

        assert (await reader.readline()).startswith(b"250")
        writer.close()


async def test_the_proxy_delays(smtp_sink: SmtpSink) -> None:
    async with TcpProxy(smtp_sink.port) as proxy:
        reader, writer = await ask(proxy.port)
        proxy.delay_s = 0.1
        began = time.monotonic()
        await say(reader, writer)
        assert time.monotonic() - began >= 0.2, "once there, once back"
        writer.close()


async def test_the_proxy_refuses_and_accepts_again_on_its_port(smtp_sink: SmtpSink) -> None:
    async with TcpProxy(smtp_sink.port) as proxy:
        await proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await ask(proxy.port)
        await proxy.accept()
        _, writer = await ask(proxy.port)
        writer.close()


async def test_the_proxy_puts_tls_before_a_sink(smtp_sink: SmtpSink, pki: Authority) -> None:
    certificate = pki.issue("proxy")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.chain, certificate.key)
    async with TcpProxy(smtp_sink.port, tls=tls) as proxy:
        trust = ssl.create_default_context(cafile=pki.ca_file)
        async with aiosmtplib.SMTP(hostname="localhost", port=proxy.port, use_tls=True, tls_context=trust) as client:
            await client.sendmail("alice@x.test", ["bob@x.test"], letter("rig-tls-front").as_bytes())
    assert b"rig-tls-front" in smtp_sink.messages()[0]


def test_mailpit_takes_mail(mailpit: Mailpit) -> None:
    with smtplib.SMTP(mailpit.host, mailpit.smtp) as client:
        client.send_message(letter("rig-mailpit"))
    messages = httpx.get(mailpit.messages_url, trust_env=False).json()["messages"]
    assert [message["Subject"] for message in messages] == ["rig-mailpit"]


def test_a_server_that_cannot_start_says_why(pki: Authority) -> None:
    server = Dovecot(pki, extra="no_such_setting = 1")
    with contextlib.closing(server), pytest.raises(RuntimeError, match="no_such_setting"):
        server.start()
