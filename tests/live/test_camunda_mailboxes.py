"""Camunda's tasks on mailboxes at a real Dovecot: what they give, and that only the mail that is meant is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.servers.document_store import DocumentStore
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from tests.tasks import TaskFailed, Tasks, tasks

pytestmark = pytest.mark.live

ATTACHED = (
    b"From: Jane <jane@x.test>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <{name}@x.test>\r\n"
    b"Date: Tue, 10 Mar 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    b"--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\na;b\r\n--b--\r\n"
)


@pytest.fixture
async def account(dovecot: Dovecot) -> AsyncIterator[Tasks]:
    with DocumentStore() as store:
        settings: dict[str, Any] = {"compat": ["camunda"], "CAMUNDA_REST_ADDRESS": store.url}
        async with tasks(dovecot, dovecot.new_account(), **settings) as mine:
            yield mine


async def ask(account: Tasks, discriminator: str, **action: Any) -> Any:
    protocol = discriminator[-4:].lower()
    port = getattr(account.server, f"{protocol}s")
    return await account.foreign(
        "io.camunda:email:1",
        {
            "authentication": {"type": "simple", "username": account.user, "password": PASSWORD},
            "protocol": protocol,
            "data": {
                f"{protocol}Config": {
                    f"{protocol}Host": "localhost",
                    f"{protocol}Port": port,
                    f"{protocol}CryptographicProtocol": "TLS",
                },
                f"{protocol}ActionDiscriminator": discriminator,
                f"{protocol}Action": action,
            },
        },
    )


def deliver(account: Tasks, *names: str) -> None:
    account.server.deliver(account.user, *(ATTACHED.replace(b"{name}", name.encode()) for name in names))


async def listed(account: Tasks, folder: str = "", **how: Any) -> list[str]:
    action = {"maxToBeRead": 10, "sortField": "SENT_DATE", "sortOrder": "ASC", "listEmailsFolder": folder} | how
    found = await ask(account, "listEmailsImap", **action)
    return [one["messageId"].partition("@")[0].removeprefix("<") for one in found]


@pytest.mark.parametrize("protocol", ["Imap", "Pop3"])
async def test_a_message_is_read_as_it_was_written(account: Tasks, protocol: str) -> None:
    deliver(account, "xa", "a")
    read = await ask(account, f"readEmail{protocol}", messageId="a@x.test")
    assert list(read) == [
        "messageId", "fromAddress", "headers", "subject", "size", "plainTextBody", "htmlBody", "attachments",
        "receivedDateTime",
    ]  # fmt: skip
    assert (read["messageId"], read["fromAddress"], read["subject"]) == ("<a@x.test>", "jane@x.test", "Grüße")
    assert {"key": "Subject", "value": "=?utf-8?Q?Gr=C3=BC=C3=9Fe?="} in read["headers"]
    assert (read["plainTextBody"], read["htmlBody"]) == ("hello", None)
    (document,) = read["attachments"]
    assert document["metadata"] == {"contentType": "text/csv", "size": 3, "fileName": "a.csv"}
    assert (read["receivedDateTime"] is None) == (protocol == "Pop3")


async def test_equal_messages_stay_in_the_order_of_the_folder(account: Tasks) -> None:
    deliver(account, "a", "b", "c")
    for order in ("ASC", "DESC"):
        assert await listed(account, sortOrder=order, maxToBeRead=2) == ["a", "b"]
    assert await listed(account, maxToBeRead=0) == []


async def test_only_the_message_that_is_meant_is_moved_and_deleted(account: Tasks) -> None:
    deliver(account, "xa", "a", "b", "marked")
    with account.server.client(account.user) as client:
        client.select_folder("INBOX")
        client.add_flags(client.search(["HEADER", "Message-ID", "marked"]), [rb"\Deleted"])
    moved = await ask(account, "moveEmailImap", messageId="a@x.test", fromFolder="inbox", toFolder="Done.2026")
    assert moved == {"messageId": "a@x.test", "from": "inbox", "to": "Done.2026"}
    assert await listed(account, "Done/2026") == ["a"]
    assert await ask(account, "deleteEmailImap", messageId="<b@x.test>") == {
        "messageId": "<b@x.test>",
        "deleted": True,
    }
    assert await listed(account) == ["xa", "marked"]
    assert await ask(account, "deleteEmailPop3", messageId="<xa@x.test>") == {
        "messageId": "<xa@x.test>",
        "deleted": True,
    }
    assert await listed(account) == ["marked"]


@pytest.mark.parametrize(
    ("discriminator", "action", "said"),
    [
        ("readEmailImap", {}, "Could not find an email ID"),
        ("readEmailPop3", {}, "No emails have been found with this ID"),
        ("deleteEmailImap", {}, "No emails have been found with this ID"),
        ("deleteEmailPop3", {}, "No emails have been found with this ID"),
        ("moveEmailImap", {"fromFolder": "", "toFolder": "Done"}, "Email with messageId a@x does not exist"),
        ("readEmailImap", {"readEmailFolder": "No.where"}, "Folder No/where does not exist"),
    ],
)
async def test_what_is_not_there_is_told_in_their_words(
    account: Tasks, discriminator: str, action: dict[str, Any], said: str
) -> None:
    deliver(account, "a")
    with pytest.raises(TaskFailed) as caught:
        await ask(account, discriminator, messageId="a@x", **action)
    message = f"jakarta.mail.MessagingException: {said}"
    assert caught.value.error == {"type": "java.lang.RuntimeException", "message": message}
    assert caught.value.retries == 2
    assert await listed(account) == ["a"]


@pytest.mark.parametrize("protocol", ["Imap", "Pop3"])
async def test_messages_are_found(account: Tasks, protocol: str) -> None:
    deliver(account, "a", "b")
    criteria = {
        "operator": "AND",
        "criteria": [{"field": "FROM", "value": "jane@x.test"}, {"field": "SUBJECT", "value": "GRÜSSE"[:3]}],
    }
    found = await ask(account, f"searchEmails{protocol}", criteria=criteria)
    assert found == [{"messageId": f"<{name}@x.test>", "subject": "Grüße"} for name in "ab"]
    assert await ask(account, f"searchEmails{protocol}", criteria={"field": "BODY", "value": "nothing"}) == []
