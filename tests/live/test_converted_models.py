"""A converted model does what it did before: the original in compat mode, the converted one with our task types."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import Recorded
from tests.live.host import Zeebe, host, zeebe
from tests.servers.dovecot import Dovecot
from tests.servers.foreign_models import camunda_inputs, camunda_model, model
from tests.servers.mailboxes import PASSWORD
from tests.servers.postfix import Postfix
from tests.tasks import Tasks, tasks
from zeebe_mail.app import mailroom, task_types
from zeebe_mail.compat.convert import convert
from zeebe_mail.demo.pki import Authority
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import load

pytestmark = pytest.mark.live

INFOSYS_SMTP = "com.infosys.camundaconnectors.email:smtp:1"
MAIL = {
    "from": '="alice@x.test"',
    "to": "=customer",
    "subject": '="Order " + number',
    "contentType": "PLAIN",
    "body": '="We have it."',
    "data_smtpAction_attachments_documentMode": "single",
    "data_smtpAction_attachments_single_documentSource": "inline",
    "data_smtpAction_attachments_single_inline_content": '="quantity;item"',
    "data_smtpAction_attachments_single_inline_fileName": '=number + ".csv"',
    "data_smtpAction_attachments_single_inline_contentType": "text/csv",
}


@pytest.fixture(autouse=True)
def settings_of_the_worker(pki: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEEBE_MAIL_CA_FILE", str(pki.ca_file))
    monkeypatch.setenv("ZEEBE_MAIL_COMPAT", "camunda,infosys")
    monkeypatch.setenv("SECRET_SMTP_PASSWORD", "secret")
    monkeypatch.setenv("SECRET_IMAP_PASSWORD", PASSWORD)


@contextlib.asynccontextmanager
async def worker(address: str) -> AsyncIterator[Zeebe]:
    settings = load()
    async with (
        mailroom(settings, Redactor(), task_types(settings)) as room,
        host(address, room.handler),
        zeebe(address) as cluster,
    ):
        yield cluster


def models(directory: Path, name: str, original: bytes) -> list[Path]:
    """The original and the converted model, as processes of two names."""
    conversion = convert(original)
    assert conversion.complete, conversion.tasks
    paths = [directory / f"{name}-original.bpmn", directory / f"{name}-converted.bpmn"]
    paths[0].write_bytes(original)
    paths[1].write_bytes(conversion.model.replace(f"{name}-original".encode(), f"{name}-converted".encode()))
    return paths


async def test_a_mail_arrives_as_it_did(recorded: Recorded, postfix: Postfix, dovecot: Dovecot, tmp_path: Path) -> None:
    place = {
        "host": "localhost",
        "port": "=port",
        "encryption": '="tls"',
        "username": "alice@x.test",
        "password": "{{secrets.SMTP_PASSWORD}}",
    }
    inputs = camunda_inputs(6, "sendEmailSmtp", MAIL, place)
    headers = {"resultExpression": "={id: messageId, ok: sent}"}
    paths = models(tmp_path, "send", camunda_model("send-original", 6, inputs, headers))
    given = {"port": postfix.submission, "customer": "Bob <bob@x.test>", "number": "4711"}
    async with worker(recorded.address) as cluster, tasks(dovecot, "bob") as bob:
        await cluster.deploy(paths)
        arrived = [await sent(cluster, bob, path, given) for path in paths]
    assert arrived[0] == arrived[1]
    assert arrived[1]["attachments"] == [("4711.csv", "text/csv", 13)]


async def sent(cluster: Zeebe, reader: Tasks, path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the reader gets of the mail that a process sends."""
    result = await cluster.start_and_wait(path.stem, given, timeout_s=30)
    assert result.get("ok", True) is True
    by_its_id = {"messageId": result["id"]}
    await reader.run("imap-wait", criteria=by_its_id, timeoutSeconds=30, ifMissing="error")
    return told(await reader.run("imap-read", **by_its_id, attachments="metadata"))


def told(mail: Mapping[str, Any]) -> dict[str, Any]:
    """What the reader of a mail gets."""
    kept = {name: mail[name] for name in ("from", "to", "cc", "subject", "plainTextBody", "htmlBody", "importance")}
    files = [(one["fileName"], one["contentType"], one["size"]) for one in mail["attachments"]]
    return {**kept, "attachments": files}


async def test_a_list_of_mails_tells_what_it_told(recorded: Recorded, dovecot: Dovecot, tmp_path: Path) -> None:
    user = dovecot.new_account()
    for number in (1, 2, 3):
        dovecot.deliver(user, f"Message-ID: <{number}@x.test>\r\nSubject: No. {number}\r\n\r\nHello\r\n".encode())
    action = {"maxToBeRead": "=2", "sortField": "RECEIVED_DATE", "sortOrder": "ASC"}
    inputs = camunda_inputs(8, "listEmailsImap", action, {"account": "=accounts.shop"})
    expression = "={n: count(response), ids: response.messageId, subject: response[1].subject}"
    paths = models(tmp_path, "list", camunda_model("list-original", 8, inputs, {"resultExpression": expression}))
    account = {"username": user, "password": "{{secrets.IMAP_PASSWORD}}"}
    server = {"imapHost": "localhost", "imapPort": dovecot.imaps, "imapCryptographicProtocol": "SSL"}
    given = {"accounts": {"shop": account | server}}
    async with worker(recorded.address) as cluster:
        await cluster.deploy(paths)
        before, after = [await cluster.start_and_wait(path.stem, given, timeout_s=30) for path in paths]
    assert before == after
    assert after["ids"] == ["<1@x.test>", "<2@x.test>"]
    assert (after["n"], after["subject"]) == (2, "No. 1")


ONE_MAIL = [
    ("searchEmailsImap", {"criteria": '={field: "SUBJECT", value: "No. 1"}'}, "={ids: response.messageId}"),
    ("readEmailImap", {"messageId": "=id"}, "={id: messageId, text: trim(plainTextBody), html: htmlBody, size: size}"),
    ("moveEmailImap", {"messageId": "=id", "fromFolder": "INBOX", "toFolder": "Done"}, "={to: to, id: messageId}"),
    ("deleteEmailImap", {"messageId": "=id"}, "={gone: deleted, id: messageId}"),
    ("readEmailPop3", {"messageId": "=id"}, "={id: messageId, text: trim(plainTextBody)}"),
    ("deleteEmailPop3", {"messageId": "=id"}, "={gone: deleted, id: messageId}"),
]


@pytest.mark.parametrize(("operation", "action", "expression"), ONE_MAIL, ids=[one[0] for one in ONE_MAIL])
async def test_a_mail_is_found_read_and_filed_as_it_was(
    recorded: Recorded, dovecot: Dovecot, tmp_path: Path, operation: str, action: dict[str, str], expression: str
) -> None:
    place = {"host": "localhost", "port": "=port", "username": "=user", "password": "{{secrets.IMAP_PASSWORD}}"}
    inputs = camunda_inputs(4, operation, action, place)
    name = operation.lower()
    paths = models(tmp_path, name, camunda_model(f"{name}-original", 4, inputs, {"resultExpression": expression}))
    port = dovecot.pop3s if operation.endswith("Pop3") else dovecot.imaps
    outcomes = []
    async with worker(recorded.address) as cluster:
        await cluster.deploy(paths)
        for path in paths:
            user = dovecot.new_account()
            mails = [f"Message-ID: <{n}@x.test>\r\nSubject: No. {n}\r\n\r\nHello\r\n".encode() for n in (1, 2)]
            dovecot.deliver(user, *mails)
            given = {"port": port, "user": user, "id": "<1@x.test>"}
            result = await cluster.start_and_wait(path.stem, given, timeout_s=30)
            with dovecot.client(user) as client:
                left = client.select_folder("INBOX", readonly=True)[b"EXISTS"]
            outcomes.append(({name: value for name, value in result.items() if name != "user"}, left))
    assert outcomes[0] == outcomes[1]


async def test_infosys_mail_arrives_as_it_did(
    recorded: Recorded, postfix: Postfix, dovecot: Dovecot, tmp_path: Path
) -> None:
    inputs = {
        "authentication.hostname": "localhost",
        "authentication.port": "=string(port)",
        "authentication.username": "alice@x.test",
        "authentication.password": "secrets.SMTP_PASSWORD",
        "smtpEmailMailBoxName": '="alice@x.test"',
        "smtpEmailToRecipients": "=[customer]",
        "smtpEmailSubject": '="Order " + number',
        "smtpEmailContentType": "Text",
        "smtpEmailContent": "We have it.\\nThank you.",
        "smtpEmailImportance": "${true}",
        "smtpEmailReadReceipt": "${false}",
        "smtpEmailSensitivity": "Private",
    }
    headers = {"resultExpression": "={id: messageId}"}
    paths = models(tmp_path, "infosys-send", model("infosys-send-original", INFOSYS_SMTP, inputs, headers))
    given = {"port": postfix.submission, "customer": "bob@x.test", "number": "4711"}
    async with worker(recorded.address) as cluster, tasks(dovecot, "bob") as bob:
        await cluster.deploy(paths)
        arrived = [await sent(cluster, bob, path, given) for path in paths]
    assert arrived[0] == arrived[1]
    assert arrived[1]["importance"] == "high"
    assert arrived[1]["plainTextBody"].split() == ["We", "have", "it.", "Thank", "you."]
