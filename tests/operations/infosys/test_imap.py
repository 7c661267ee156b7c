"""Infosys' IMAP connector on a real Dovecot, with the values that its template produces."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.operations.imap.mails import MULTIPART, mail, put, put_at, seen
from tests.operations.infosys.connectors import Connectors
from tests.tasks import TaskFailed

pytestmark = pytest.mark.live

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
LONG = "A" * 3000


@pytest.fixture
def mailbox(mine: Connectors) -> Connectors:
    """Four mails: when they came is another order than the one in which they are numbered."""
    account = mine.tasks
    put_at(account, mail("b", sender="Zoe <zoe@x.test>", date="Thu, 1 Jan 2026 08:00:00 +0000"), NOON)
    put_at(
        account, mail("c", sender="adam@x.test", body=LONG, date="Sat, 3 Jan 2026 08:00:00 +0000"), NOON - timedelta(3)
    )
    put_at(
        account,
        mail("a", extra="Cc: cc@x.test\r\nBcc: bcc@x.test\r\n", date="Fri, 2 Jan 2026 08:00:00 +0000"),
        NOON + timedelta(1),
    )
    put(account, MULTIPART, flags=["\\Seen", "\\Flagged"])
    return mine


def ids(result: dict[str, Any]) -> list[str]:
    return [one.removesuffix("@x.test") for one in result["response"]]


async def listed(mailbox: Connectors, **data: Any) -> list[str]:
    return ids(await mailbox.run("imap.list-emails", **data))


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


# ── list-emails ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_inputs_a_list_has_the_bare_ids_by_number(mailbox: Connectors) -> None:
    assert await mailbox.run("imap.list-emails", filters="", sortBy="", maxResults="", outputType="") == {
        "response": ["b@x.test", "c@x.test", "a@x.test", "files@x.test"]
    }


async def test_details_of_a_list(mailbox: Connectors) -> None:
    first = (await mailbox.run("imap.list-emails", outputType="headerDetails", maxResults="1"))["response"][0]
    assert list(first) == ["MessageID", "From", "Subject", "Size", "ReceivedDate"]
    assert first | {"Size": 0} == {
        "MessageID": "b@x.test",
        "From": "Zoe <zoe@x.test>",
        "Subject": "b",
        "Size": 0,
        "ReceivedDate": "2026-01-10T12:00:00Z",
    }
    assert first["Size"] > 100


@pytest.mark.parametrize(("most", "expected"), [("2", 2), (3, 3), (0, 0), (-1, 4), (None, 4), ("", 4)])
async def test_max_results(mailbox: Connectors, most: Any, expected: int) -> None:
    assert len(await listed(mailbox, maxResults=most)) == expected


@pytest.mark.parametrize(
    ("on", "ascending"),
    [
        ("size", ["b", "a", "files", "c"]),
        ("From", ["files", "b", "c", "a"]),
        ("subject", ["files", "a", "b", "c"]),
        ("messageNumber", ["b", "c", "a", "files"]),
        ("message id", ["a", "b", "c", "files"]),
        ("sentDate", ["b", "a", "c"]),
        ("ReceivedTime", ["c", "b", "a", "files"]),
    ],
)
async def test_sort_by(mailbox: Connectors, on: str, ascending: list[str]) -> None:
    up = await listed(mailbox, sortBy={"sortOn": on, "order": "asc"})
    down = await listed(mailbox, sortBy={"sortOn": on, "order": "Descending"})
    assert [one for one in up if one in ascending] == ascending
    assert [one for one in down if one in ascending] == ascending[::-1]


async def test_the_limit_comes_after_the_order(mailbox: Connectors) -> None:
    assert await listed(mailbox, sortBy='{"sortOn": "subject", "order": "desc"}', maxResults="1") == ["c"]


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("Subject Like 'FILES'", ["files"]),
        ("subject != 'two'", ["b", "c", "a"]),
        ("size > 3000", ["c"]),
        ("size <= 0", []),
        ("flag seen true", ["files"]),
        ("flag flagged false", ["b", "c", "a"]),
        ("flag answered true", []),
        ("flag deleted true", []),
        ("flag draft true", []),
        ("flag recent false", None),
        ("body 'See below'", ["files"]),
        ("from 'zoe'", ["b"]),
        ("header Content-Type 'mixed'", ["files"]),
        ("header Message-ID 'files'", ["files"]),
        ("recipient to 'reader'", ["b", "c", "a", "files"]),
        ("recipient cc 'cc@x.test'", ["a"]),
        ("recipient bcc 'bcc@x.test'", ["a"]),
        ("messageNumber = 2", ["c"]),
        ("message number >= 3", ["a", "files"]),
        ("messageNumber < 900", ["b", "c", "a", "files"]),
        ("messageId 'a@x.test'", ["a"]),
        ("messageId 'x.test'", []),
        ("sentDate = '02/01/2026'", ["a"]),
        ("sentDate > '01/01/2026 08:00:00 AM'", ["c", "a"]),
        ("sentDate >= '2026-01-01 08:00:00'", ["b", "c", "a"]),
        ("receivedDate < '10 Jan 2026'", ["c"]),
        ("ReceivedTime <= '10/01/2026 12:00:00 PM'", ["b", "c"]),
        ("receivedDate = '10/01/2026 12:00:00'", ["b"]),
    ],
)
async def test_each_field_of_the_filter_language(mailbox: Connectors, filter_: str, found: list[str] | None) -> None:
    result = await listed(mailbox, filters={"filter": filter_})
    assert found is None or result == found


async def test_filters_are_combined(mailbox: Connectors) -> None:
    either = {"logicalOperator": "or", "filterList": [{"filter": "from 'zoe'"}, {"filter": "from 'adam'"}]}
    both = {"logicalOperator": "AND", "filterList": [either, {"filter": "size > 3000"}]}
    neither = {"logicalOperator": "NOT", "filterList": [{"filter": "from 'zoe'"}, {"filter": "from 'adam'"}]}
    assert await listed(mailbox, filters=either) == ["b", "c"]
    assert await listed(mailbox, filters=both) == ["c"]
    assert await listed(mailbox, filters=neither) == ["a", "files"]
    assert await listed(mailbox, filters={"filter": "from 'zoe'", "logicalOperator": "NOT"}) == ["c", "a", "files"]


async def test_a_mail_without_message_id_has_a_name_all_the_same(mine: Connectors) -> None:
    put(mine.tasks, b"From: a@x.test\r\nSubject: nameless\r\n\r\nHello\r\n", mail("named"))
    nameless, named = (await mine.run("imap.list-emails"))["response"]
    assert re.fullmatch(r"uid:\d+:1", nameless)
    read = await mine.run("imap.read-email", messageId=nameless, postReadAction="unread")
    assert read["response"]["Subject"] == "nameless"
    assert await mine.run("imap.delete-email", messageId=nameless) == {"response": "Email deleted successfully"}
    assert (await mine.run("imap.list-emails"))["response"] == [named]


async def test_who_calls_his_mail_like_another_ones_number_names_only_his(mine: Connectors) -> None:
    put(mine.tasks, mail("victim"))
    before = (await mine.run("imap.list-emails"))["response"]
    put(mine.tasks, b"From: e@x.test\r\nSubject: evil\r\nMessage-ID: <uid:1:1>\r\n\r\nHello\r\n")
    evil = (await mine.run("imap.list-emails"))["response"][1]
    assert evil == "<uid:1:1>"
    await mine.run("imap.delete-email", messageId=evil)
    assert (await mine.run("imap.list-emails"))["response"] == before


# ── search-emails ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "kind", "content", "found"),
    [
        ("subject", "partial", "TWO", ["files"]),
        ("subject", "complete", "two FILES", ["files"]),
        ("subject", "complete", "two", []),
        ("from", "partial", "zoe", ["b"]),
        ("sender", "complete", "Zoe <zoe@x.test>", ["b"]),
        ("from", "complete", "zoe", []),
        ("body", "partial", "see", ["files"]),
        ("content", "complete", "see below.", ["files"]),
        ("body", "complete", "see", []),
        ("receivedDate", "partial", "10/01/2026 12:00:00 PM", ["a", "files"]),
        ("receivedDate", "complete", "2026-01-10", ["b", "a", "files"]),
        ("attachment", "partial", "whatever", ["files"]),
        ("all", "partial", "zoe", ["b"]),
        ("all", "complete", "hello", ["b", "a"]),
        ("", "", "two", ["files"]),
    ],
)
async def test_each_search(mailbox: Connectors, field: str, kind: str, content: str, found: list[str]) -> None:
    asked = {"searchField": field, "searchType": kind, "searchContent": content, "outputType": "messageIds"}
    assert ids(await mailbox.run("imap.search-emails", **asked)) == found


async def test_details_of_a_search(mailbox: Connectors) -> None:
    asked = {"searchField": "from", "searchContent": "zoe", "outputType": "headerDetails"}
    assert await mailbox.run("imap.search-emails", **asked) == {
        "response": [
            {
                "MessageID": "b@x.test",
                "ReceivedDate": "2026-01-10T12:00:00Z",
                "From": "Zoe <zoe@x.test>",
                "Subject": "b",
            }
        ]
    }


async def test_one_part_in_a_multipart_is_no_attachment(mine: Connectors) -> None:
    alone = b"From: a@x.test\r\nMessage-ID: <alone@x.test>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    put(mine.tasks, alone + b"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b--\r\n", MULTIPART)
    assert ids(await mine.run("imap.search-emails", searchField="attachment", searchContent="x")) == ["files"]


# ── read-email ───────────────────────────────────────────────────────────────────────────────────────────────────

HEADER = ["SenderEmailAddress", "ToList", "CcList", "BccList", "Subject", "Size", "ReceivedDate"]


async def test_a_header_is_read_and_the_mail_is_marked(mailbox: Connectors) -> None:
    read = await mailbox.run("imap.read-email", messageId="<a@x.test>", postReadAction="read", outputType="header")
    assert list(read["response"]) == HEADER
    assert read["response"] | {"Size": 0} == {
        "SenderEmailAddress": "jane@x.test",
        "ToList": ["reader@x.test"],
        "CcList": ["cc@x.test"],
        "BccList": ["bcc@x.test"],
        "Subject": "a",
        "Size": 0,
        "ReceivedDate": "2026-01-11T12:00:00Z",
    }
    assert seen(mailbox.tasks)["a"] == {"\\Seen"}


@pytest.mark.parametrize(
    ("action", "flags"), [("unread", {"\\Flagged"}), ("read", {"\\Seen", "\\Flagged"}), ("", None)]
)
async def test_what_a_mail_is_marked_as_after_reading(mailbox: Connectors, action: str, flags: set[str] | None) -> None:
    await mailbox.run("imap.read-email", messageId="files@x.test", postReadAction=action, outputType="detailedHeader")
    assert seen(mailbox.tasks)["Two files"] == (flags or {"\\Seen", "\\Flagged"})


async def test_details_of_a_mail(mine_with_store: Connectors) -> None:
    put(mine_with_store.tasks, MULTIPART)
    read = (await mine_with_store.run("imap.read-email", messageId="files@x.test", readLatestResponse="false"))[
        "response"
    ]
    assert list(read) == [*HEADER, "PlainContent", "HtmlContent", "AttachmentsCount", "AttachmentDetails"]
    assert read["PlainContent"] == "See below."
    assert "<b>below</b>" in read["HtmlContent"]
    assert "script" not in read["HtmlContent"]
    assert read["AttachmentsCount"] == 2
    assert set(read["AttachmentDetails"]) == {"data.csv", "part-3"}
    details = read["AttachmentDetails"]["data.csv"]
    assert (details["contentType"], details["size"]) == ("text/csv", 10)
    assert details["document"]["metadata"]["fileName"] == "data.csv"


async def test_only_the_latest_answer(mine: Connectors) -> None:
    plain = "Yes.\r\n\r\nOn Mon, 5 Jan 2026 Jane wrote:\r\n> Will you come?\r\n"
    html = "<p>Yes.</p><p><b>From:</b> Jane</p><p>Will you come?</p>"
    parts = (
        f"--b\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
    )
    head = "From: a@x.test\r\nMessage-ID: <r@x.test>\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
    put(mine.tasks, f"{head}{parts}".encode())
    whole = (await mine.run("imap.read-email", messageId="r@x.test", readLatestResponse="false"))["response"]
    latest = (await mine.run("imap.read-email", messageId="r@x.test", readLatestResponse="true"))["response"]
    assert "come" in whole["PlainContent"]
    assert "come" in whole["HtmlContent"]
    assert latest["PlainContent"].strip() == "Yes."
    assert "Yes." in latest["HtmlContent"]
    assert "come" not in latest["HtmlContent"]


# ── download-email ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_is_downloaded_into_a_folder_that_is_made(mailbox: Connectors, downloads: Path) -> None:
    folder = downloads / "2026" / "January"
    result = await mailbox.run("imap.download-email", messageId="files@x.test", downloadFolderPath=str(folder))
    assert result == {"response": f"Email downloaded successfully at {folder / 'Two files.eml'}"}
    assert (folder / "Two files.eml").read_bytes() == MULTIPART
    assert [one.name for one in folder.iterdir()] == ["Two files.eml"]


async def test_no_file_is_overwritten_and_none_written_twice(mine: Connectors, downloads: Path) -> None:
    put(mine.tasks, mail("one").replace(b"Subject: one", b"Subject: ../Same / name"))
    put(mine.tasks, mail("two").replace(b"Subject: two", b"Subject: ../Same / name"))
    for name in ("one", "two", "one"):
        await mine.run("imap.download-email", messageId=f"{name}@x.test", downloadFolderPath=str(downloads))
    files = contents(downloads)
    assert set(files) == {"_Same _ name.eml", "_Same _ name (2).eml"}
    assert b"two@x.test" in files["_Same _ name (2).eml"]


async def test_all_mails_of_the_id_are_downloaded(mine: Connectors, downloads: Path) -> None:
    put(mine.tasks, mail("twin", body="1"), mail("twin", body="2"))
    await mine.run("imap.download-email", messageId="twin@x.test", downloadFolderPath=str(downloads))
    assert len(contents(downloads)) == 2


@pytest.mark.parametrize("place", ["/etc", "{outside}", "{downloads}/../x", "D:/Email", "relative"])
async def test_nothing_is_written_elsewhere(mailbox: Connectors, downloads: Path, place: str) -> None:
    outside = downloads.parent / "outside"
    folder = place.format(outside=outside, downloads=downloads)
    with pytest.raises(TaskFailed, match=r"DownloadFailed|Is not a folder path"):
        await mailbox.run("imap.download-email", messageId="a@x.test", downloadFolderPath=folder)
    assert not outside.exists()


# ── move-email and delete-email ──────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_is_moved_into_a_folder_that_is_made(mailbox: Connectors) -> None:
    asked = {"messageId": "a@x.test", "targetFolderPath": "Done/2026", "createTargetFolder": "true"}
    assert await mailbox.run("imap.move-email", **asked) == {
        "response": "Email moved successfully to folder: Done/2026"
    }
    assert set(seen(mailbox.tasks, "Done/2026")) == {"a"}
    assert "a" not in seen(mailbox.tasks)
    with mailbox.tasks.server.client(mailbox.tasks.user) as client:
        assert "Done/2026" in {name for _, _, name in client.list_sub_folders()}
    assert (await mailbox.run("imap.list-emails", folder="/Done/2026/"))["response"] == ["a@x.test"]
    await mailbox.run("imap.move-email", **asked)  # as a job that is tried again


async def test_a_missing_folder_is_not_made_unless_asked_for(mailbox: Connectors) -> None:
    with pytest.raises(TaskFailed, match="FolderNotFound"):
        await mailbox.run("imap.move-email", messageId="a@x.test", targetFolderPath="None", createTargetFolder="false")
    assert "a" in seen(mailbox.tasks)


async def test_all_mails_of_the_id_are_moved(mine: Connectors) -> None:
    put(mine.tasks, mail("twin", body="1"), mail("twin", body="2"), mail("other"))
    await mine.run("imap.move-email", messageId="twin@x.test", targetFolderPath="Archive")
    with mine.tasks.server.client(mine.tasks.user) as client:
        assert client.folder_status("Archive", ["MESSAGES"])[b"MESSAGES"] == 2
        assert client.folder_status("INBOX", ["MESSAGES"])[b"MESSAGES"] == 1


async def test_all_mails_of_the_id_are_deleted_and_nobody_elses(mine: Connectors) -> None:
    put(mine.tasks, mail("twin", body="1"), mail("twin", body="2"), mail("twin2"))
    put(mine.tasks, mail("marked"), flags=["\\Deleted"])
    assert await mine.run("imap.delete-email", messageId="<twin@x.test>") == {"response": "Email deleted successfully"}
    assert set(seen(mine.tasks)) == {"twin2", "marked"}


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("operation", "data", "message"),
    [
        ("imap.read-email", {}, "No matching message found for given message ID in the folder"),
        ("imap.move-email", {"targetFolderPath": "Archive"}, "No matching message found"),
        ("imap.delete-email", {}, "No email found in the mailbox matching given message Id"),
        ("imap.download-email", {"downloadFolderPath": "/tmp"}, "No email found in the mailbox matching"),
    ],
)
async def test_a_mail_that_is_not_there(
    mailbox: Connectors, operation: str, data: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskFailed) as caught:
        await mailbox.run(operation, messageId="x.test", **data)
    assert caught.value.error["message"].startswith(message)
    assert caught.value.code == "MESSAGE_NOT_FOUND"
    assert "code" not in caught.value.error


@pytest.mark.parametrize(
    ("login", "folder", "message"),
    [
        ({"password": "wrong"}, "Inbox", "AuthenticationFailed : Please check userName, password or mail domain."),
        ({"portNumber": "1"}, "Inbox", "ConnectionError: Error Connecting to Mail Server. Please check hostName"),
        ({}, "None/There", "FolderNotFound: "),
        ({"domainName": ""}, "Inbox", "jakarta.validation.ValidationException"),
        ({"keyStorePath": "D:/keystore"}, "Inbox", "Please provide a valid password for email server's keystore"),
        ({}, " ", "jakarta.validation.ValidationException"),
    ],
)
async def test_errors_of_the_login(mine: Connectors, login: dict[str, str], folder: str, message: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        await mine.run("imap.list-emails", login=login, folder=folder)
    assert caught.value.error["message"].startswith(message)


async def test_the_domain_is_added_once_and_a_key_store_is_not_read(mailbox: Connectors) -> None:
    whole = {"username": mailbox.address, "domainName": "@x.test", "keyStorePath": "D:/ks", "keyStorePassword": "123"}
    assert len((await mailbox.run("imap.list-emails", login=whole))["response"]) == 4


async def test_a_certificate_in_the_place_of_the_key_store_is_the_only_one_trusted(mailbox: Connectors) -> None:
    own = mailbox.tasks.server.ca_file
    assert own
    certificate = own.read_text()
    assert (await mailbox.run("imap.list-emails", login={"keyStorePath": certificate}))["response"]
