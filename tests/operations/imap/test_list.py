"""Listing, searching and counting: order, limits, and what the server's SEARCH cannot say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.operations.imap.mails import MULTIPART, mail, put, put_at, seen, subjects
from tests.tasks import TaskFailed, Tasks
from zeebe_mail.operations import listing

pytestmark = pytest.mark.live

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


async def test_an_item_has_camundas_keys_and_more(account: Tasks) -> None:
    put(account, MULTIPART, flags=[r"\Flagged"])
    listed = await account.run("imap-list")
    (one,) = listed["messages"]
    expected = {
        "messageId": "<files@x.test>",
        "fromAddress": "joerg@x.test",
        "subject": "Two files",
        "size": len(MULTIPART),
        "from": [{"name": "Jörg", "address": "joerg@x.test"}],
        "to": [{"name": None, "address": "reader@x.test"}],
        "cc": [],
        "sentDate": None,
        "flags": [r"\Flagged"],
        "attachmentsCount": 2,
        "uid": 1,
        "uidValidity": listed["uidValidity"],
        "mailbox": "INBOX",
    }
    assert {name: value for name, value in one.items() if name != "receivedDateTime"} == expected
    assert one["receivedDateTime"].endswith("Z")
    assert {name: listed[name] for name in ("total", "truncated", "mailbox")} == {
        "total": 1,
        "truncated": False,
        "mailbox": "INBOX",
    }


async def test_ids_are_enough_to_find_a_message_again(account: Tasks) -> None:
    put(account, mail("one"))
    listed = await account.run("imap-list", fields="ids")
    validity = listed["uidValidity"]
    assert listed["messages"] == [{"messageId": "<one@x.test>", "uid": 1, "uidValidity": validity, "mailbox": "INBOX"}]


async def test_arrival_is_the_order_of_the_mailbox(account: Tasks) -> None:
    for hours, name in ((2, "first"), (0, "second"), (1, "third")):
        put_at(account, mail(name), NOON + timedelta(hours=hours))
    listed = await account.run("imap-list", sortBy="arrival", sortOrder="ASC", limit=2)
    assert (subjects(listed), listed["total"]) == (["first", "second"], 3)
    found = await account.run("imap-search", criteria={"not": {"subject": "second"}}, sortBy="ARRIVAL")
    assert subjects(found) == ["third", "first"]


async def test_full_is_what_reading_gives(account: Tasks) -> None:
    put(account, MULTIPART, mail("other"))
    found = await account.run("imap-search", criteria={"subject": "files"}, fields="full")
    read = await account.run("imap-read", uid=1, attachments="metadata")
    assert found["messages"] == [{name: value for name, value in read.items() if name not in ("found", "source")}]
    assert found["messages"][0]["plainTextBody"].strip() == "See below."
    waited = await account.run("imap-wait", criteria={"subject": "files"}, fields="full")
    assert waited["messages"] == found["messages"]
    with pytest.raises(TaskFailed, match=r"INVALID_INPUT.*at most 100"):
        await account.run("imap-list", fields="full", limit=101)


async def test_what_is_too_large_to_be_read_keeps_nobody_else_from_it(
    account: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MESSAGE_LIMIT", 1000)
    put(account, mail("small"), mail("large", body="x" * 2000))
    large, small = (await account.run("imap-list", fields="full"))["messages"]
    assert (large["subject"], large["plainTextBody"]) == ("large", None)
    assert "1000 are allowed" in large["parseError"]
    assert (small["subject"], small["plainTextBody"].strip(), small["parseError"]) == ("small", "Hello", None)


async def test_what_is_left_out_is_counted(account: Tasks) -> None:
    put(account, *(mail(str(number)) for number in range(4)))
    listed = await account.run("imap-list", limit=3)
    assert (subjects(listed), listed["total"], listed["truncated"]) == (["3", "2", "1"], 4, True)
    found = await account.run("imap-search", criteria={"not": {"subject": "0"}}, limit=2)
    assert (subjects(found), found["total"], found["truncated"]) == (["3", "2"], 3, True)


async def test_an_empty_mailbox_is_an_empty_list(account: Tasks) -> None:
    listed = await account.run("imap-list")
    assert (listed["messages"], listed["total"], listed["truncated"]) == ([], 0, False)


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"since": "2026-03-10T12:30:00Z"}, ["b", "c"]),
        ({"since": "2026-03-10T13:00:00Z"}, ["b", "c"]),
        ({"before": "2026-03-10T13:00:00Z"}, ["a"]),
        ({"since": "2026-03-10T14:30:00+02:00", "before": "2026-03-10T13:30:00Z"}, ["b"]),
        ({"not": {"since": "2026-03-10T13:30:00Z"}}, ["a", "b"]),
        ({"or": [{"before": "2026-03-10T12:30:00Z"}, {"subject": "c"}]}, ["a", "c"]),
        ({"sentSince": "2026-03-01T00:30:00Z"}, ["b"]),
        ({"sentBefore": "2026-03-01T00:30:00Z"}, ["a"]),
        ({"field": "FROM", "value": "ann@x.test", "match": "exact"}, ["a"]),
        ({"field": "FROM", "value": "ann@x.test"}, ["a", "b"]),
        ({"not": {"field": "FROM", "value": "ann@x.test", "match": "exact"}}, ["b", "c"]),
        ({"field": "HEADER", "name": "X-Order", "value": "47", "match": "exact"}, ["c"]),
        ({"header": {"X-Order": "47"}}, ["b", "c"]),
    ],
    ids=str,
)
async def test_times_of_day_and_whole_values_are_looked_at_again(
    account: Tasks, criteria: dict[str, Any], expected: list[str]
) -> None:
    put_at(account, mail("a", sender="Ann <ann@x.test>", date="Sun, 01 Mar 2026 00:00:00 +0000"), NOON)
    put_at(
        account,
        mail("b", sender="joann@x.test", date="Sun, 01 Mar 2026 01:00:00 +0000", extra="X-Order: 4711\r\n"),
        NOON + timedelta(hours=1),
    )
    put_at(account, mail("c", extra="X-Order: 47\r\n"), NOON + timedelta(hours=2))
    found = await account.run("imap-search", criteria=criteria, sortOrder="asc")
    assert subjects(found) == expected
    assert found["total"] == len(expected)
    assert (await account.run("imap-count", criteria=criteria))["count"] == len(expected)
    first = await account.run("imap-search", criteria=criteria, sortOrder="ASC", limit=1)
    assert (subjects(first), first["truncated"]) == (expected[:1], len(expected) > 1)
    told = await account.run("imap-exists", criteria=criteria)
    assert (told["exists"], told["count"], told["messageId"]) == (True, len(expected), f"<{expected[-1]}@x.test>")
    flagged = await account.run("imap-flags-add", criteria=criteria, flags="Flagged")
    assert [one["messageId"] for one in flagged["messages"]] == [f"<{name}@x.test>" for name in expected]


async def test_whether_a_message_is_there(account: Tasks) -> None:
    put(account, mail("one"), mail("twin"), mail("twin"))
    one = await account.run("imap-exists", messageId="one@x.test")
    assert (one["exists"], one["count"], one["uid"], one["mailbox"]) == (True, 1, 1, "INBOX")
    twin = await account.run("imap-exists", messageId="twin@x.test")
    assert (twin["exists"], twin["count"], twin["uid"]) == (True, 2, 3)
    nobody = await account.run("imap-exists", messageId="nobody@x.test")
    assert (nobody["exists"], nobody["count"], nobody["uid"], nobody["messageId"]) == (False, 0, None, None)
    assert (await account.run("imap-exists", uid=2))["exists"] is True
    assert (await account.run("imap-exists", uid=2, messageId="one@x.test"))["exists"] is False
    with pytest.raises(TaskFailed, match="UIDVALIDITY_CHANGED"):
        await account.run("imap-exists", uid=2, uidValidity=7)


async def test_looking_marks_nothing_as_read(account: Tasks) -> None:
    put(account, mail("one"))
    await account.run("imap-list")
    await account.run("imap-search", criteria={"body": "Hello"})
    assert seen(account) == {"one": set()}


async def test_a_mailbox_that_is_not_there_is_told_with_the_nearest(account: Tasks) -> None:
    await account.run("imap-mailbox-create", mailbox="Invoices")
    with pytest.raises(TaskFailed, match=r"MAILBOX_NOT_FOUND.*Invoices") as failed:
        await account.run("imap-list", mailbox="Invoice")
    assert failed.value.retries == 0


async def test_criteria_are_not_left_out_by_mistake(account: Tasks) -> None:
    for blank in ("", None, {}):
        with pytest.raises(TaskFailed, match="INVALID_INPUT"):
            await account.run("imap-search", criteria=blank)


async def test_what_the_server_cannot_search_for_is_told(account: Tasks) -> None:
    with pytest.raises(TaskFailed, match="UNSUPPORTED") as failed:
        await account.run("imap-search", criteria={"gmailRaw": "has:attachment"})
    assert failed.value.retries == 0
