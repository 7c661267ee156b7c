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
from tests.servers.foreign_models import camunda_inputs, camunda_model
from tests.servers.mailboxes import PASSWORD
from tests.servers.postfix import Postfix
from tests.tasks import tasks
from zeebe_mail.app import mailroom, task_types
from zeebe_mail.compat.convert import convert
from zeebe_mail.demo.pki import Authority
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import load

pytestmark = pytest.mark.live

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
    monkeypatch.setenv("ZEEBE_MAIL_COMPAT", "camunda")
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


def models(directory: Path, name: str, inputs: Mapping[str, str], headers: Mapping[str, str]) -> list[Path]:
    """The original and the converted model, as processes of two names."""
    original = camunda_model(f"{name}-original", 6, inputs, headers)
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
    paths = models(tmp_path, "send", inputs, {"resultExpression": "={id: messageId, ok: sent}"})
    given = {"port": postfix.submission, "customer": "Bob <bob@x.test>", "number": "4711"}
    arrived = []
    async with worker(recorded.address) as cluster, tasks(dovecot, "bob") as bob:
        await cluster.deploy(paths)
        for path in paths:
            result = await cluster.start_and_wait(path.stem, given, timeout_s=30)
            assert result["ok"] is True
            by_its_id = {"messageId": result["id"]}
            await bob.run("imap-wait", criteria=by_its_id, timeoutSeconds=30, ifMissing="error")
            arrived.append(told(await bob.run("imap-read", **by_its_id, attachments="metadata")))
    assert arrived[0] == arrived[1]
    assert arrived[1]["attachments"] == [("4711.csv", "text/csv", 13)]


def told(mail: Mapping[str, Any]) -> dict[str, Any]:
    """What the reader of a mail gets."""
    kept = {name: mail[name] for name in ("from", "to", "cc", "subject", "plainTextBody", "htmlBody")}
    files = [(one["fileName"], one["contentType"], one["size"]) for one in mail["attachments"]]
    return {**kept, "attachments": files}


async def test_a_list_of_mails_tells_what_it_told(recorded: Recorded, dovecot: Dovecot, tmp_path: Path) -> None:
    user = dovecot.new_account()
    for number in (1, 2, 3):
        dovecot.deliver(user, f"Message-ID: <{number}@x.test>\r\nSubject: No. {number}\r\n\r\nHello\r\n".encode())
    action = {"maxToBeRead": "=2", "sortField": "RECEIVED_DATE", "sortOrder": "ASC", "listEmailsFolder": ""}
    inputs = camunda_inputs(8, "listEmailsImap", action, {"account": "=accounts.shop"})
    expression = "={n: count(response), ids: response.messageId, subject: response[1].subject}"
    _, converted = models(tmp_path, "list", inputs, {"resultExpression": expression})
    async with worker(recorded.address) as cluster:
        await cluster.deploy([converted])
        account = {"username": user, "password": "{{secrets.IMAP_PASSWORD}}"}
        server = {"imapHost": "localhost", "imapPort": dovecot.imaps, "imapCryptographicProtocol": "SSL"}
        given = {"accounts": {"shop": account | server}}
        result = await cluster.start_and_wait(converted.stem, given, timeout_s=30)
    assert result["ids"] == ["<1@x.test>", "<2@x.test>"]
    assert (result["n"], result["subject"]) == (2, "No. 1")
