"""No path sends around the guard rails: every task that sends, and the face of Camunda's connector, at real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail.app import TrialAttempt
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail
from zeebe_mail.mail.smtp import SmtpSession
from zeebe_mail.operations.catalogue import catalogue

pytestmark = pytest.mark.live

CAMUNDA = "io.camunda:email:1"

LETTER = {
    "from": "alice@x.test",
    "to": "alice@x.test",
    "cc": "alice@mail.test",
    "bcc": "bob@mail.test",
    "subject": "Hi",
    "text": "Hello.\n" * 200,
}

REQUESTS: dict[str, dict[str, Any]] = {"mail:smtp-send:1": LETTER}
"""For each task that sends: a mail from Alice to herself, in both of her domains, and, hidden, to Bob."""

SENDING = {task for task, operation in catalogue().items() if operation.session is SmtpSession}


@dataclass(frozen=True)
class Sender:
    """Alice's account in a worker with guard rails."""

    tasks: Tasks
    postfix: Postfix

    async def send(self, task_type: str, attempt: TrialAttempt | None = None) -> tuple[str, Any]:
        """The Message-ID, and all that is told.

        Raises:
            TaskFailed: the job failed.
        """
        if task_type == CAMUNDA:
            return await self._as_camunda(attempt or TrialAttempt())
        place = {"host": "localhost", "port": self.postfix.submission, "security": "STARTTLS"}
        name = task_type.removeprefix("mail:").removesuffix(":1")
        told = await self.tasks.at(place).attempt(attempt or TrialAttempt(), name, **REQUESTS[task_type])
        return told["messageId"], told

    async def _as_camunda(self, attempt: TrialAttempt) -> tuple[str, Any]:
        action = {
            **{name: LETTER[name] for name in ("from", "to", "cc", "bcc", "subject")},
            "contentType": "PLAIN",
            "body": LETTER["text"],
        }
        server = {"smtpHost": "localhost", "smtpPort": self.postfix.submission, "smtpCryptographicProtocol": "TLS"}
        variables = {
            "authentication": {"type": "simple", "username": "alice", "password": "secret"},
            "protocol": "smtp",
            "data": {"smtpActionDiscriminator": "sendEmailSmtp", "smtpConfig": server, "smtpAction": action},
        }
        job = Job(7, CAMUNDA, variables, {"resultVariable": "result"}, 3, 0)
        outcome = await self.tasks.room.handler.handle(job, attempt)
        if isinstance(outcome, Fail):
            raise TaskFailed(outcome)
        assert isinstance(outcome, Complete), outcome
        told = outcome.variables["result"]
        return told["messageId"], told


Worker = Callable[..., AbstractAsyncContextManager[Sender]]


@pytest.fixture
def worker(dovecot: Dovecot, postfix: Postfix) -> Worker:
    """Makes a worker with these settings."""

    @asynccontextmanager
    async def made(**settings: Any) -> AsyncIterator[Sender]:
        async with tasks(dovecot, "alice", compat=("camunda",), **settings) as alice:
            yield Sender(alice, postfix)

    return made


def test_no_task_that_sends_is_forgotten() -> None:
    assert REQUESTS.keys() == SENDING


every_task = pytest.mark.parametrize("task_type", sorted({*SENDING, CAMUNDA}))


@every_task
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"denied_recipients": ("@mail.test",)}, "RECIPIENT_NOT_ALLOWED"),
        ({"denied_recipients": ("bob@mail.test",)}, "RECIPIENT_NOT_ALLOWED"),
        ({"allowed_recipients": ("@x.test", "alice@mail.test")}, "RECIPIENT_NOT_ALLOWED"),
        (
            {"denied_recipients": ("*.test", "@x.test", "@mail.test"), "redirect_all_to": ("qa@x.test",)},
            "RECIPIENT_NOT",
        ),
        ({"max_recipients": 2}, "TOO_MANY_RECIPIENTS"),
        ({"max_message_bytes": 1000}, "MESSAGE_TOO_LARGE"),
        ({"allowed_senders": {"alice": ("@mail.test",)}}, "SENDER_NOT_ALLOWED"),
        ({"allowed_senders": {"bob": ("@x.test",)}}, "SENDER_NOT_ALLOWED"),
    ],
)
async def test_what_the_rails_forbid_is_not_sent(
    worker: Worker, task_type: str, settings: dict[str, Any], code: str
) -> None:
    attempt = TrialAttempt()
    async with worker(**settings) as sender:
        with pytest.raises(TaskFailed, match=code) as refused:
            await sender.send(task_type, attempt)
    assert refused.value.retries == 0 or task_type == CAMUNDA
    assert not attempt.committed


@every_task
async def test_what_they_allow_is_sent(worker: Worker, task_type: str) -> None:
    async with worker(
        allowed_recipients=("@x.test", "@mail.test"),
        denied_recipients=("*.mail.test",),
        max_recipients=3,
        max_message_bytes=100_000,
        allowed_senders={"ali*": ("alice@x.test",)},
    ) as sender:
        message_id, _ = await sender.send(task_type)
    assert message_id


@every_task
async def test_all_mail_of_a_test_stage_goes_to_the_testers_only(
    worker: Worker, dovecot: Dovecot, task_type: str
) -> None:
    tester, address = "bob", "bob@x.test"
    async with worker(redirect_all_to=(address,)) as sender:
        message_id, told = await sender.send(task_type)
    if "envelope" in told:
        assert told["envelope"]["to"] == told["accepted"] == [address]
    async with tasks(dovecot, tester) as inbox:
        await inbox.run("imap-wait", criteria={"messageId": message_id}, timeoutSeconds=30, ifMissing="error")
    with dovecot.client(tester, "secret") as client:
        client.select_folder("INBOX", readonly=True)
        (uid,) = client.search(["HEADER", "MESSAGE-ID", message_id])
        mail = message_from_bytes(client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"], policy=policy.default)
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == (address, None, None)
    originals = [mail[f"X-Original-{name}"] for name in ("To", "Cc", "Bcc")]
    assert originals == ["alice@x.test", "alice@mail.test", "bob@mail.test"]


async def test_where_any_recipient_will_do_the_forbidden_ones_are_told_as_refused(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REQUESTS, "mail:smtp-send:1", {**LETTER, "requiredRecipients": "any"})
    async with worker(denied_recipients=("@mail.test",)) as sender:
        _, told = await sender.send("mail:smtp-send:1")
    assert told["accepted"] == ["alice@x.test"]
    assert [(one["address"], one["code"], one["enhanced"]) for one in told["rejected"]] == [
        ("alice@mail.test", 0, "5.7.1"),
        ("bob@mail.test", 0, "5.7.1"),
    ]
    assert told["rejected"][0]["text"].startswith("RECIPIENT_NOT_ALLOWED")
    async with worker(denied_recipients=("@mail.test", "@x.test")) as sender:
        with pytest.raises(TaskFailed, match="NO_RECIPIENT_LEFT"):
            await sender.send("mail:smtp-send:1")
