"""Every process in `bpmn-examples` is run: real broker, real worker, real Postfix with Dovecot behind it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartBroker
from tests.live.conftest import Recorded
from tests.live.host import Zeebe, host, zeebe
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from tests.servers.postfix import Postfix
from tests.servers.records import Records
from tests.tasks import tasks
from zeebe_mail.app import mailroom, task_types
from zeebe_mail.demo.pki import Authority
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import load
from zeebe_mail.zeebe.gateway import pb

pytestmark = pytest.mark.live

EXAMPLES = Path(__file__).parents[2] / "bpmn-examples"
TESTED = {"send-mail", "decide-on-result", "catch-a-refusal", "retry-then-incident"} | {
    "send-with-attachment-and-template",
    "read-newest-and-decide",
    "search-and-archive",
    "send-later",
}


@pytest.fixture(scope="module")
def choosy_postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """Refuses gone@x.test for good and grey@x.test for now."""
    refusals = "{ grey@x.test = 450 4.2.0 Greylisted }, { gone@x.test = 550 5.1.1 No such user }"
    extra = f"smtpd_recipient_restrictions = check_recipient_access inline:{{ {refusals} }}"
    with Postfix(dovecot, users=["alice", "bob", "grey", "gone"], extra=extra) as postfix:
        yield postfix


@pytest.fixture(autouse=True)
def settings_of_the_worker(pki: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEEBE_MAIL_CA_FILE", str(pki.ca_file))
    monkeypatch.setenv("SECRET_SMTP_PASSWORD", "secret")
    monkeypatch.setenv("SECRET_IMAP_PASSWORD", PASSWORD)


@contextlib.asynccontextmanager
async def worker(address: str) -> AsyncIterator[Zeebe]:
    """The worker's own parts in this process; the cluster knows all examples."""
    async with (
        mailroom(load(), Redactor(), task_types(load())) as room,
        host(address, room.handler),
        zeebe(address) as cluster,
    ):
        await cluster.deploy(sorted(EXAMPLES.glob("*.bpmn")))
        yield cluster


def variables(postfix: Postfix, **more: Any) -> dict[str, Any]:
    return {"mailServer": {"host": "localhost", "port": postfix.submission}, "sender": "alice@x.test", **more}


def test_no_example_is_forgotten() -> None:
    assert {example.stem for example in EXAMPLES.glob("*.bpmn")} == TESTED


async def test_send_mail(recorded: Recorded, choosy_postfix: Postfix) -> None:
    async with worker(recorded.address) as cluster:
        given = variables(choosy_postfix, customer={"name": "Bob", "email": "bob@x.test"})
        result = await cluster.start_and_wait("send-mail", given, timeout_s=30)
    assert result["welcomeMail"]["accepted"] == ["bob@x.test"]


async def test_send_with_attachment_and_template(recorded: Recorded, choosy_postfix: Postfix, dovecot: Dovecot) -> None:
    order = {"number": "4711", "lines": [{"quantity": 2, "item": "Teapot <large>"}, {"quantity": 6, "item": "Cup"}]}
    async with worker(recorded.address) as cluster:
        given = variables(choosy_postfix, customer={"name": "Bob", "address": "bob@x.test"}, order=order)
        result = await cluster.start_and_wait("send-with-attachment-and-template", given, timeout_s=30)
    async with tasks(dovecot, "bob") as bob:
        by_its_id = {"messageId": result["confirmation"]["messageId"]}
        await bob.run("imap-wait", criteria=by_its_id, timeoutSeconds=30, ifMissing="error")
        mail = await bob.run("imap-read", **by_its_id, attachments="metadata", originalHtml=True)
        (listed,) = mail["attachments"]
        csv = await bob.run("imap-download", **by_its_id, part=listed["part"], deliver="base64")
    assert mail["subject"] == "Your order 4711"
    assert "Thank you, Bob!" in mail["plainTextBody"]
    assert "Teapot &lt;large&gt;" in mail["htmlBody"]
    assert "cid:logo" in mail["htmlBody"]
    assert [(one["fileName"], one["contentId"], one["contentType"]) for one in mail["inlineParts"]] == [
        ("logo.png", "logo", "image/png")
    ]
    assert listed["fileName"] == "order-4711.csv"
    assert b64decode(csv["content"]) == b"quantity;item\n2;Teapot <large>\n6;Cup\n"


@pytest.mark.parametrize(
    ("readers", "unreachable"),
    [(["alice@x.test", "bob@x.test"], []), (["bob@x.test", "gone@x.test"], ["gone@x.test"])],
)
async def test_decide_on_result(
    recorded: Recorded, choosy_postfix: Postfix, readers: list[str], unreachable: list[str]
) -> None:
    async with worker(recorded.address) as cluster:
        given = variables(choosy_postfix, readers=readers, news="We moved.")
        result = await cluster.start_and_wait("decide-on-result", given, timeout_s=30)
    assert result["unreachable"] == unreachable
    assert result["messageId"].startswith("<zm-")
    assert "response" not in result


async def test_catch_a_refusal(recorded: Recorded, choosy_postfix: Postfix) -> None:
    async with worker(recorded.address) as cluster:
        given = variables(choosy_postfix, customer={"email": "gone@x.test"}, order="4711")
        result = await cluster.start_and_wait("catch-a-refusal", given, timeout_s=30)
    assert "No such user" in result["whatTheServerSaid"]


async def test_catch_a_refusal_goes_on_where_nothing_is_refused(recorded: Recorded, choosy_postfix: Postfix) -> None:
    async with worker(recorded.address) as cluster:
        given = variables(choosy_postfix, customer={"email": "bob@x.test"}, order="4711")
        result = await cluster.start_and_wait("catch-a-refusal", given, timeout_s=30)
    assert "whatTheServerSaid" not in result
    assert result["confirmation"]["accepted"] == ["bob@x.test"]


async def test_retry_then_incident(start_broker: StartBroker, records: Records, choosy_postfix: Postfix) -> None:
    """Four waits of 10 s to 270 s pass by moving the broker's clock, and then the fifth failure is an incident."""
    broker = await asyncio.to_thread(start_broker, records.options())
    async with worker(broker.address) as cluster:
        await cluster.start("retry-then-incident", variables(choosy_postfix, customer={"email": "grey@x.test"}))
        waits, passed = [], timedelta()
        for retries in (4, 3, 2, 1):
            failed = await asyncio.to_thread(records.wait_for, "JOB", "FAILED", retries=retries)
            waits.append(failed["value"]["retryBackoff"] / 1000)
            passed += timedelta(seconds=waits[-1] + 1)
            await asyncio.to_thread(broker.advance, passed)
        incident = await asyncio.to_thread(records.wait_for, "INCIDENT", "CREATED")
    assert [about(wait) for wait in waits] == [10, 30, 90, 270]
    assert "The mail server is busy" in incident["value"]["errorMessage"]
    assert "Greylisted" in incident["value"]["errorMessage"]


@pytest.mark.parametrize("told", [False, True], ids=["its time comes", "told to send now"])
async def test_send_later(recorded: Recorded, choosy_postfix: Postfix, told: bool) -> None:
    batch = secrets.token_hex(4)
    at = datetime.now(UTC) + (timedelta(days=1) if told else timedelta(seconds=2))
    given = variables(choosy_postfix, customer={"email": "bob@x.test"}, batch=batch, sendAt=at.isoformat())
    async with worker(recorded.address) as cluster:
        ends = asyncio.create_task(cluster.start_and_wait("send-later", given, timeout_s=30))
        if told:
            request = pb.PublishMessageRequest(name="send-now", correlationKey=batch, timeToLive=30_000)
            await cluster.stub.PublishMessage(request)
        result = await ends
    sent = datetime.fromisoformat(result["greeting"]["date"])
    assert (sent >= at.replace(microsecond=0)) is not told


def mailbox(dovecot: Dovecot) -> dict[str, Any]:
    """The variable for an account that is empty."""
    return {"host": "localhost", "port": dovecot.imaps, "user": dovecot.new_account()}


@pytest.mark.parametrize(("body", "asks"), [("Please send the INVOICE again.", True), ("Thank you!", False)])
async def test_read_newest_and_decide(recorded: Recorded, dovecot: Dovecot, body: str, asks: bool) -> None:
    server = mailbox(dovecot)
    old, new = (f"From: ada@x.test\r\nSubject: Hello\r\n\r\n{text}\r\n".encode() for text in ("invoice", body))
    dovecot.deliver(server["user"], old, new)
    async with worker(recorded.address) as cluster:
        result = await cluster.start_and_wait("read-newest-and-decide", {"mailServer": server}, timeout_s=30)
    assert (result["sender"], result["question"].strip(), result["files"]) == ("ada@x.test", body, [])
    assert result["asksForInvoice"] is asks


async def test_read_newest_and_decide_ends_where_there_is_no_mail(recorded: Recorded, dovecot: Dovecot) -> None:
    async with worker(recorded.address) as cluster:
        given = {"mailServer": mailbox(dovecot)}
        result = await cluster.start_and_wait("read-newest-and-decide", given, timeout_s=30)
    assert result["newest"] is None
    assert "sender" not in result


async def test_search_and_archive(recorded: Recorded, dovecot: Dovecot) -> None:
    server = mailbox(dovecot)
    for sender, flags in [("ada@x.test", [r"\Seen"]), ("ada@x.test", []), ("bob@x.test", [r"\Seen"])]:
        dovecot.deliver(server["user"], f"From: {sender}\r\n\r\nHello\r\n".encode(), flags=flags)
    async with worker(recorded.address) as cluster:
        given = {"mailServer": server, "customer": {"email": "ada@x.test"}}
        result = await cluster.start_and_wait("search-and-archive", given, timeout_s=30)
        again = await cluster.start_and_wait("search-and-archive", given, timeout_s=30)
    assert (result["archived"], result["left"]) == (1, [])
    assert again["archived"] == 0
    with dovecot.client(server["user"]) as client:
        assert client.select_folder("Archive/Customers", readonly=True)[b"EXISTS"] == 1


async def test_any_other_error_is_an_incident_at_once(recorded: Recorded, choosy_postfix: Postfix) -> None:
    async with worker(recorded.address) as cluster:
        given = variables(choosy_postfix, customer={"email": "gone@x.test"})
        instance = await cluster.start("retry-then-incident", given)
        incident = await asyncio.to_thread(
            recorded.records.wait_for, "INCIDENT", "CREATED", processInstanceKey=instance
        )
        await cluster.cancel(instance)
    assert incident["value"]["errorMessage"].startswith("RECIPIENTS_REFUSED")


def about(wait_s: float) -> int:
    """The wait that a back-off with a tenth of jitter stands for."""
    return min((10, 30, 90, 270), key=lambda expected: abs(expected - wait_s))
