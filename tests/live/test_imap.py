"""IMAP tasks through a real broker: documents, long waits, and a worker that stops meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.live.conftest import Recorded
from tests.live.host import Host, Zeebe, host, until, zeebe
from tests.servers.document_store import DocumentStore
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from tests.servers.processes import one_task
from zeebe_mail.app import Mailroom, mailroom, selected, task_types
from zeebe_mail.demo.pki import Authority
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import load
from zeebe_mail.zeebe.gateway import pb

pytestmark = pytest.mark.live

ANSWER = (
    b"From: ada@x.test\r\nSubject: answer\r\nMessage-ID: <answer@x.test>\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSigned.\r\n"
    b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=contract.pdf\r\n\r\n"
    b"%PDF\r\n--b--\r\n"
)
WAIT = {"criteria": {"subject": "answer"}, "timeoutSeconds": 300}


@pytest.fixture(autouse=True)
def settings_of_the_worker(pki: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEEBE_MAIL_CA_FILE", str(pki.ca_file))
    monkeypatch.setenv("SECRET_IMAP_PASSWORD", PASSWORD)


@contextlib.asynccontextmanager
async def worker(address: str, *verbs: str, **options: Any) -> AsyncIterator[tuple[Mailroom, Host]]:
    """The worker's own parts in this process, for some task types."""
    faces = selected(task_types(load()), [f"mail:imap-{verb}:1" for verb in verbs], [])
    async with mailroom(load(), Redactor(), faces) as room, host(address, room.handler, **options) as running:
        yield room, running


async def deploy(cluster: Zeebe, process: str, verb: str) -> None:
    bpmn = one_task(process, f"mail:imap-{verb}:1", headers={"resultVariable": "result"})
    resource = pb.Resource(name=f"{process}.bpmn", content=bpmn)
    await cluster.stub.DeployResource(pb.DeployResourceRequest(resources=[resource]))


def variables(server: Dovecot, user: str, **request: Any) -> dict[str, Any]:
    return {
        "server": {"host": "localhost", "port": server.imaps},
        "auth": {"type": "password", "username": user, "password": "{{secrets.IMAP_PASSWORD}}"},
        "request": request,
    }


async def test_a_mail_is_found_read_with_its_attachments_and_filed(
    recorded: Recorded, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = dovecot.new_account()
    dovecot.deliver(user, ANSWER)
    with DocumentStore() as store:
        monkeypatch.setenv("CAMUNDA_REST_ADDRESS", store.url)
        async with zeebe(recorded.address) as cluster, worker(recorded.address, "list", "read", "move"):

            async def run(verb: str, **request: Any) -> Any:
                await deploy(cluster, f"imap-{verb}", verb)
                given = variables(dovecot, user, **request)
                return (await cluster.start_and_wait(f"imap-{verb}", given, timeout_s=30))["result"]

            (listed,) = (await run("list", limit=10))["messages"]
            read = await run("read", messageId=listed["messageId"])
            moved = await run("move", messages=[listed], target="Filed")
        (attachment,) = read["attachments"]
        assert store.kept(attachment["document"]) == ("contract.pdf", "application/pdf", b"%PDF")
    assert read["plainTextBody"].strip() == "Signed."
    assert (moved["from"], moved["to"], moved["done"]) == ("INBOX", "Filed", 1)


async def test_a_wait_outlives_the_jobs_time_out(recorded: Recorded, dovecot: Dovecot) -> None:
    user = dovecot.new_account()
    async with (
        zeebe(recorded.address) as cluster,
        worker(recorded.address, "wait", job_timeout=timedelta(seconds=1)),
    ):
        await deploy(cluster, "outlives", "wait")
        instance = await cluster.start("outlives", variables(dovecot, user, **WAIT))

        def extended() -> list[dict[str, Any]]:
            return recorded.records.all("JOB", "TIMEOUT_UPDATED", processInstanceKey=instance)

        await until(lambda: len(extended()) >= 5)
        await asyncio.to_thread(dovecot.deliver, user, ANSWER)
        await asyncio.to_thread(recorded.records.wait_for, "JOB", "COMPLETED", processInstanceKey=instance)
    assert recorded.records.all("JOB", "TIMED_OUT", processInstanceKey=instance) == []


async def test_a_wait_is_handed_back_by_a_worker_that_stops(recorded: Recorded, dovecot: Dovecot) -> None:
    user = dovecot.new_account()
    async with zeebe(recorded.address) as cluster:
        await deploy(cluster, "handed-back", "wait")
        async with worker(recorded.address, "wait") as (room, running):
            instance = await cluster.start("handed-back", variables(dovecot, user, **WAIT))
            await until(lambda: room.pool.leased)
            await running.stop()
            failed = await asyncio.to_thread(recorded.records.wait_for, "JOB", "FAILED", processInstanceKey=instance)
        assert failed["value"]["retries"] == 3
        assert "WORKER_STOPPING" in failed["value"]["errorMessage"]
        await asyncio.to_thread(dovecot.deliver, user, ANSWER)
        async with worker(recorded.address, "wait"):
            await asyncio.to_thread(recorded.records.wait_for, "JOB", "COMPLETED", processInstanceKey=instance)
    assert recorded.records.all("INCIDENT", processInstanceKey=instance) == []
