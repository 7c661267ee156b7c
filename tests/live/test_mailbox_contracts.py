"""What a process may rely on with any IMAP server: the same tests over all of them, and what one lacks is declared."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from tests.servers.mailboxes import Lack, MailServerUnderTest
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail.errors import CredentialsError

pytestmark = pytest.mark.live

DAY = datetime(2026, 3, 10, 12, tzinfo=UTC)


def mail(name: str, *, sender: str = "jane@x.test", subject: str = "", body: str = "Hello", day: int = 10) -> bytes:
    """A message with the Message-ID `<name@x.test>`."""
    return (
        f"From: {sender}\r\nTo: reader@x.test\r\nSubject: {subject or name}\r\n"
        f"Date: {format_datetime(DAY.replace(day=day))}\r\nMessage-ID: <{name}@x.test>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    ).encode()


@pytest.fixture
async def account(mail_server: MailServerUnderTest) -> AsyncIterator[Tasks]:
    """An account of the test's own, empty, with the sessions of one worker."""
    async with tasks(mail_server, mail_server.new_account()) as mine:
        yield mine


def needs(account: Tasks, *lacks: Lack) -> None:
    for lack in lacks:
        if lack in account.server.lacks:
            pytest.skip(lack.value)


def deliver(account: Tasks, *messages: bytes, mailbox: str = "INBOX", flags: Iterable[str] = ()) -> None:
    account.server.deliver(account.user, *messages, mailbox=mailbox, flags=flags)


async def names(account: Tasks, mailbox: str = "INBOX", **criteria: Any) -> list[str]:
    """The names of the messages in a mailbox that match, by UID."""
    found = await account.run("imap-search", mailbox=mailbox, criteria=criteria or {"all": True})
    return [name_of(one) for one in sorted(found["messages"], key=lambda one: one["uid"])]


def name_of(message: dict[str, Any]) -> str:
    return str(message["messageId"]).removeprefix("<").removesuffix("@x.test>")


def as_others_see(account: Tasks, mailbox: str = "INBOX") -> dict[int, tuple[bytes, set[str]]]:
    """UID → source and flags, told by a bare client."""
    with account.server.client(account.user) as client:
        client.select_folder(mailbox, readonly=True)
        uids = client.search()
        found = client.fetch(uids, ["BODY.PEEK[]", "FLAGS"]) if uids else {}
    return {
        uid: (data[b"BODY[]"], {flag.decode() for flag in data[b"FLAGS"]} - {"\\Recent"}) for uid, data in found.items()
    }


# ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("security", ["SSL_TLS", "STARTTLS"])
async def test_login_over_tls(account: Tasks, security: str) -> None:
    needs(account, Lack.TLS)
    port = account.server.imaps if security == "SSL_TLS" else account.server.imap
    secured = account.at({"host": "localhost", "port": port, "security": security})
    assert (await secured.run("imap-mailbox-status"))["messages"] == 0


async def test_login_without_encryption(account: Tasks) -> None:
    plain = account.at({"host": "127.0.0.1", "port": account.server.imap, "security": "NONE"})
    assert (await plain.run("imap-mailbox-status"))["messages"] == 0


async def test_a_wrong_password_is_tried_once(account: Tasks) -> None:
    with pytest.raises(TaskFailed) as failed:
        await account.with_password("wrong").run("imap-mailbox-status")
    assert (failed.value.code, failed.value.retries) == (CredentialsError.code, 0)


# ── finding and reading ──────────────────────────────────────────────────────────────────────────────────────────


async def test_list_gives_the_newest_first(account: Tasks) -> None:
    deliver(account, *(mail(f"m{number}") for number in range(5)))
    listed = await account.run("imap-list", limit=3)
    assert [name_of(one) for one in listed["messages"]] == ["m4", "m3", "m2"]
    newest = listed["messages"][0]
    assert newest["fromAddress"] == "jane@x.test"
    assert newest["subject"] == "m4"
    assert newest["size"] == len(mail("m4"))
    assert newest["sentDate"] == "2026-03-10T12:00:00Z"
    assert newest["mailbox"] == "INBOX"
    assert newest["flags"] == []
    assert (newest["uid"], newest["uidValidity"]) == uid_and_validity(account, "m4")


def uid_and_validity(account: Tasks, name: str) -> tuple[int, int]:
    with account.server.client(account.user) as client:
        opened = client.select_folder("INBOX", readonly=True)
        (uid,) = client.search(["HEADER", "Message-ID", f"<{name}@x.test>"])
        return uid, opened[b"UIDVALIDITY"]


ORDERS = [
    ({"sortBy": "SENT_DATE", "sortOrder": "ASC"}, ["a", "c", "b"]),
    ({"sortBy": "SENT_DATE", "sortOrder": "DESC"}, ["b", "c", "a"]),
    ({"sortBy": "RECEIVED_DATE", "sortOrder": "ASC"}, ["a", "b", "c"]),
    ({"sortBy": "RECEIVED_DATE", "sortOrder": "DESC"}, ["c", "b", "a"]),
    ({"sortBy": "SIZE", "sortOrder": "ASC"}, ["c", "b", "a"]),
]


async def test_list_in_any_order(account: Tasks) -> None:
    deliver(account, mail("a", day=1, body="x" * 99), mail("b", day=3, body="x" * 50), mail("c", day=2, body="x"))
    for limit in (2, 10):
        for order, expected in ORDERS:
            listed = await account.run("imap-list", limit=limit, **order)
            assert [name_of(one) for one in listed["messages"]] == expected[:limit], order
            assert (listed["total"], listed["truncated"]) == (3, limit == 2)


async def test_the_newest_are_told_by_their_date_and_not_by_their_uid(account: Tasks) -> None:
    """What was filed later has a higher UID, and may have come years before."""
    days = [date for month in (1, 9) for date in (f"2026-{month:02}-0{day}T23:30:00-05:00" for day in (3, 1, 2))]
    for date in days:
        await account.run("imap-append", mailbox="INBOX", message=mail(date[:10]).decode(), received=date)
    newest = [date[:10] for date in sorted(days, reverse=True)]
    for limit in (1, 2, 4):
        listed = await account.run("imap-list", limit=limit)
        assert [name_of(one) for one in listed["messages"]] == newest[:limit]
        listed = await account.run("imap-list", limit=limit, sortOrder="ASC")
        assert [name_of(one) for one in listed["messages"]] == newest[::-1][:limit]


SEARCHES: list[tuple[dict[str, Any], list[str]]] = [
    ({"from": "john@x.test"}, ["second"]),
    ({"subject": "invoice"}, ["first", "third"]),
    ({"subject": "Größe"}, ["third"]),
    ({"body": "übermorgen"}, ["second"]),
    ({"not": {"from": "john@x.test"}}, ["first", "third"]),
    ({"or": [{"from": "john@x.test"}, {"subject": "Größe"}]}, ["second", "third"]),
    ({"seen": True}, ["third"]),
    ({"seen": False}, ["first", "second"]),
    ({"larger": 400}, ["second"]),
    ({"sentSince": "2026-03-02", "sentBefore": "2026-03-12"}, ["second"]),
    ({"sentSince": "2026-03-11T12:00:00Z"}, ["second", "third"]),
    ({"sentSince": "2026-03-11T12:00:01Z"}, ["third"]),
    ({"header": {"Message-ID": "<first@x.test>"}}, ["first"]),
    ({"messageId": "first@x.test"}, ["first"]),
    ({"subject": 'of "quotes" and \\ backslashes'}, ["second"]),
    ({"subject": "nobody writes this"}, []),
    ({"operator": "AND", "criteria": [{"field": "SUBJECT", "value": "invoice"}, {"field": "SEEN"}]}, ["third"]),
]


async def test_search(account: Tasks) -> None:
    quoting = 'All of "quotes" and \\ backslashes'
    deliver(
        account,
        mail("first", subject="Invoice 1", day=1),
        mail("second", sender="John <john@x.test>", subject=quoting, day=11, body="übermorgen " * 30),
    )
    deliver(account, mail("third", subject="Invoice =?utf-8?q?Gr=C3=B6=C3=9Fe?=", day=20), flags=[r"\Seen"])
    for criteria, expected in SEARCHES:
        assert await names(account, **criteria) == expected, criteria
        assert (await account.run("imap-count", criteria=criteria))["count"] == len(expected), criteria


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_a_mail_without_a_legible_date_was_sent_at_no_time(account: Tasks, protocol: str) -> None:
    undated = b"Date: once upon a time\r\nMessage-ID: <undated@x.test>\r\n\r\nx\r\n"
    deliver(account, undated, mail("dated"))
    for sent in ("sentBefore", "sentSince"):
        day = {"sentBefore": "2026-03-11", "sentSince": "1990-01-01"}[sent]
        found = await account.run(f"{protocol}-search", criteria={sent: day})
        assert [name_of(one) for one in found["messages"]] == ["dated"]
        found = await account.run(f"{protocol}-search", criteria={"not": {sent: day}})
        assert [name_of(one) for one in found["messages"]] == ["undated"]


async def test_numbers_beyond_the_end_are_nobodys(account: Tasks) -> None:
    """IMAP itself means the last message by `900:*` where there are three."""
    deliver(account, *(mail(name) for name in "abc"))
    for beyond in ({"uid": "900:*"}, {"seq": "4:*"}, {"seq": "4"}, {"seq": "7:9"}, {"or": [{"uid": "*:900"}]}):
        assert await names(account, **beyond) == [], beyond
        assert (await account.run("imap-delete", criteria=beyond))["done"] == 0
    second = sorted(as_others_see(account))[1]
    assert await names(account, uid=f"{second}:900") == await names(account, uid=f"*:{second}") == ["b", "c"]
    assert await names(account, **{"not": {"uid": "900:*"}}) == ["a", "b", "c"]
    if Lack.NUMBERS not in account.server.lacks:
        assert await names(account, seq="2:*") == ["b", "c"]
        assert await names(account, seq="*") == ["c"]
    if Lack.LAST_UID not in account.server.lacks:
        assert await names(account, uid="*") == ["c"]


async def test_reading_leaves_a_message_unread(account: Tasks) -> None:
    deliver(account, mail("one", subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=", body="Schöne Grüße"))
    read = await account.run("imap-read", messageId="<one@x.test>")
    assert (read["subject"], read["plainTextBody"].strip()) == ("Grüße", "Schöne Grüße")
    assert read["messageId"] == "<one@x.test>"
    assert [flags for _, flags in as_others_see(account).values()] == [set()]
    await account.run("imap-read", uid=read["uid"], uidValidity=read["uidValidity"], markAsRead=True)
    assert [flags for _, flags in as_others_see(account).values()] == [{r"\Seen"}]


def of_parts(kind: str, *parts: str) -> str:
    inside = "".join(f"--{kind}\r\n{part}\r\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={kind}\r\n\r\n{inside}--{kind}--\r\n"


PLAIN = "Content-Type: text/plain\r\n\r\nSee below"
HTML = "Content-Type: text/html\r\n\r\n<p>See <img src=cid:logo></p>"
LOGO = 'Content-Type: image/png; name="logo.png"\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n\r\nPNG'
PDF = "Content-Type: application/pdf\r\n\r\n%PDF-1.4"
CSV = "Content-Type: text/csv; name=data.csv\r\n\r\n1;2"
FORWARDED = f"Content-Type: message/rfc822\r\n\r\nSubject: inside\r\n{of_parts('inside', PLAIN, CSV)}"
WITH_PARTS = {
    "newsletter": of_parts("alternative", PLAIN, of_parts("related", HTML, LOGO)),
    "unnamed": of_parts("mixed", PLAIN, PDF),
    "named": of_parts("mixed", PLAIN, CSV),
    "forwarded": of_parts("mixed", PLAIN, FORWARDED),
    "only": PDF,
}


async def test_a_list_counts_the_attachments_that_reading_gives(account: Tasks) -> None:
    deliver(
        account,
        *(f"MIME-Version: 1.0\r\nMessage-ID: <{name}@x.test>\r\n{body}".encode() for name, body in WITH_PARTS.items()),
    )
    counted = {name_of(one): one["attachmentsCount"] for one in (await account.run("imap-list"))["messages"]}
    assert counted == {"newsletter": 0, "unnamed": 1, "named": 1, "forwarded": 0, "only": 1}
    for name, count in counted.items():
        read = await account.run("imap-read", messageId=f"{name}@x.test", attachments="metadata")
        assert len(read["attachments"]) == count, name


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_a_message_in_a_message_can_be_taken_out(account: Tasks, protocol: str) -> None:
    deliver(account, f"MIME-Version: 1.0\r\nMessage-ID: <one@x.test>\r\n{WITH_PARTS['forwarded']}".encode())
    (held,) = (await account.run(f"{protocol}-read", messageId="one@x.test"))["messages"]
    assert (held["subject"], held["part"], held["document"]) == ("inside", "2", None)
    taken = await account.run(f"{protocol}-download", messageId="one@x.test", part=held["part"], deliver="base64")
    assert (taken["fileName"], taken["contentType"]) == ("part-2.eml", "message/rfc822")
    assert b64decode(taken["content"]).startswith(b"Subject: inside\r\n")


async def test_who_is_not_there_is_said(account: Tasks) -> None:
    with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND"):
        await account.run("imap-read", messageId="nobody@x.test")
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND"):
        await account.run("imap-list", mailbox="Nowhere")


async def test_two_with_one_message_id_are_ambiguous(account: Tasks) -> None:
    deliver(account, mail("twin", body="one"), mail("twin", body="two"))
    with pytest.raises(TaskFailed, match="MESSAGE_AMBIGUOUS"):
        await account.run("imap-flags-add", messageId="twin@x.test", flags=["Flagged"])
    assert [flags for _, flags in as_others_see(account).values()] == [set(), set()]


async def test_a_part_of_a_message_id_is_none(account: Tasks) -> None:
    deliver(account, mail("order-11"))
    with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND"):
        await account.run("imap-read", messageId="order-1@x.test")
    with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND"):
        await account.run("imap-read", messageId="rder-11@x.test")


TWICE = b"<c5@x.test>\r\nMessage-ID: <d5@x.test>"
ODD_MESSAGE_IDS = {
    b"<c1@x.test> (added by mx)": "<c1@x.test>",
    b"<c2@x.test>;": "<c2@x.test>",
    b"junk <c3@x.test>": "<c3@x.test>",
    b"<c4@x.test><d4@x.test>": "<c4@x.test>",
    TWICE: "<c5@x.test>",
    b'<"q q"@c6.x.test>': '<"q q"@c6.x.test>',
    b"<c7.with.a.fold@\r\n x.test>": "<c7.with.a.fold@ x.test>",
    b"\r\n <c8@x.test>": "<c8@x.test>",
    b"c9@x.test": "c9@x.test",
}


def odd_message_ids(account: Tasks) -> dict[bytes, str]:
    odd = dict(ODD_MESSAGE_IDS)
    if Lack.REPEATED_HEADERS in account.server.lacks:
        del odd[TWICE]
    return odd


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_what_a_list_gives_as_message_id_finds_the_message(account: Tasks, protocol: str) -> None:
    odd = odd_message_ids(account)
    deliver(account, *(b"Message-ID: %s\r\nSubject: one\r\n\r\nx\r\n" % written for written in odd))
    listed = (await account.run(f"{protocol}-list"))["messages"]
    assert {one["messageId"] for one in listed} == set(odd.values())
    for message_id in odd.values():
        read = await account.run(f"{protocol}-read", messageId=message_id)
        assert read["messageId"] == message_id
        found = await account.run(f"{protocol}-search", criteria={"messageId": message_id})
        assert [one["messageId"] for one in found["messages"]] == [message_id]


async def test_whatever_stands_around_a_message_id_nothing_is_put_there_twice(account: Tasks) -> None:
    odd = odd_message_ids(account)
    for written in odd:
        source = f"Message-ID: {written.decode()}\r\nSubject: one\r\n\r\nx\r\n"
        appended = [(await account.run("imap-append", mailbox="INBOX", message=source))["appended"] for _ in range(2)]
        assert appended == [True, False], written
    everything = {"criteria": {"all": True}, "target": "Copies", "createTarget": True}
    copied = [await account.run("imap-copy", **everything) for _ in range(2)]
    assert [one["done"] for one in copied] == [len(odd), 0]


async def test_a_uid_of_an_earlier_life_is_refused(account: Tasks) -> None:
    deliver(account, mail("one"))
    (uid,) = as_others_see(account)
    with pytest.raises(TaskFailed, match="UIDVALIDITY_CHANGED"):
        await account.run("imap-delete", uid=uid, uidValidity=1, mode="permanent")
    assert uid in as_others_see(account)


async def test_new_mail_is_seen_at_once(account: Tasks) -> None:
    assert await names(account) == []
    for number in range(3):
        deliver(account, mail(f"m{number}"))
        listed = await account.run("imap-list", limit=10)
        assert [name_of(one) for one in listed["messages"]] == [f"m{n}" for n in range(number, -1, -1)]
        assert (await account.run("imap-mailbox-status"))["messages"] == number + 1


async def test_waiting_ends_with_the_mail(account: Tasks) -> None:
    deliver(account, mail("other"))
    waiting = asyncio.create_task(account.run("imap-wait", criteria={"subject": "answer"}, timeoutSeconds=120))
    await asyncio.to_thread(deliver, account, mail("noise"))
    await asyncio.to_thread(deliver, account, mail("answer"))
    found = await waiting
    assert found["found"] is True
    assert [name_of(one) for one in found["messages"]] == ["answer"]


# ── filing ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_flags_are_added_removed_and_replaced(account: Tasks) -> None:
    deliver(account, mail("one"))

    def flags() -> set[str]:
        ((_, found),) = as_others_see(account).values()
        return found

    added = await account.run("imap-flags-add", messageId="one@x.test", flags=["seen", r"\Flagged"])
    assert added["done"] == 1
    assert set(added["messages"][0]["flags"]) - {r"\Recent"} == flags() == {r"\Seen", r"\Flagged"}
    await account.run("imap-flags-remove", messageId="one@x.test", flags=["seen"])
    assert flags() == {r"\Flagged"}
    await account.run("imap-flags-set", messageId="one@x.test", flags=["answered"])
    assert flags() == {r"\Answered"}


async def test_keywords_are_kept_or_refused(account: Tasks) -> None:
    deliver(account, mail("one"))
    if Lack.KEYWORDS in account.server.lacks:
        with pytest.raises(TaskFailed, match="INPUT"):
            await account.run("imap-flags-add", messageId="one@x.test", flags=["$Invoice"])
    else:
        await account.run("imap-flags-add", messageId="one@x.test", flags=["$Invoice"])
        assert [flags for _, flags in as_others_see(account).values()] == [{"$Invoice"}]
        assert await names(account, keyword="$Invoice") == ["one"]


@pytest.mark.parametrize("task", ["imap-move", "imap-copy"])
async def test_messages_are_put_into_another_mailbox(account: Tasks, task: str) -> None:
    await account.run("imap-mailbox-create", mailbox="Filed")
    deliver(account, mail("a"), mail("b"), mail("c"))
    done = await account.run(task, messages=["a@x.test", "c@x.test"], target="Filed")
    there = as_others_see(account, done["to"])
    assert done["done"] == 2
    assert {one["uid"]: name_of(one) for one in done["messages"]} == dict(zip(there, ["a", "c"], strict=True))
    assert [source for source, _ in there.values()] == [mail("a"), mail("c")]
    assert await names(account) == (["b"] if task == "imap-move" else ["a", "b", "c"])
    again = await account.run(task, messages=["a@x.test", "c@x.test"], target="Filed")
    assert (again["done"], again["already"]) == (0, 2)
    assert as_others_see(account, done["to"]) == there


async def test_deleting_puts_into_the_trash(account: Tasks) -> None:
    deliver(account, mail("a"), mail("b"))
    done = await account.run("imap-delete", messageId="a@x.test")
    assert done["deleted"] is True
    assert await names(account) == ["b"]
    assert await names(account, mailbox=done["messages"][0]["mailbox"]) == ["a"]


async def test_deleting_for_good_leaves_what_others_have_marked(account: Tasks) -> None:
    deliver(account, mail("marked"), flags=[r"\Deleted"])
    deliver(account, mail("mine"), mail("kept"))
    done = await account.run("imap-delete", messageId="mine@x.test", mode="permanent")
    assert done["done"] == 1
    assert await names(account) == ["marked", "kept"]
    again = await account.run("imap-delete", messageId="mine@x.test", mode="permanent")
    assert (again["done"], again["missing"]) == (0, 1)
    await account.run("imap-move", messageId="kept@x.test", target="Archive")
    assert [source for source, _ in as_others_see(account).values()] == [mail("marked")]


async def test_append_tells_where_the_message_is(account: Tasks) -> None:
    given = {"messageBase64": b64encode(mail("one")).decode(), "flags": ["seen"], "received": "2026-01-31T08:30:00Z"}
    put = await account.run("imap-append", mailbox="INBOX", **given)
    assert (put["uid"], put["uidValidity"]) == uid_and_validity(account, "one")
    assert as_others_see(account) == {put["uid"]: (mail("one"), {r"\Seen"})}
    (listed,) = (await account.run("imap-list", limit=1))["messages"]
    assert listed["receivedDateTime"] == "2026-01-31T08:30:00Z"
    again = await account.run("imap-append", mailbox="INBOX", **given)
    assert (again["appended"], again["uid"]) == (False, put["uid"])


# ── mailboxes ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_mailboxes_of_any_name(account: Tasks) -> None:
    for name in ("Plain", "Prüfung", "日本語", "A & B", 'With "quotes"', "Two words", "back\\slash"):
        if not {'"', "\\"}.isdisjoint(name) and Lack.QUOTES_IN_NAMES in account.server.lacks:
            with pytest.raises(TaskFailed, match="SERVER_REFUSED"):
                await account.run("imap-mailbox-create", mailbox=name)
            continue
        made = await account.run("imap-mailbox-create", mailbox=name)
        assert made["created"] is True
        assert (await account.run("imap-mailbox-create", mailbox=name))["created"] is False
        with account.server.client(account.user) as client:
            assert made["mailbox"] in {folder for _, _, folder in client.list_folders()}
        await account.run("imap-append", mailbox=name, message=mail("one").decode())
        assert await names(account, mailbox=name) == ["one"]
        listed = {one["path"]: one for one in (await account.run("imap-mailbox-list", withStatus=True))["mailboxes"]}
        assert listed[made["mailbox"]]["name"] == name
        assert listed[made["mailbox"]]["subscribed"] is True
        assert listed[made["mailbox"]]["status"]["messages"] == 1
        gone = await account.run("imap-mailbox-delete", mailbox=name, confirm=name)
        assert gone["deleted"] is True
        assert made["mailbox"] not in {one["path"] for one in (await account.run("imap-mailbox-list"))["mailboxes"]}


async def test_mailboxes_in_mailboxes(account: Tasks) -> None:
    for level in ("Customers", "Customers/2026"):  # Courier ends when it renames where a level is none itself
        await account.run("imap-mailbox-create", mailbox=level)
    made = await account.run("imap-mailbox-create", mailbox="Customers/2026/Miller")
    delimiter = made["mailbox"].removesuffix("Miller")[-1]
    assert made["mailbox"].endswith(delimiter.join(["Customers", "2026", "Miller"]))
    for same in ("Customers/2026/Miller", "Customers.2026.Miller", made["mailbox"]):
        assert (await account.run("imap-mailbox-status", mailbox=same))["mailbox"] == made["mailbox"]
    renamed = await account.run("imap-mailbox-rename", mailbox="Customers/2026", newName="Customers/Old")
    assert renamed["renamed"] is True
    paths = {one["path"] for one in (await account.run("imap-mailbox-list"))["mailboxes"]}
    assert f"{renamed['to']}{delimiter}Miller" in paths
    assert made["mailbox"] not in paths


async def test_a_level_that_is_no_mailbox_becomes_one_when_something_is_put_there(account: Tasks) -> None:
    await account.run("imap-mailbox-create", mailbox="Moved/2026")
    await account.run("imap-mailbox-create", mailbox="Copied/2026")
    await account.run("imap-mailbox-create", mailbox="Appended/2026")
    deliver(account, mail("one"))
    assert (await account.run("imap-copy", messageId="one@x.test", target="Copied", createTarget=True))["done"] == 1
    assert (await account.run("imap-move", messageId="one@x.test", target="Moved"))["done"] == 1
    put = {"mailbox": "Appended", "createMailbox": True, "message": mail("one").decode()}
    assert (await account.run("imap-append", **put))["appended"] is True
    for mailbox in ("Moved", "Copied", "Appended"):
        assert await names(account, mailbox=mailbox) == ["one"]
        assert await names(account, mailbox=f"{mailbox}/2026") == []


async def test_a_mailbox_with_others_below_it_is_deleted_once(account: Tasks) -> None:
    needs(account, Lack.DELETE_ABOVE)
    for level in ("Cases", "Cases/2026"):
        await account.run("imap-mailbox-create", mailbox=level)
    gone = [(await account.run("imap-mailbox-delete", mailbox="Cases", confirm="Cases"))["deleted"] for _ in range(3)]
    assert gone == [True, False, False]
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND"):
        await account.run("imap-mailbox-status", mailbox="Cases")
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND"):
        await account.run("imap-list", mailbox="Cases")
    assert (await account.run("imap-mailbox-status", mailbox="Cases/2026"))["messages"] == 0
    deliver(account, mail("one"))
    assert (await account.run("imap-move", messageId="one@x.test", target="Cases"))["done"] == 1
    assert await names(account, mailbox="Cases") == ["one"]


async def test_subscriptions_follow_at_the_next_try(account: Tasks) -> None:
    """An earlier try may have been lost between renaming and subscribing."""
    needs(account, Lack.OLD_SUBSCRIPTIONS)
    old = (await account.run("imap-mailbox-create", mailbox="Old"))["mailbox"]
    new = old.removesuffix("Old") + "New"
    with account.server.client(account.user) as client:
        client.rename_folder(old, new)
        assert (await account.run("imap-mailbox-rename", mailbox="Old", newName="New"))["renamed"] is False
        assert {path for _, _, path in client.list_sub_folders()} & {old, new} == {new}


async def test_subscriptions_follow(account: Tasks) -> None:
    old = [(await account.run("imap-mailbox-create", mailbox=name))["mailbox"] for name in ("Old", "Old/Case")]
    new = [path.replace("Old", "New") for path in old]
    await account.run("imap-mailbox-rename", mailbox="Old", newName="New")
    with account.server.client(account.user) as client:
        assert {path for _, _, path in client.list_sub_folders()} & {*old, *new} == set(new)


async def test_what_another_client_made_is_subscribed_to(account: Tasks) -> None:
    made = (await account.run("imap-mailbox-create", mailbox="Others"))["mailbox"]
    with account.server.client(account.user) as client:
        client.unsubscribe_folder(made)
        assert (await account.run("imap-mailbox-create", mailbox="Others"))["created"] is False
        assert made in {path for _, _, path in client.list_sub_folders()}


async def test_special_uses_name_mailboxes(account: Tasks) -> None:
    needs(account, Lack.SPECIAL_USE)
    listed = (await account.run("imap-mailbox-list"))["mailboxes"]
    uses = {one["specialUse"]: one["path"] for one in listed if one["specialUse"]}
    assert uses.keys() >= {"sent", "trash", "drafts", "archive"}
    deliver(account, mail("one"))
    moved = await account.run("imap-move", messageId="one@x.test", target=r"\Archive")
    assert moved["to"] == uses["archive"]
    assert await names(account, mailbox=r"\Archive") == ["one"]


async def test_the_numbers_of_a_mailbox(account: Tasks) -> None:
    deliver(account, mail("a"), mail("b"))
    deliver(account, mail("c"), flags=[r"\Seen"])
    numbers = await account.run("imap-mailbox-status")
    assert (numbers["messages"], numbers["unseen"]) == (3, 2)
    assert numbers["uidNext"] > max(as_others_see(account))
    assert (await account.run("imap-count", criteria={"seen": False}))["count"] == 2


# ── with others in the same mailbox ──────────────────────────────────────────────────────────────────────────────


async def test_what_others_expunge_meanwhile_is_missing(account: Tasks) -> None:
    deliver(account, *(mail(name) for name in "abcd"))
    found = (await account.run("imap-search", criteria={"all": True}))["messages"]
    with account.server.client(account.user) as other:
        other.select_folder("INBOX")
        gone, flagged = other.search()[1:3]
        other.delete_messages([gone])
        other.uid_expunge([gone])
        other.set_flags([flagged], [r"\Flagged"])
        done = await account.run("imap-move", messages=found, target="Archive")
    assert {name_of(one): one["status"] for one in done["messages"]} == {
        "a": "done",
        "b": "missing",
        "c": "done",
        "d": "done",
    }
    assert await names(account) == []
    assert [flags for _, flags in as_others_see(account, done["to"]).values()] == [set(), {r"\Flagged"}, set()]


async def test_two_at_once_lose_nothing_and_with_move_share_nothing(account: Tasks) -> None:
    deliver(account, *(mail(f"m{number:02}") for number in range(20)))
    await account.run("imap-mailbox-create", mailbox="Left")
    await account.run("imap-mailbox-create", mailbox="Right")
    both = await asyncio.gather(
        *(account.run("imap-move", criteria={"all": True}, target=target) for target in ("Left", "Right"))
    )
    there = [await names(account, mailbox=target) for target in ("Left", "Right")]
    assert await names(account) == []
    if Lack.MOVE in account.server.lacks:  # then both may have copied a message before one of them expunges it
        assert set(there[0] + there[1]) == {f"m{number:02}" for number in range(20)}
    else:
        assert sorted(there[0] + there[1]) == [f"m{number:02}" for number in range(20)]
        assert [done["done"] for done in both] == [len(some) for some in there]


async def test_a_busy_other_client_disturbs_nothing(account: Tasks) -> None:
    """Flags, new mail and expunged mail arrive untagged in the middle of our commands."""
    deliver(account, *(mail(f"m{number:02}") for number in range(10)))
    mine = {f"m{number:02}" for number in range(10)}
    over = asyncio.Event()

    def disturb() -> None:
        with account.server.client(account.user) as other:
            number = 0
            while not over.is_set():
                other.append("INBOX", mail(f"noise{number}"))
                other.select_folder("INBOX")
                noise = other.search(["HEADER", "Message-ID", "noise"])
                other.set_flags(other.search()[-1], [r"\Flagged"])
                other.delete_messages(noise)
                other.uid_expunge(noise)
                number += 1

    disturbing = asyncio.create_task(asyncio.to_thread(disturb))
    try:
        for _ in range(10):
            seen = set(await names(account))
            assert mine <= seen
            done = await account.run(
                "imap-flags-add", messages=sorted(f"{name}@x.test" for name in mine), flags=["seen"]
            )
            assert done["done"] == len(mine)
    finally:
        over.set()
        await disturbing
    assert all(r"\Seen" in flags for source, flags in as_others_see(account).values() if b"<noise" not in source)
