"""Reading and downloading: with and without a document store, within limits, and never by accident twice."""

from __future__ import annotations

from base64 import b64decode

import pytest

from tests.operations.imap.mails import MULTIPART, mail, put, seen
from tests.servers.document_store import DocumentStore
from tests.servers.dovecot import READ_ONLY_MAILBOXES, Dovecot
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail.demo.pki import Authority
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.operations.message_result import MessageContent

pytestmark = pytest.mark.live

BOMB = b"Message-ID: <bomb@x.test>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5000


def test_a_process_gets_all_that_the_parser_tells() -> None:
    assert {field.alias for field in MessageContent.model_fields.values()} == ParsedMessage(size=0).as_json().keys()


async def test_attachments_become_documents(account_with_store: Tasks, store: DocumentStore) -> None:
    put(account_with_store, MULTIPART, flags=[r"\Flagged"])
    read = await account_with_store.run("imap-read", messageId="files@x.test")
    csv, pdf = read["attachments"]
    assert store.kept(csv["document"]) == ("data.csv", "text/csv", b"a;b\r\n1;2\r\n")
    assert store.kept(pdf["document"]) == ("part-3.pdf", "application/pdf", b"%PDF-1.4")
    assert (csv["fileName"], csv["contentType"], csv["size"], csv["part"]) == ("data.csv", "text/csv", 10, "2")
    assert read["plainTextBody"].strip() == "See below."
    assert (read["errors"], read["parseError"], read["source"]) == ([], None, None)
    assert (read["found"], read["uid"], read["mailbox"], read["flags"]) == (True, 1, "INBOX", [r"\Flagged"])
    assert read["size"] == len(MULTIPART)
    assert read["fromAddress"] == "joerg@x.test"


async def test_without_a_store_attachments_are_named_and_nothing_fails(account: Tasks) -> None:
    put(account, MULTIPART)
    read = await account.run("imap-read", messageId="files@x.test", source="document")
    assert [(one["fileName"], one["document"]) for one in read["attachments"]] == [("data.csv", None), (None, None)]
    assert ["no document store" in error for error in read["errors"]] == [True, True]
    quiet = await account.run("imap-read", messageId="files@x.test", attachments="metadata")
    assert (len(quiet["attachments"]), quiet["errors"]) == (2, [])
    none = await account.run("imap-read", messageId="files@x.test", attachments="none")
    assert (none["attachments"], none["inlineParts"], none["errors"]) == ([], [], [])


async def test_a_store_that_refuses_fails_the_job(account_with_store: Tasks, store: DocumentStore) -> None:
    put(account_with_store, MULTIPART)
    store.status = 413
    with pytest.raises(TaskFailed, match=r"DOCUMENT_NOT_STORED.*data.csv"):
        await account_with_store.run("imap-read", messageId="files@x.test", markAsRead=True)
    assert seen(account_with_store) == {"Two files": set()}


async def test_html_is_sanitised_unless_the_original_is_asked_for(account: Tasks) -> None:
    put(account, MULTIPART)
    read = await account.run("imap-read", uid=1)
    assert "<b>below</b>" in read["htmlBody"]
    assert "steal" not in read["htmlBody"] + str(read["safeHtml"])
    original = await account.run("imap-read", uid=1, originalHtml=True)
    assert "steal()" in original["htmlBody"]
    assert original["safeHtml"] == read["htmlBody"]


async def test_only_the_header_of_a_large_message(account: Tasks) -> None:
    large = mail("large", body="x" * 70 + "\r\n" + "y" * 100_000)
    put(account, large)
    read = await account.run("imap-read", uid=1, level="header", maxBytes=1000)
    assert (read["subject"], read["size"], read["plainTextBody"]) == ("large", len(large), None)


async def test_a_message_over_the_limit_is_told_with_both_sizes(account: Tasks) -> None:
    large = mail("large", body="x" * 5000)
    put(account, large)
    for task in ("imap-read", "imap-download"):
        with pytest.raises(TaskFailed, match="MESSAGE_TOO_LARGE") as failed:
            await account.run(task, uid=1, maxBytes=4000, **({"deliver": "base64"} if "download" in task else {}))
        assert failed.value.retries == 0
        assert (failed.value.error["details"]["sizeBytes"], failed.value.error["details"]["limitBytes"]) == (
            len(large),
            4000,
        )


async def test_a_message_that_is_not_there_is_an_error_or_a_result(account: Tasks) -> None:
    for task in ("imap-read", "imap-download"):
        more = {"deliver": "base64"} if "download" in task else {}
        with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND") as failed:
            await account.run(task, messageId="nobody@x.test", **more)
        assert failed.value.retries == 0
        assert "`ifMissing`" in str(failed.value)
        told = await account.run(task, messageId="nobody@x.test", ifMissing="result", **more)
        assert (told["found"], told["messageId"], told["uid"], told["mailbox"]) == (
            False,
            "<nobody@x.test>",
            None,
            "INBOX",
        )
        assert (await account.run(task, uid=7, ifMissing="result", **more))["found"] is False


async def test_marking_as_read_tells_the_new_flags(account: Tasks) -> None:
    put(account, mail("one"))
    assert (await account.run("imap-read", uid=1))["flags"] == []
    assert (await account.run("imap-read", uid=1, markAsRead=True))["flags"] == [r"\Seen"]
    assert seen(account) == {"one": {r"\Seen"}}


async def test_a_read_only_mailbox_is_read_and_not_marked(pki: Authority) -> None:
    with Dovecot(pki, **READ_ONLY_MAILBOXES) as server:
        async with tasks(server, server.new_account()) as account:
            put(account, mail("one"))
            server.make_read_only(account.user, "INBOX")
            assert (await account.run("imap-read", uid=1))["subject"] == "one"
            for task, more in [
                ("imap-read", {"markAsRead": True}),
                ("imap-flags-add", {"flags": "Seen"}),
                ("imap-move", {"target": "Archive"}),
                ("imap-delete", {}),
            ]:
                with pytest.raises(TaskFailed, match="MAILBOX_READ_ONLY") as failed:
                    await account.run(task, uid=1, **more)
                assert failed.value.retries == 0
            with pytest.raises(TaskFailed, match=r"MAILBOX_READ_ONLY.*NOPERM"):
                await account.run("imap-append", mailbox="INBOX", message=mail("two").decode())


async def test_what_cannot_be_parsed_keeps_its_source(account_with_store: Tasks, store: DocumentStore) -> None:
    put(account_with_store, BOMB)
    read = await account_with_store.run("imap-read", uid=1, attachments="none")
    assert read["parseError"]
    assert store.kept(read["source"]) == ("message-1.eml", "message/rfc822", BOMB)


async def test_the_source_is_kept_where_that_is_asked_for(account_with_store: Tasks, store: DocumentStore) -> None:
    put(account_with_store, mail("one"))
    read = await account_with_store.run("imap-read", uid=1, source="document")
    assert store.kept(read["source"]) == ("message-1.eml", "message/rfc822", mail("one"))


async def test_a_message_is_downloaded_as_it_is(account_with_store: Tasks, store: DocumentStore) -> None:
    put(account_with_store, MULTIPART)
    got = await account_with_store.run("imap-download", messageId="files@x.test")
    assert store.kept(got["document"]) == ("message-1.eml", "message/rfc822", MULTIPART)
    assert (got["found"], got["size"], got["part"], got["content"]) == (True, len(MULTIPART), None, None)
    inline = await account_with_store.run("imap-download", messageId="files@x.test", deliver="base64")
    assert (b64decode(inline["content"]), inline["document"]) == (MULTIPART, None)


@pytest.mark.parametrize(
    ("part", "name", "content_type", "content"),
    [
        ("2", "data.csv", "text/csv", b"a;b\r\n1;2\r\n"),
        ("3", "part-3.pdf", "application/pdf", b"%PDF-1.4"),
        ("1.1", "part-1.1.txt", "text/plain", b"See below."),
    ],
)
async def test_a_part_is_downloaded_decoded(
    account: Tasks, part: str, name: str, content_type: str, content: bytes
) -> None:
    put(account, MULTIPART)
    got = await account.run("imap-download", uid=1, part=part, deliver="base64")
    assert (got["fileName"], got["contentType"], b64decode(got["content"])) == (name, content_type, content)
    assert (got["part"], got["size"]) == (part, len(content))


async def test_a_part_that_is_not_there(account: Tasks) -> None:
    put(account, MULTIPART)
    with pytest.raises(TaskFailed, match=r"MESSAGE_NOT_FOUND.*part 7"):
        await account.run("imap-download", uid=1, part="7", deliver="base64")
    told = await account.run("imap-download", uid=1, part="7", deliver="base64", ifMissing="result")
    assert (told["found"], told["uid"]) == (False, 1)
    with pytest.raises(TaskFailed, match=r"\(request.part\) must be the number of a part such as 2 or 1.2"):
        await account.run("imap-download", uid=1, part="1] BODY[", deliver="base64")
    assert (await account.run("imap-download", uid=1, part=2, deliver="base64"))["fileName"] == "data.csv"


async def test_a_document_without_a_store_is_an_error_before_anything_is_fetched(account: Tasks) -> None:
    with pytest.raises(TaskFailed, match=r"DOCUMENT_STORE_MISSING.*CAMUNDA_REST_ADDRESS"):
        await account.run("imap-download", messageId="nobody@x.test")


async def test_more_than_a_process_variable_holds_is_not_inline(account: Tasks) -> None:
    put(account, mail("large", body="x" * 1_000_000))
    with pytest.raises(TaskFailed, match="MESSAGE_TOO_LARGE") as failed:
        await account.run("imap-download", uid=1, deliver="base64")
    assert failed.value.error["details"]["limitBytes"] == 1_000_000
    assert "Set `deliver` to `document`" in str(failed.value)
    with pytest.raises(TaskFailed, match=r"MESSAGE_TOO_LARGE.*Raise `maxBytes`"):
        await account.run("imap-download", uid=1, deliver="base64", maxBytes=1000)
