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
from uuid import uuid4

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
    "move-on-error",
    "reply-to-a-mail",
    "invoice-inbox",
    "approval-round-trip",
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


@pytest.mark.parametrize(("size", "is_read"), [(200, True), (200_000, False)])
async def test_move_on_error(recorded: Recorded, dovecot: Dovecot, size: int, is_read: bool) -> None:
    server = mailbox(dovecot)
    dovecot.deliver(server["user"], b"From: ada@x.test\r\n\r\n" + b"Hello\r\n" * (size // 7))
    async with worker(recorded.address) as cluster:
        result = await cluster.start_and_wait("move-on-error", {"mailServer": server}, timeout_s=30)
    assert (result.get("sender"), result.get("setAside")) == (("ada@x.test", None) if is_read else (None, 1))
    with dovecot.client(server["user"]) as client:
        assert client.select_folder("INBOX", readonly=True)[b"EXISTS"] == is_read
        if not is_read:
            assert client.select_folder("Too large", readonly=True)[b"EXISTS"] == 1
            assert "100000" in result["whyNot"]


def our_mailbox(postfix: Postfix, dovecot: Dovecot, **more: Any) -> dict[str, Any]:
    """The variables for alice, who sends and reads."""
    given = variables(postfix, **more)
    return given | {"mailServer": {**given["mailServer"], "imapPort": dovecot.imaps}}


@pytest.mark.parametrize("automatic", [False, True])
async def test_reply_to_a_mail(recorded: Recorded, choosy_postfix: Postfix, dovecot: Dovecot, automatic: bool) -> None:
    ticket = uuid4().hex
    mark = "Auto-Submitted: auto-replied\r\n" if automatic else ""
    question = f"From: bob@x.test\r\nTo: alice@x.test\r\nMessage-ID: <{ticket}@x.test>\r\nSubject: [{ticket}] Help\r\n"
    dovecot.deliver("alice", f"{question}{mark}\r\nIt is broken.\r\n".encode())
    async with worker(recorded.address) as cluster:
        given = our_mailbox(choosy_postfix, dovecot, ticket=ticket)
        result = await cluster.start_and_wait("reply-to-a-mail", given, timeout_s=30)
        again = await cluster.start_and_wait("reply-to-a-mail", given, timeout_s=30)
    if automatic:
        assert "answered" not in result
        assert result["whyNot"]
        return
    assert (result["answered"], result["marked"], again["question"]) == (["bob@x.test"], True, None)
    async with tasks(dovecot, "bob") as bob:
        thread = {"header": {"In-Reply-To": f"<{ticket}@x.test>"}}
        found = await bob.run("imap-wait", criteria=thread, fields="full", timeoutSeconds=30, ifMissing="error")
    (answer,) = found["messages"]
    assert answer["subject"] == f"Re: [{ticket}] Help"
    assert "It is broken." in answer["plainTextBody"]


async def test_invoice_inbox(recorded: Recorded, dovecot: Dovecot) -> None:
    server = mailbox(dovecot)
    for number, subject in enumerate(("Invoice 1", "Hello", "Your invoice 2"), 1):
        mail = f"From: shop{number}@x.test\r\nSubject: {subject}\r\n\r\nHello\r\n"
        dovecot.deliver(server["user"], mail.encode())
    async with worker(recorded.address) as cluster:
        result = await cluster.start_and_wait("invoice-inbox", {"mailServer": server}, timeout_s=30)
        again = await cluster.start_and_wait("invoice-inbox", {"mailServer": server}, timeout_s=30)
    assert [(one["sender"], one["subject"]) for one in result["invoices"]] == [
        ("shop1@x.test", "Invoice 1"),
        ("shop3@x.test", "Your invoice 2"),
    ]
    assert (result["filed"], again["filed"], again["invoices"]) == (2, 0, [])
    with dovecot.client(server["user"]) as client:
        assert client.select_folder("INBOX", readonly=True)[b"EXISTS"] == 1
        assert client.select_folder("Invoices", readonly=True)[b"EXISTS"] == 2


@pytest.mark.parametrize(("answer", "approved"), [("Yes, go ahead.", True), ("No!", False)])
async def test_approval_round_trip(
    recorded: Recorded, choosy_postfix: Postfix, dovecot: Dovecot, answer: str, approved: bool
) -> None:
    order = {"number": uuid4().hex, "total": 950}
    given = our_mailbox(choosy_postfix, dovecot, approver="bob@x.test", order=order, patience="PT2M")
    async with worker(recorded.address) as cluster, tasks(dovecot, "bob") as bob:
        process = asyncio.create_task(cluster.start_and_wait("approval-round-trip", given, timeout_s=60))
        asked = {"criteria": {"subject": order["number"]}, "timeoutSeconds": 30, "ifMissing": "error"}
        (question,) = (await bob.run("imap-wait", **asked))["messages"]
        header = f"From: bob@x.test\r\nIn-Reply-To: {question['messageId']}\r\n"
        dovecot.deliver("alice", f"{header}\r\n{answer}\r\n\r\n> Order costs 950. Answer yes or no.\r\n".encode())
        result = await process
    assert (result["answer"].strip(), result["approved"]) == (answer, approved)


async def test_approval_round_trip_without_an_answer(
    recorded: Recorded, choosy_postfix: Postfix, dovecot: Dovecot
) -> None:
    order = {"number": "4711", "total": 950}
    given = our_mailbox(choosy_postfix, dovecot, approver="bob@x.test", order=order, patience="PT0S")
    async with worker(recorded.address) as cluster:
        result = await cluster.start_and_wait("approval-round-trip", given, timeout_s=30)
    assert "approved" not in result


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
