"""Which messages an operation is about, in every way to say it; what is wrong with one changes no other."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.operations.imap.mails import mail, put, seen
from tests.tasks import TaskFailed, Tasks
from zeebe_mail.operations.selection import SomeMessages

pytestmark = pytest.mark.live


@pytest.fixture
def five(account: Tasks) -> Tasks:
    """An account with the messages `1` to `5`, which have these UIDs."""
    put(account, *(mail(str(number)) for number in range(1, 6)))
    return account


async def flagged(account: Tasks, **asked: Any) -> list[str]:
    """Who gets the flag."""
    await account.run("imap-flags-add", flags="Flagged", **asked)
    return [name for name, flags in seen(account).items() if r"\Flagged" in flags]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"messageId": "<2@x.test>"}, "2"),
        ({"messageId": " 2@x.test "}, "2"),
        ({"uid": 3}, "3"),
        ({"uid": 3, "messageId": "3@x.test"}, "3"),
        ({"messages": ["1@x.test", "<4@x.test>"]}, "14"),
        ({"messages": "1@x.test"}, "1"),
        ({"messages": [5, 2]}, "25"),
        ({"messages": {"uid": 2}}, "2"),
        ({"messages": [{"messageId": "1@x.test"}, {"uid": 1}]}, "1"),
        ({"messages": []}, ""),
        ({"uids": "1,3:4"}, "134"),
        ({"uids": 2}, "2"),
        ({"uids": "4:*"}, "45"),
        ({"uids": "*"}, "5"),
        ({"uids": "5:4, 1"}, "145"),
        ({"uids": "6:*"}, ""),
        ({"uids": "70:80"}, ""),
        ({"criteria": {"subject": "3"}}, "3"),
        ({"criteria": '{"or": [{"subject": "3"}, {"subject": "1"}]}'}, "13"),
        ({"criteria": {"all": True}, "limit": 2}, "12"),
        ({"uids": "2:*", "limit": 2}, "23"),
        ({"uid": 9}, ""),
        ({"uid": 3, "messageId": "4@x.test"}, ""),
        ({"messages": ["nobody@x.test", "4@x.test"]}, "4"),
    ],
    ids=str,
)
async def test_messages_are_named_in_many_ways(five: Tasks, asked: dict[str, Any], expected: str) -> None:
    assert await flagged(five, **asked) == list(expected)


async def test_what_a_search_has_found_can_be_named_as_it_is(five: Tasks) -> None:
    found = await five.run("imap-search", criteria={"or": [{"subject": "2"}, {"subject": "5"}]})
    assert await flagged(five, messages=found["messages"]) == ["2", "5"]


async def test_messages_are_sought_where_they_were_seen(account: Tasks) -> None:
    """UIDVALIDITY is no help: many servers give the same to all mailboxes."""
    put(account, mail("inbox"))
    put(account, mail("one"), mail("two"), mailbox="Archive")
    found = await account.run("imap-list", mailbox="Archive", sortOrder="ASC")
    named = [{**one, "uidValidity": None, "messageId": None} for one in found["messages"]]
    told = await account.run("imap-flags-add", messages=named, flags="Seen")
    assert (told["mailbox"], told["done"]) == ("Archive", 2)
    for mailbox in ("INBOX", "Sent"):
        with pytest.raises(TaskFailed, match=r"INVALID_INPUT.*in mailbox \"Archive\".*Set `mailbox`") as failed:
            await account.run("imap-delete", mailbox=mailbox, messages=named)
        assert failed.value.retries == 0
    with pytest.raises(TaskFailed, match=r"INVALID_INPUT.*Nothing was done"):
        await account.run("imap-delete", messages=[*named, {"uid": 1, "mailbox": "INBOX"}])
    assert (seen(account), len(seen(account, "Archive"))) == ({"inbox": set()}, 2)
    moved = await account.run("imap-move", messages=found["messages"][:1], target="Drafts")
    gone = await account.run("imap-delete", messages=moved["messages"], mode="permanent")
    assert (gone["deleted"], gone["mailbox"]) == (True, "Drafts")


async def test_what_any_task_gives_can_be_named_as_it_is(account: Tasks) -> None:
    given = [
        await account.run("imap-append", mailbox="Archive", message=mail("put").decode()),
        *(await account.run("imap-list", mailbox="Archive", fields="full"))["messages"],
        await account.run("imap-read", mailbox="Archive", uid=1),
    ]
    for one in given:
        told = await account.run("imap-flags-add", messages=one, flags="Seen")
        assert (told["done"], told["mailbox"]) == (1, "Archive")
    assert (await account.run("imap-move", messages=told["messages"], target="Drafts"))["done"] == 1


async def test_whatever_senders_write_as_message_id_a_search_finds_it_again(account: Tasks) -> None:
    odd = [
        "plain@x.test",
        "two words",
        "<a@x.test> <b@x.test>",
        "<>",
        "\t",
        "<half",
        "<" + "x" * 2000 + ">",
        "<a\x01b>",
    ]
    put(account, *(f"Subject: {at}\r\nMessage-ID: {value}\r\n\r\n".encode() for at, value in enumerate(odd)))
    put(account, b"Subject: none\r\n\r\n")
    found = await account.run("imap-search", criteria={"all": True}, sortOrder="ASC")
    assert len(found["messages"]) == len(odd) + 1
    flagged_ones = await flagged(account, messages=found["messages"])
    assert flagged_ones == [*map(str, range(len(odd))), "none"]
    moved = await account.run("imap-move", messages=found["messages"], target="Archive")
    assert moved["done"] == len(odd) + 1
    again = await account.run("imap-move", messages=found["messages"], target="Archive")
    assert again["failed"] == again["done"] == 0


async def test_a_limit_is_told(five: Tasks) -> None:
    done = await five.run("imap-flags-add", flags="Flagged", uids="1:*", limit=2)
    assert (done["done"], done["total"], done["truncated"]) == (2, 5, True)
    done = await five.run("imap-flags-add", flags="Flagged", uids="1:*")
    assert (done["done"], done["total"], done["truncated"]) == (5, 5, False)


async def test_one_message_is_told_at_the_top_too(five: Tasks) -> None:
    done = await five.run("imap-flags-add", flags="Flagged", uid=3)
    with five.server.client(five.user) as client:
        validity = client.select_folder("INBOX", readonly=True)[b"UIDVALIDITY"]
    place = {"messageId": "<3@x.test>", "uid": 3, "uidValidity": validity, "mailbox": "INBOX"}
    assert place.items() <= done.items()
    (one,) = done["messages"]
    assert one == place | {"status": "done", "error": None, "flags": [r"\Flagged"]}


async def test_several_are_told_each(five: Tasks) -> None:
    done = await five.run("imap-flags-add", flags="Flagged", messages=["3@x.test", "nobody@x.test"])
    assert (done["messageId"], done["uid"], done["mailbox"]) == (None, None, "INBOX")
    assert [(one["messageId"], one["status"]) for one in done["messages"]] == [
        ("<3@x.test>", "done"),
        ("<nobody@x.test>", "missing"),
    ]
    assert (done["done"], done["missing"], done["failed"]) == (1, 1, 0)


async def test_who_is_missing_may_be_an_error_and_then_nothing_is_done(five: Tasks) -> None:
    with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND") as failed:
        await flagged(five, messages=["3@x.test", "nobody@x.test", 77], ifMissing="error")
    assert failed.value.retries == 0
    assert failed.value.error["details"]["missing"] == ["<nobody@x.test>", "UID 77"]
    assert not any(seen(five).values())
    with pytest.raises(TaskFailed, match=r"no message UID 3 with the Message-ID <4@x.test> in"):
        await flagged(five, uid=3, messageId="4@x.test", ifMissing="error")


async def test_flags_may_be_text_with_commas(five: Tasks) -> None:
    told = await five.run("imap-flags-add", uid=1, flags="Seen, $Invoice")
    assert told["messages"][0]["flags"] == ["$Invoice", "\\Seen"]


async def test_an_ambiguous_message_id_names_the_candidates(five: Tasks) -> None:
    put(five, mail("3", body="another"))
    with pytest.raises(TaskFailed, match="MESSAGE_AMBIGUOUS") as failed:
        await flagged(five, messageId="3@x.test")
    assert failed.value.retries == 0
    assert [one["uid"] for one in failed.value.error["details"]["candidates"]] == [3, 6]


async def test_an_ambiguous_one_among_several_keeps_nobody_else_from_it(five: Tasks) -> None:
    put(five, mail("3", body="another"))
    done = await five.run("imap-flags-add", flags="Flagged", messages=["3@x.test", "4@x.test"])
    assert [one["status"] for one in done["messages"]] == ["failed", "done"]
    assert done["messages"][0]["error"]["code"] == "MESSAGE_AMBIGUOUS"


@pytest.mark.parametrize("asked", [{"uid": 3}, {"messages": [{"uid": 3}]}, {"uids": "3"}], ids=str)
async def test_a_changed_uidvalidity_stops_everything(five: Tasks, asked: dict[str, Any]) -> None:
    if "messages" in asked:
        asked = {"messages": [asked["messages"][0] | {"uidValidity": 7}]}
    else:
        asked = asked | {"uidValidity": 7}
    with pytest.raises(TaskFailed, match="UIDVALIDITY_CHANGED") as failed:
        await flagged(five, **asked)
    assert failed.value.retries == 0
    assert failed.value.error["details"]["asked"] == 7
    assert not any(seen(five).values())


async def test_what_was_found_in_a_mailbox_that_was_made_anew_is_refused(account: Tasks) -> None:
    await account.run("imap-mailbox-create", mailbox="Short")
    put(account, mail("old"), mailbox="Short")
    found = await account.run("imap-search", mailbox="Short", criteria={"all": True})
    await account.run("imap-mailbox-delete", mailbox="Short", confirm="Short")
    await account.run("imap-mailbox-create", mailbox="Short")
    put(account, mail("new"), mailbox="Short")
    for task in ("imap-move", "imap-copy", "imap-delete", "imap-flags-add"):
        more = {"target": "Archive"} if task in ("imap-move", "imap-copy") else {}
        more |= {"flags": "Seen"} if task == "imap-flags-add" else {}
        with pytest.raises(TaskFailed, match="UIDVALIDITY_CHANGED"):
            await account.run(task, mailbox="Short", messages=found["messages"], **more)
    place = {name: found["messages"][0][name] for name in ("uid", "uidValidity", "mailbox")}
    with pytest.raises(TaskFailed, match="UIDVALIDITY_CHANGED"):
        await account.run("imap-read", **place)
    assert seen(account, "Short") == {"new": set()}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, ()),
        ({"messageId": ""}, ()),
        ({"messages": None}, ()),
        ({"uid": 1, "uids": "2"}, ()),
        ({"messageId": "a@b", "criteria": {"all": True}}, ()),
        ({"criteria": {}}, ("criteria",)),
        ({"criteria": {"subjekt": "x"}}, ("criteria", "subjekt")),
        ({"criteria": {"operator": "XOR", "criteria": [{"field": "SEEN"}]}}, ("criteria", "operator")),
        ({"criteria": {"or": [{"seen": True}, {"subject": "a\r\nb"}]}}, ("criteria", "or", 1, "subject")),
        ({"uids": "1;2"}, ("uids",)),
        ({"uids": "0"}, ("uids",)),
        ({"uids": "1:99999999999"}, ("uids",)),
        ({"uid": 0}, ("uid",)),
        ({"uid": "x"}, ("uid",)),
        ({"messageId": "a b"}, ("messageId",)),
        ({"messageId": "a\r\nA1 DELETE"}, ("messageId",)),
        ({"messages": [{"subject": "x"}]}, ("messages", 0)),
        ({"messages": [{"uid": 1, "uidd": 2}]}, ("messages", 0, "uidd")),
        ({"messages": [True]}, ("messages", 0)),
        ({"uid": 1, "limit": 0}, ("limit",)),
        ({"uid": 1, "mailbox": "a\r\nb"}, ("mailbox",)),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_where_it_stands(asked: dict[str, Any], field: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        SomeMessages.model_validate(asked)
    assert [error["loc"] for error in caught.value.errors()] == [field]


def test_more_messages_than_one_task_can_do_are_refused() -> None:
    with pytest.raises(ValidationError, match="at most 10000"):
        SomeMessages.model_validate({"messages": list(range(1, 10_002))})
