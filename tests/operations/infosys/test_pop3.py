"""Infosys' POP3 connector on a real Dovecot, with the values that its template produces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.operations.imap.mails import MULTIPART, mail, put, seen
from tests.operations.infosys.connectors import Connectors
from tests.operations.infosys.test_imap import contents, ids
from tests.tasks import TaskFailed

pytestmark = pytest.mark.live

RECEIVED = "Received: from a.test by x.test; Sat, 10 Jan 2026 13:00:00 +0100\r\n"


@pytest.fixture
def mailbox(mine: Connectors) -> Connectors:
    zoe = mail("b", sender="Zoe <zoe@x.test>", date="Thu, 1 Jan 2026 08:00:00 +0000")
    put(
        mine.tasks,
        RECEIVED.encode() + zoe,
        mail("c", sender="adam@x.test", body="A" * 3000, date="Sat, 3 Jan 2026 08:00:00 +0000"),
        mail("a", date="Fri, 2 Jan 2026 08:00:00 +0000"),
        MULTIPART,
    )
    return mine


async def test_without_inputs_a_list_has_the_bare_ids_by_number(mailbox: Connectors) -> None:
    assert await mailbox.run("pop3.list-emails", filters="", sortBy="", maxResults="") == {
        "response": ["b@x.test", "c@x.test", "a@x.test", "files@x.test"]
    }


async def test_details_of_a_list(mailbox: Connectors) -> None:
    first = (await mailbox.run("pop3.list-emails", outputType="headerDetails", maxResults="1"))["response"][0]
    assert list(first) == ["MessageID", "From", "Subject", "Size", "ReceivedDate"]
    assert (first["MessageID"], first["From"], first["Subject"]) == ("b@x.test", "Zoe <zoe@x.test>", "b")
    assert first["ReceivedDate"] == "2026-01-10T12:00:00Z"


@pytest.mark.parametrize(
    ("on", "ascending"),
    [
        ("size", ["a", "files", "c"]),
        ("from", ["files", "b", "c", "a"]),
        ("subject", ["files", "a", "b", "c"]),
        ("messageNumber", ["b", "c", "a", "files"]),
        ("messageId", ["a", "b", "c", "files"]),
        ("sentDate", ["b", "a", "c"]),
        ("receivedDate", ["b"]),
    ],
)
async def test_sort_by(mailbox: Connectors, on: str, ascending: list[str]) -> None:
    for order, expected in (("asc", ascending), ("desc", ascending[::-1])):
        result = ids(await mailbox.run("pop3.list-emails", sortBy={"sortOn": on, "order": order}))
        assert [one for one in result if one in ascending] == expected


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("Subject = 'two'", ["files"]),
        ("size > 3000", ["c"]),
        ("flag seen true", []),
        ("flag deleted false", ["b", "c", "a", "files"]),
        ("body 'See below'", ["files"]),
        ("from 'zoe'", ["b"]),
        ("header Content-Type 'mixed'", ["files"]),
        ("recipient to 'reader'", ["b", "c", "a", "files"]),
        ("messageNumber > 2", ["a", "files"]),
        ("messageId 'a@x.test'", ["a"]),
        ("sentDate <= '2026-01-02'", ["b", "a"]),
        ("receivedDate >= '10/01/2026'", ["b"]),
    ],
)
async def test_each_field_of_the_filter_language(mailbox: Connectors, filter_: str, found: list[str]) -> None:
    assert ids(await mailbox.run("pop3.list-emails", filters={"filter": filter_})) == found


@pytest.mark.parametrize(
    ("field", "kind", "content", "found"),
    [
        ("subject", "partial", "TWO", ["files"]),
        ("subject", "complete", "two FILES", ["files"]),
        ("from", "complete", "zoe@x.test", ["b"]),
        ("body", "partial", "see", ["files"]),
        ("body", "complete", "see below.", ["files"]),
        ("attachment", "partial", "whatever", ["files"]),
        ("all", "partial", "zoe", ["b"]),
        ("all", "complete", "hello", ["b", "a"]),
    ],
)
async def test_each_search(mailbox: Connectors, field: str, kind: str, content: str, found: list[str]) -> None:
    asked = {"searchField": field, "searchType": kind, "searchContent": content}
    assert ids(await mailbox.run("pop3.search-emails", **asked)) == found
    (first, *_) = (await mailbox.run("pop3.search-emails", **asked, outputType="headerDetails"))["response"]
    assert list(first) == ["MessageID", "ReceivedDate", "From", "Subject"]


async def test_a_mail_is_downloaded_and_stays(mailbox: Connectors, downloads: Path) -> None:
    result = await mailbox.run("pop3.download-email", messageId="files@x.test", downloadFolderPath=str(downloads))
    assert result == {"response": f"Email downloaded successfully at {downloads / 'Two files.eml'}"}
    assert contents(downloads) == {"Two files.eml": MULTIPART}
    assert "Two files" in seen(mailbox.tasks)


async def test_all_mails_of_the_id_are_deleted(mine: Connectors) -> None:
    put(mine.tasks, mail("twin", body="1"), mail("twin", body="2"), mail("twin2"))
    assert await mine.run("pop3.delete-email", messageId="<twin@x.test>") == {"response": "Email deleted successfully"}
    assert set(seen(mine.tasks)) == {"twin2"}


async def test_a_mail_without_message_id_has_a_name_all_the_same(mine: Connectors, downloads: Path) -> None:
    put(mine.tasks, b"From: a@x.test\r\n\r\nHello\r\n", mail("named"))
    nameless, named = (await mine.run("pop3.list-emails"))["response"]
    assert nameless.startswith("uidl:")
    await mine.run("pop3.download-email", messageId=nameless, downloadFolderPath=str(downloads))
    assert set(contents(downloads)) == {"message.eml"}
    await mine.run("pop3.delete-email", messageId=nameless)
    assert (await mine.run("pop3.list-emails"))["response"] == [named]


@pytest.mark.parametrize("operation", ["pop3.delete-email", "pop3.download-email"])
async def test_a_mail_that_is_not_there(mailbox: Connectors, downloads: Path, operation: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        await mailbox.run(operation, messageId="x.test", downloadFolderPath=str(downloads))
    assert caught.value.error["message"].startswith("No email found in the mailbox matching given message Id")


@pytest.mark.parametrize(
    ("operation", "data", "message"),
    [
        ("pop3.read-email", {}, "operation is unknown; known are pop3.list-emails, pop3.search-emails"),
        ("pop3.list-emails", {"filters": {"filter": "flag user true"}}, "InvalidFlagValue"),
        ("pop3.list-emails", {"outputType": "all"}, "outputType should be messageIds or headerDetails"),
    ],
)
async def test_errors_of_the_input(mine: Connectors, operation: str, data: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        await mine.run(operation, **data)
    assert caught.value.error["message"].startswith(message)
    assert caught.value.retries == 0


async def test_a_wrong_password(mine: Connectors) -> None:
    with pytest.raises(TaskFailed) as caught:
        await mine.run("pop3.list-emails", login={"password": "wrong"})
    assert caught.value.error["message"].startswith("AuthenticationFailed : Please check userName, password or mail")
    assert caught.value.retries == 2
