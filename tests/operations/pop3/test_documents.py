"""What is kept as a document, and that nothing is deleted of which not all was kept."""

from __future__ import annotations

import pytest

from tests.servers.document_store import DocumentStore
from tests.tasks import TaskFailed, Tasks

ATTACHED = (
    b"From: a@x.test\r\nMessage-ID: <att@x.test>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nText\r\n'
    b'--b\r\nContent-Type: text/csv; name="a.csv"\r\nContent-Transfer-Encoding: base64\r\n'
    b"Content-Disposition: attachment; filename=a.csv\r\n\r\nMTsyCg==\r\n--b--\r\n"
)
FORWARDED = (
    b"From: a@x.test\r\nMessage-ID: <fwd@x.test>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="o"\r\n\r\n--o\r\n\r\nSee below\r\n'
    b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + ATTACHED + b"\r\n--o--\r\n"
)
WHICH = {"messageId": "att@x.test"}


def deliver(account: Tasks, message: bytes = ATTACHED) -> None:
    account.server.deliver(account.user, message)


def kept(store: DocumentStore) -> list[bytes]:
    return sorted(one["parts"]["file"].content for one in store.taken)


async def count(account: Tasks) -> int:
    return int((await account.run("pop3-list"))["total"])


async def test_attachments_are_documents(account_with_store: Tasks, store: DocumentStore) -> None:
    deliver(account_with_store)
    read = await account_with_store.run("pop3-read", **WHICH, source="document")
    (attachment,) = read["attachments"]
    assert attachment["document"]["camunda.document.type"] == "camunda"
    assert read["source"]["camunda.document.type"] == "camunda"
    assert kept(store) == sorted([b"1;2\n", ATTACHED])


async def test_a_forwarded_mail_is_a_document(account_with_store: Tasks, store: DocumentStore) -> None:
    deliver(account_with_store, FORWARDED)
    (held,) = (await account_with_store.run("pop3-read", messageId="fwd@x.test"))["messages"]
    assert store.kept(held["document"]) == ("part-2.eml", "message/rfc822", ATTACHED)
    assert store.kept(held["attachments"][0]["document"]) == ("a.csv", "text/csv", b"1;2\n")


async def test_a_download_is_a_document(account_with_store: Tasks, store: DocumentStore) -> None:
    deliver(account_with_store)
    whole = await account_with_store.run("pop3-download", **WHICH)
    part = await account_with_store.run("pop3-download", **WHICH, part="2")
    assert (whole["fileName"], part["fileName"]) == ("message.eml", "a.csv")
    assert kept(store) == sorted([b"1;2\n", ATTACHED])


async def test_without_a_store_a_download_says_so_before_it_looks_for_the_message(account: Tasks) -> None:
    with pytest.raises(TaskFailed, match="DOCUMENT_STORE_MISSING"):
        await account.run("pop3-download", messageId="nobody@x.test")


async def test_without_a_store_there_are_names_and_sizes(account: Tasks) -> None:
    deliver(account)
    read = await account.run("pop3-read", **WHICH)
    assert read["attachments"][0]["document"] is None
    assert "knows no document store" in read["errors"][0]


async def test_what_is_kept_may_be_deleted(account_with_store: Tasks) -> None:
    deliver(account_with_store)
    assert (await account_with_store.run("pop3-read", **WHICH, deleteAfterRead=True))["deleted"]
    assert await count(account_with_store) == 0


@pytest.mark.parametrize("message", [ATTACHED, FORWARDED], ids=["an attachment", "one in a forwarded mail"])
async def test_what_is_not_all_kept_stays(account: Tasks, message: bytes) -> None:
    deliver(account, message)
    uidl = (await account.run("pop3-list"))["messages"][0]["uidl"]
    for how in ({}, {"level": "header"}):
        read = await account.run("pop3-read", uidl=uidl, deleteAfterRead=True, **how)
        assert not read["deleted"]
        assert "not deleted" in read["errors"][-1]
    assert await count(account) == 1
    assert (await account.run("pop3-read", uidl=uidl, deleteAfterRead=True, attachments="metadata"))["deleted"]


async def test_a_failing_store_deletes_nothing(account_with_store: Tasks, store: DocumentStore) -> None:
    deliver(account_with_store)
    store.status = 413
    with pytest.raises(TaskFailed, match="DOCUMENT_NOT_STORED"):
        await account_with_store.run("pop3-read", **WHICH, deleteAfterRead=True)
    assert await count(account_with_store) == 1


async def test_blank_fields_of_the_modeler_are_fields_not_given(account: Tasks) -> None:
    deliver(account)
    read = await account.run("pop3-read", messageId="att@x.test", uidl="", maxBytes=None, attachments="none")
    assert read["found"]
    assert (await account.run("pop3-list", numbers="", limit=None))["total"] == 1


@pytest.mark.parametrize("numbers", [True, 1.5, ["1"], {"from": 1}, "1-3", "\u0661"])
async def test_numbers_that_are_none(account: Tasks, numbers: object) -> None:
    with pytest.raises(TaskFailed, match="INVALID_INPUT"):
        await account.run("pop3-list", numbers=numbers)


async def test_a_message_too_large_is_not_read(account: Tasks) -> None:
    deliver(account)
    with pytest.raises(TaskFailed, match="MESSAGE_TOO_LARGE"):
        await account.run("pop3-read", **WHICH, maxBytes=100)
