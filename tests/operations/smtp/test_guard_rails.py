"""No path sends around the guard rails: every task that sends, and the face of Camunda's connector, at real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.operations.smtp.correspondence import Correspondent, People
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed, tasks
from zeebe_mail.app import TrialAttempt
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail
from zeebe_mail.mail.smtp import SmtpSession
from zeebe_mail.operations.catalogue import catalogue

pytestmark = pytest.mark.live

CAMUNDA = "io.camunda:email:1"
TEXT = "Hello.\n" * 200
RECIPIENTS = {"to": "alice@x.test", "cc": "alice@mail.test", "bcc": "bob@mail.test"}


def letter(me: Correspondent) -> dict[str, Any]:
    return {**RECIPIENTS, "from": me.address, "subject": "Hi", "text": TEXT}


def about_a_mail(me: Correspondent) -> dict[str, Any]:
    me.put(b"From: carl@mail.test\r\nTo: x@x.test\r\nSubject: Question\r\nMessage-ID: <q@x.test>\r\n\r\nWell?\r\n")
    return {**letter(me), "original": {"messageId": "<q@x.test>"}}


def draft(me: Correspondent) -> dict[str, Any]:
    head = "".join(f"{name.title()}: {address}\r\n" for name, address in {"from": me.address, **RECIPIENTS}.items())
    me.put(f"{head}Subject: Hi\r\nMessage-ID: <{me.user}@x.test>\r\n\r\n{TEXT}".encode(), mailbox="Drafts")
    return {"draft": {"messageId": f"<{me.user}@x.test>"}}


SENDING: dict[str, Callable[[Correspondent], dict[str, Any]]] = {
    "mail:smtp-send:1": letter,
    "mail:smtp-reply:1": about_a_mail,
    "mail:smtp-forward:1": about_a_mail,
    "mail:smtp-draft-send:1": draft,
}
"""For each task that sends: what sends a mail to all of the recipients above."""

every_task = pytest.mark.parametrize("task_type", [*SENDING, CAMUNDA])


@dataclass(frozen=True)
class Sender:
    """An account in a worker with guard rails."""

    me: Correspondent
    postfix: Postfix

    async def send(self, task_type: str, attempt: TrialAttempt | None = None, **more: Any) -> Any:
        """What the task tells.

        Raises:
            TaskFailed: the job failed.
        """
        attempt = attempt or TrialAttempt()
        if task_type == CAMUNDA:
            return await self._as_camunda(attempt, more)
        name = task_type.removeprefix("mail:").removesuffix(":1")
        return await self.me.attempt(attempt, name, **SENDING[task_type](self.me), **more)

    async def _as_camunda(self, attempt: TrialAttempt, more: dict[str, Any]) -> Any:
        words = {"subject": "Hi", "contentType": "PLAIN", "body": TEXT}
        action = {**RECIPIENTS, "from": self.me.address, **words, **more}
        server = {"smtpHost": "localhost", "smtpPort": self.postfix.submission, "smtpCryptographicProtocol": "TLS"}
        variables = {
            "authentication": {"type": "simple", "username": self.me.address, "password": PASSWORD},
            "protocol": "smtp",
            "data": {"smtpActionDiscriminator": "sendEmailSmtp", "smtpConfig": server, "smtpAction": action},
        }
        job = Job(7, CAMUNDA, variables, {"resultVariable": "result"}, 3, 0)
        outcome = await self.me.tasks.room.handler.handle(job, attempt)
        if isinstance(outcome, Fail):
            raise TaskFailed(outcome)
        assert isinstance(outcome, Complete), outcome
        return outcome.variables["result"]


Worker = Callable[..., AbstractAsyncContextManager[Sender]]


@pytest.fixture
def worker(dovecot: Dovecot, relay: Postfix) -> Worker:
    """Makes a worker with these settings, and an account of its own."""

    @asynccontextmanager
    async def made(**settings: Any) -> AsyncIterator[Sender]:
        async with tasks(dovecot, "nobody", compat=("camunda",), **settings) as room:
            yield Sender(People(room, dovecot, relay).new(), relay)

    return made


def test_no_task_that_sends_is_forgotten() -> None:
    assert SENDING.keys() == {name for name, operation in catalogue().items() if operation.session is SmtpSession}


@every_task
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"denied_recipients": ("@mail.test",)}, "RECIPIENT_NOT_ALLOWED"),
        ({"denied_recipients": ("bob@mail.test",)}, "RECIPIENT_NOT_ALLOWED"),
        ({"allowed_recipients": ("@x.test", "alice@mail.test")}, "RECIPIENT_NOT_ALLOWED"),
        ({"denied_recipients": ("@mail.test",), "redirect_all_to": ("bob@x.test",)}, "RECIPIENT_NOT_ALLOWED"),
        ({"max_recipients": 2}, "TOO_MANY_RECIPIENTS"),
        ({"max_message_bytes": 1000}, "MESSAGE_TOO_LARGE"),
        ({"allowed_senders": {"*@x.test": ("@mail.test",)}}, "SENDER_NOT_ALLOWED"),
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


@pytest.mark.parametrize("name", ["Sender", "Resent-From", "resent-sender"])
async def test_no_header_makes_a_mail_one_of_somebody_else(worker: Worker, name: str) -> None:
    """Camunda's face takes almost every header, and a draft may have it twice, the first of them right."""
    attempt = TrialAttempt()
    async with worker(allowed_senders={"user*": ("@x.test",)}) as sender:
        me = sender.me
        with pytest.raises(TaskFailed, match="SENDER_NOT_ALLOWED"):
            await sender.send(CAMUNDA, attempt, headers={name: "ceo@bank.test"})
        head = f"From: {me.address}\r\n{name}: {me.address}\r\n{name}: ceo@bank.test\r\nTo: alice@x.test\r\n"
        me.put(f"{head}Message-ID: <two@x.test>\r\n\r\n{TEXT}".encode(), mailbox="Drafts")
        with pytest.raises(TaskFailed, match="SENDER_NOT_ALLOWED") as refused:
            await me.attempt(attempt, "smtp-draft-send", draft={"messageId": "<two@x.test>"})
    assert "bank.test in Sender." in str(refused.value) or f"`request.headers.{name.title()}`" in str(refused.value)
    assert not attempt.committed


@pytest.mark.parametrize("task_type", ["mail:smtp-send:1", "mail:smtp-reply:1", "mail:smtp-forward:1"])
async def test_nobody_invites_as_somebody_else(worker: Worker, task_type: str) -> None:
    attempt = TrialAttempt()
    meeting = {"start": "2026-12-01T09:00:00@Europe/Berlin", "duration": "PT1H", "organizer": "ceo@bank.test"}
    async with worker(allowed_senders={"user*": ("@x.test",)}) as sender:
        with pytest.raises(TaskFailed, match=r"SENDER_NOT_ALLOWED.*`request.invitation.organizer`"):
            await sender.send(task_type, attempt, invitation=meeting)
    assert not attempt.committed


@pytest.mark.parametrize("task_type", SENDING)
async def test_reports_go_to_nobody_who_must_not_get_mail(worker: Worker, task_type: str) -> None:
    attempt = TrialAttempt()
    async with worker(denied_recipients=("boss@x.test",)) as sender:
        with pytest.raises(TaskFailed, match=r"RECIPIENT_NOT_ALLOWED.*`request.envelopeFrom`"):
            await sender.send(task_type, attempt, envelopeFrom="boss@x.test")
    assert not attempt.committed


@pytest.mark.parametrize("task_type", SENDING)
async def test_of_the_mail_of_a_test_stage_only_the_account_hears(
    worker: Worker, people: People, task_type: str
) -> None:
    """Who else would get the bounces gets none: the server says that in what it writes of the mail."""
    tester, real = people.new(), people.new()
    receipt = {"readReceipt": real.address} if task_type != "mail:smtp-draft-send:1" else {}
    async with worker(redirect_all_to=(tester.address,)) as sender:
        told = await sender.send(task_type, envelopeFrom=real.address, dsn={"notify": "success"}, **receipt)
        assert told["envelope"]["from"] == sender.me.address
    (mail,) = await tester.receives()
    assert mail["Return-Path"] == f"<{sender.me.address}>"
    assert mail["Disposition-Notification-To"] is None


async def test_a_draft_of_a_test_stage_asks_nobody_for_a_receipt(worker: Worker, people: People) -> None:
    tester = people.new()
    async with worker(redirect_all_to=(tester.address,)) as sender:
        me = sender.me
        asks = "Disposition-Notification-To: real@mail.test\r\nErrors-To: real@mail.test\r\n"
        head = f"From: {me.address}\r\nTo: alice@x.test\r\nX-Order: 1\r\n{asks}"
        me.put(f"{head}Message-ID: <r@x.test>\r\n\r\n{TEXT}".encode(), mailbox="Drafts")
        await me.run("smtp-draft-send", draft={"messageId": "<r@x.test>"})
    (mail,) = await tester.receives()
    assert [mail[name] for name in ("Disposition-Notification-To", "Errors-To", "X-Order")] == [None, None, "1"]


@every_task
async def test_what_they_allow_is_sent(worker: Worker, task_type: str) -> None:
    async with worker(
        allowed_recipients=("@x.test", "@mail.test"),
        denied_recipients=("*.mail.test",),
        max_recipients=3,
        max_message_bytes=100_000,
        allowed_senders={"user*": ("@x.test",)},
    ) as sender:
        assert (await sender.send(task_type))["messageId"]


@every_task
async def test_all_mail_of_a_test_stage_goes_to_the_testers_only(
    worker: Worker, people: People, task_type: str
) -> None:
    tester = people.new()
    async with worker(redirect_all_to=(tester.address,)) as sender:
        told = await sender.send(task_type)
    if "envelope" in told:
        assert told["envelope"]["to"] == told["accepted"] == [tester.address]
    (mail,) = await tester.receives()
    assert mail["Message-ID"] == told["messageId"]
    assert [mail.get_all(name) for name in ("To", "Cc", "Bcc")] == [[tester.address], None, None]
    originals = {name: mail.get_all(f"X-Original-{name}") for name in RECIPIENTS}
    assert originals == {name: [address] for name, address in RECIPIENTS.items()}


async def test_a_draft_of_a_test_stage_is_for_the_testers_already(worker: Worker, people: People) -> None:
    tester = people.new()
    async with worker(redirect_all_to=(tester.address,), allowed_recipients=("@x.test", "@mail.test")) as sender:
        me = sender.me
        place = {"host": "localhost", "port": me.tasks.server.imaps, "security": "SSL_TLS"}
        saved = await me.tasks.at(place).with_inputs().run("imap-draft-save", **letter(me))
        await me.run("smtp-draft-send", draft=saved)
    (mail,) = await tester.receives()
    assert mail.get_all("To") == [tester.address]
    assert mail.get_all("X-Original-Bcc") == ["bob@mail.test"]


@pytest.mark.parametrize("task_type", SENDING)
async def test_where_any_recipient_will_do_the_forbidden_ones_are_told_as_refused(
    worker: Worker, task_type: str
) -> None:
    async with worker(denied_recipients=("@mail.test",)) as sender:
        told = await sender.send(task_type, requiredRecipients="any")
    assert told["accepted"] == ["alice@x.test"]
    assert [(one["address"], one["code"], one["enhanced"]) for one in told["rejected"]] == [
        ("alice@mail.test", 0, "5.7.1"),
        ("bob@mail.test", 0, "5.7.1"),
    ]
    assert told["rejected"][0]["text"].startswith("RECIPIENT_NOT_ALLOWED")


@pytest.mark.parametrize("task_type", SENDING)
async def test_where_nobody_is_left_nothing_is_sent(worker: Worker, task_type: str) -> None:
    attempt = TrialAttempt()
    async with worker(allowed_recipients=("@example.org",)) as sender:
        with pytest.raises(TaskFailed, match="NO_RECIPIENT_LEFT"):
            await sender.send(task_type, attempt, requiredRecipients="any")
    assert not attempt.committed
