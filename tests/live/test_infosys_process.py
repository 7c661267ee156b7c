"""A process drawn with Infosys' three element templates, run by this worker on a real broker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.conftest import Recorded
from tests.live.host import Zeebe, host, zeebe
from tests.operations.infosys.connectors import task_type
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from tests.servers.postfix import Postfix
from tests.servers.processes import ServiceTask, tasks_in_a_row
from zeebe_mail.app import mailroom, task_types
from zeebe_mail.demo.pki import Authority
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import load

pytestmark = pytest.mark.live

LOGIN = {
    "authentication.hostname": "localhost",
    "authentication.username": "=user",
    "authentication.password": "secrets.MAIL_PASSWORD",
}
OF_MAILBOX = LOGIN | {"authentication.domainName": "x.test"}
PROCESS = (
    ServiceTask(
        task_type("imap"),
        OF_MAILBOX
        | {
            "operation": "imap.list-emails",
            "authentication.portNumber": "=imapsPort",
            "authentication.folderPath": "Inbox",
            "data.filters": '={"filter": "Subject Like \'question\'"}',
            "data.sortBy": '={"sortOn": "ReceivedTime", "order": "desc"}',
            "data.maxResults": "1",
            "data.outputType": "headerDetails",
        },
        {"resultExpression": "={question: response.response[1]}"},
    ),
    ServiceTask(
        task_type("smtp"),
        LOGIN
        | {
            "authentication.username": '=user + "@x.test"',
            "authentication.port": "=smtpPort",
            "smtpEmailMailBoxName": '=user + "@x.test"',
            "smtpEmailToRecipients": "=[question.From]",
            "smtpEmailSubject": '="Re: " + question.Subject',
            "smtpEmailContentType": "Text",
            "smtpEmailContent": '="We are on it."',
            "smtpEmailImportance": "${true}",
            "smtpEmailReadReceipt": "${false}",
            "smtpEmailSensitivity": "Private",
        },
        {"resultVariable": "answer"},
    ),
    ServiceTask(
        task_type("pop3"),
        OF_MAILBOX
        | {
            "operation": "pop3.delete-email",
            "authentication.portNumber": "=pop3sPort",
            "data.messageId": '="gone@x.test"',
        },
        {
            "resultVariable": "deleted",
            "errorExpression": '=if contains(error.message, "No email found") then ignoreError({deleted: false}) '
            "else null",
        },
    ),
)


@contextlib.asynccontextmanager
async def worker(address: str) -> AsyncIterator[Zeebe]:
    async with (
        mailroom(load(), Redactor(), task_types(load())) as room,
        host(address, room.handler),
        zeebe(address) as cluster,
    ):
        yield cluster


@pytest.fixture(autouse=True)
def settings_of_the_worker(pki: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEEBE_MAIL_CA_FILE", str(pki.ca_file))
    monkeypatch.setenv("ZEEBE_MAIL_COMPAT", "camunda,infosys")
    monkeypatch.setenv("SECRET_MAIL_PASSWORD", PASSWORD)


async def test_a_process_of_infosys_templates_runs_unchanged(
    recorded: Recorded, dovecot: Dovecot, postfix: Postfix, tmp_path: Path
) -> None:
    user = dovecot.new_account()
    dovecot.deliver(user, b"From: Bob <bob@x.test>\r\nSubject: A question\r\nMessage-ID: <q@x.test>\r\n\r\nWhen?\r\n")
    file = tmp_path / "infosys.bpmn"
    file.write_bytes(tasks_in_a_row("infosys-mail", PROCESS))
    given = {"user": user, "imapsPort": str(dovecot.imaps), "pop3sPort": str(dovecot.pop3s)}
    async with worker(recorded.address) as cluster:
        await cluster.deploy([file])
        result = await cluster.start_and_wait(
            "infosys-mail", given | {"smtpPort": str(postfix.submission)}, timeout_s=30
        )
    assert (result["question"]["MessageID"], result["question"]["From"]) == ("q@x.test", "Bob <bob@x.test>")
    assert result["answer"]["response"] == "Mail sent successfully"
    assert result["deleted"] is False
