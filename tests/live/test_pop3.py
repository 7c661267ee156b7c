"""POP3 tasks with real servers: the same tests on all of them, then what is particular about Dovecot's."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import SecretStr

from tests.servers.courier import Courier
from tests.servers.dovecot import LOGIN_AFTER_TLS, Dovecot, with_mechanisms
from tests.servers.mailboxes import PASSWORD, MailServerUnderTest
from tests.servers.tcp_proxy import TcpProxy
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail import errors
from zeebe_mail.auth.models import PasswordAuth
from zeebe_mail.demo.pki import Authority
from zeebe_mail.mail.pop3 import Pop3Connector, Pop3Timeouts
from zeebe_mail.mail.server import Pop3Server, Security
from zeebe_mail.mail.tls import TlsPolicy

pytestmark = pytest.mark.live

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def mail(
    name: str,
    *,
    sender: str = "Jane <jane@x.test>",
    subject: str = "",
    body: str = "Hello",
    sent: datetime | None = NOON,
    received: datetime | None = None,
    headers: str = "",
) -> bytes:
    """A message with the Message-ID `<name@x.test>`."""
    dates = [f"Received: from a by b; {format_datetime(received)}"] if received else []
    dates += [f"Date: {format_datetime(sent)}"] if sent else []
    lines = [
        *dates,
        f"From: {sender}",
        "To: reader@x.test",
        f"Subject: {subject or name}",
        f"Message-ID: <{name}@x.test>",
        *headers.splitlines(),
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        body,
        "",
    ]
    return "\r\n".join(lines).encode()


@pytest.fixture
async def account(mail_server: MailServerUnderTest) -> AsyncIterator[Tasks]:
    """An account of the test's own, empty, with the sessions of one worker."""
    async with tasks(mail_server, mail_server.new_account()) as mine:
        yield mine


@pytest.fixture
async def on_dovecot(dovecot: Dovecot) -> AsyncIterator[Tasks]:
    async with tasks(dovecot, dovecot.new_account()) as mine:
        yield mine


def deliver(account: Tasks, *messages: bytes) -> None:
    # Courier numbers the messages of one second by the text of their microseconds, in which 99999 is after 100000.
    while isinstance(account.server, Courier) and not 0.1 <= time.time() % 1 <= 0.8:
        time.sleep(0.01)
    account.server.deliver(account.user, *messages)


def names(found: dict[str, Any]) -> list[str]:
    return [str(one["messageId"]).removeprefix("<").removesuffix("@x.test>") for one in found["messages"]]


async def left(account: Tasks) -> list[str]:
    """What is in the mailbox, told by IMAP."""
    with account.server.client(account.user) as client:
        client.select_folder("INBOX", readonly=True)
        found = client.fetch(client.search(), ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"])
    headers = [next(value for key, value in one.items() if key.startswith(b"BODY[")) for one in found.values()]
    return sorted(header.decode().partition("<")[2].partition("@")[0] for header in headers)


# ── on all servers ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_list_gives_the_newest_first(account: Tasks) -> None:
    deliver(account, *(mail(f"m{number}", subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=") for number in range(5)))
    listed = await account.run("pop3-list", limit=3)
    assert names(listed) == ["m4", "m3", "m2"]
    assert (listed["total"], listed["truncated"]) == (5, True)
    newest = listed["messages"][0]
    assert (newest["subject"], newest["fromAddress"], newest["number"]) == ("Grüße", "jane@x.test", 5)
    assert newest["from"] == [{"name": "Jane", "address": "jane@x.test"}]
    assert newest["sentDate"] == "2026-03-10T12:00:00Z"
    assert newest["uidl"]
    assert abs(newest["size"] - len(mail("m4", subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?="))) <= 20


async def test_the_size_of_the_body_is_told_too(account: Tasks) -> None:
    deliver(account, mail("a", body="x" * 100, subject="s" * 300))
    (listed,) = (await account.run("pop3-list"))["messages"]
    read = await account.run("pop3-read", messageId="a@x.test")
    assert listed["bodySize"] == read["bodySize"]
    assert 100 <= listed["bodySize"] <= 104
    assert (await account.run("pop3-read", messageId="a@x.test", level="header"))["bodySize"] == listed["bodySize"]


async def test_ids_are_enough_to_read_and_delete(account: Tasks) -> None:
    deliver(account, mail("a"), mail("b"))
    for task, more in (("pop3-list", {}), ("pop3-search", {"criteria": {"all": True}})):
        (newest,) = (await account.run(task, fields="ids", limit=1, **more))["messages"]
        assert (newest.keys(), newest["messageId"]) == ({"messageId", "uidl", "number"}, "<b@x.test>")
    assert (await account.run("pop3-delete", messages=[newest]))["deleted"]


async def test_an_empty_mailbox(account: Tasks) -> None:
    assert await account.run("pop3-list") == {"messages": [], "total": 0, "truncated": False}
    assert await account.run("pop3-list", numbers="*") == {"messages": [], "total": 0, "truncated": False}
    found = await account.run("pop3-search", criteria={"body": "x"})
    assert (found["messages"], found["scanned"], found["complete"]) == ([], 0, True)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, ["d", "c", "b", "a"]),
        ({"sortOrder": "ASC"}, ["a", "b", "c", "d"]),
        ({"sortBy": "SENT_DATE"}, ["c", "b", "a", "d"]),
        ({"sortBy": "SENT_DATE", "sortOrder": "ASC"}, ["a", "b", "c", "d"]),
        ({"sortBy": "sent_date", "sortOrder": "asc", "limit": 1}, ["a"]),
        ({"sortBy": "RECEIVED_DATE"}, ["a", "c", "d", "b"]),
        ({"sortBy": "RECEIVED_DATE", "sortOrder": "ASC"}, ["c", "a", "b", "d"]),
        ({"sortBy": "SIZE"}, ["b", "c", "a", "d"]),
        ({"sortBy": "SIZE", "sortOrder": "ASC", "limit": 2}, ["d", "a"]),
        ({"sortBy": "BODY_SIZE", "limit": 3}, ["b", "c", "a"]),
        ({"numbers": "1,3:*"}, ["d", "c", "a"]),
        ({"numbers": "*"}, ["d"]),
        ({"numbers": "9:*"}, []),
        ({"numbers": "7:9"}, []),
        ({"numbers": 2}, ["b"]),
    ],
    ids=str,
)
async def test_order_comes_before_limit(account: Tasks, how: dict[str, Any], expected: list[str]) -> None:
    """Undated messages are last in any order; ties are in the order of arrival."""
    deliver(
        account,
        mail("a", body="x" * 100, received=NOON + timedelta(hours=2)),
        mail("b", body="x" * 900, sent=NOON + timedelta(days=1)),
        mail("c", body="x" * 400, sent=NOON + timedelta(days=1, seconds=1), received=NOON),
        mail("d", body="", sent=None),
    )
    assert names(await account.run("pop3-list", **how)) == expected


async def test_reading_keeps_the_message(account: Tasks) -> None:
    deliver(account, mail("one", body="Schöne Grüße\r\n.\r\n..\r\nEnde"), mail("two"))
    for reference in ({"messageId": "<one@x.test>"}, {"messageId": "one@x.test"}):
        read = await account.run("pop3-read", **reference)
        assert (read["found"], read["deleted"], read["messageId"]) == (True, False, "<one@x.test>")
        assert read["plainTextBody"].splitlines() == ["Schöne Grüße", ".", "..", "Ende"]
        assert read["sentDate"] == "2026-03-10T12:00:00Z"
        assert {"key": "Subject", "value": "one"} in read["headers"]
    by_uidl = await account.run("pop3-read", uidl=read["uidl"])
    assert by_uidl == read
    assert await left(account) == ["one", "two"]


async def test_only_the_header(account: Tasks) -> None:
    deliver(account, mail("one", body="x" * 5000))
    read = await account.run("pop3-read", messageId="one@x.test", level="header")
    assert (read["subject"], read["plainTextBody"]) == ("one", None)
    assert read["size"] > 5000


async def test_the_source_is_byte_for_byte(account: Tasks) -> None:
    source = mail("one", body="\r\n".join(["..", ".", ".x", "y" * 3000, "äöü"]))
    deliver(account, source)
    got = await account.run("pop3-download", messageId="one@x.test", deliver="base64")
    content = base64.b64decode(got["content"])
    assert content.endswith(source)
    assert (got["found"], got["size"], got["contentType"]) == (True, len(content), "message/rfc822")


async def test_one_attachment(account: Tasks) -> None:
    attached = (
        b"From: a@x.test\r\nMessage-ID: <att@x.test>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nText\r\n'
        b'--b\r\nContent-Type: text/csv; name="a.csv"\r\nContent-Transfer-Encoding: base64\r\n'
        b"Content-Disposition: attachment; filename=a.csv\r\n\r\nMTsyCg==\r\n--b--\r\n"
    )
    deliver(account, attached)
    read = await account.run("pop3-read", messageId="att@x.test", attachments="metadata")
    (part,) = read["attachments"]
    assert (part["fileName"], part["contentType"], part["size"]) == ("a.csv", "text/csv", 4)
    got = await account.run("pop3-download", uidl=read["uidl"], part=part["part"], deliver="base64")
    assert (base64.b64decode(got["content"]), got["fileName"]) == (b"1;2\n", "a.csv")
    with pytest.raises(TaskFailed, match="has no attachment or inline part 9"):
        await account.run("pop3-download", uidl=read["uidl"], part="9", deliver="base64")


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"operator": "or", "criteria": [{"field": "FROM", "value": "bob"}, {"field": "SUBJECT", "value": "GRÜSSE"}]},
         ["b", "a"]),
        ({"field": "BODY", "value": "übermorgen"}, ["b"]),
        ({"not": {"from": "bob@y.test"}}, ["c", "a"]),
        ({"from": "ob@y.test"}, ["b"]),
        ({"from": "ob@y.test", "match": "exact"}, []),
        ({"from": "Bob@Y.test", "match": "exact"}, ["b"]),
        ({"header": {"X-Order": "4711"}}, ["c"]),
        ({"text": "4711"}, ["c"]),
        ({"sentSince": "2026-03-11"}, ["c"]),
        ({"sentBefore": "2026-03-10T12:00:01Z"}, ["b", "a"]),
        ({"messageId": "<a@x.test>"}, ["a"]),
        ({"larger": 1000}, ["b"]),
        ({"seq": "2:*"}, ["c", "b"]),
        ({"subject": "b", "body": "nothing"}, []),
    ],
    ids=str,
)  # fmt: skip
async def test_search(account: Tasks, criteria: Any, expected: list[str]) -> None:
    deliver(
        account,
        mail("a", subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?="),
        mail("b", sender="Bob <bob@y.test>", body="bis übermorgen " * 100),
        mail("c", sent=NOON + timedelta(days=1), headers="X-Order: 4711"),
    )
    found = await account.run("pop3-search", criteria=criteria)
    assert names(found) == expected
    assert (found["total"], found["scanned"], found["complete"]) == (len(expected), 3, True)


async def test_a_search_has_limits_and_says_so(account: Tasks) -> None:
    deliver(account, *(mail(f"m{number}", body="needle " + "x" * 1000) for number in range(5)))
    near = await account.run("pop3-search", criteria={"subject": "m"}, maxScan=2)
    assert (names(near), near["scanned"], near["complete"]) == (["m4", "m3"], 2, False)
    cheap = await account.run("pop3-search", criteria={"body": "needle"}, maxBytes=3000)
    assert (names(cheap), cheap["skipped"], cheap["complete"]) == (["m4", "m3"], 3, False)
    some = await account.run("pop3-search", criteria={"subject": "m"}, limit=2)
    assert (names(some), some["total"], some["truncated"]) == (["m4", "m3"], 5, True)


async def test_delete_one(account: Tasks) -> None:
    deliver(account, mail("one"), mail("two"), mail("three"))
    gone = await account.run("pop3-delete", messageId="two@x.test")
    assert (gone["deleted"], gone["messageId"], gone["done"]) == (True, "<two@x.test>", 1)
    assert await left(account) == ["one", "three"]
    again = await account.run("pop3-delete", uidl=gone["uidl"])
    assert (again["deleted"], again["already"], again["messages"][0]["status"]) == (True, 1, "already")
    unknown = await account.run("pop3-delete", messageId="two@x.test")
    assert (unknown["deleted"], unknown["missing"]) == (False, 1)
    with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND") as failed:
        await account.run("pop3-delete", messageId="two@x.test", ifMissing="error")
    assert failed.value.retries == 0


async def test_delete_several_and_say_what_became_of_each(account: Tasks) -> None:
    deliver(account, mail("a"), mail("twin", body="1"), mail("twin", body="2"), mail("b"))
    listed = await account.run("pop3-list", sortOrder="ASC")
    uidls = [one["uidl"] for one in listed["messages"]]
    gone = await account.run(
        "pop3-delete",
        messages=[
            {"uidl": uidls[0]},
            {"messageId": "twin@x.test"},
            {"uidl": uidls[3], "messageId": "<a@x.test>"},
            {"messageId": "never@x.test"},
        ],
    )
    assert [one["status"] for one in gone["messages"]] == ["done", "failed", "missing", "missing"]
    assert gone["messages"][1]["error"]["code"] == "MESSAGE_AMBIGUOUS"
    assert (gone["deleted"], gone["done"], gone["failed"], gone["missing"]) == (False, 1, 1, 2)
    assert await left(account) == ["b", "twin", "twin"]


async def test_delete_takes_what_a_list_gives(account: Tasks) -> None:
    deliver(account, mail("a"), mail("b"), mail("c"), mail("d"))
    listed = await account.run("pop3-list", limit=2)
    gone = await account.run("pop3-delete", messages=[*listed["messages"], "<a@x.test>"])
    assert (gone["deleted"], [one["messageId"] for one in gone["messages"]]) == (
        True,
        ["<d@x.test>", "<c@x.test>", "<a@x.test>"],
    )
    assert await left(account) == ["b"]
    (one,) = (await account.run("pop3-search", criteria={"all": True}))["messages"]
    read = await account.run("pop3-read", uidl=one["uidl"])
    gone = await account.run("pop3-delete", messages={**read, "messageId": "no id"})
    assert gone["deleted"]
    assert (await account.run("pop3-delete", messages=gone["messages"]))["already"] == 1
    nothing = await account.run("pop3-delete", messages=[])
    assert (nothing["deleted"], nothing["messages"]) == (False, [])


async def test_delete_what_matches(account: Tasks) -> None:
    deliver(account, mail("a", subject="old 1"), mail("b"), mail("c", subject="old 2"), mail("d", subject="old 3"))
    gone = await account.run("pop3-delete", criteria={"subject": "old"}, limit=2)
    assert (gone["done"], gone["total"], gone["truncated"], gone["deleted"]) == (2, 3, True, True)
    assert await left(account) == ["a", "b"]
    nothing = await account.run("pop3-delete", criteria={"subject": "nothing like it"})
    assert (nothing["deleted"], nothing["messages"]) == (False, [])


async def test_two_with_one_message_id_are_ambiguous(account: Tasks) -> None:
    deliver(account, mail("twin", body="1"), mail("twin", body="2"))
    for task in ("pop3-read", "pop3-delete"):
        with pytest.raises(TaskFailed, match="MESSAGE_AMBIGUOUS") as failed:
            await account.run(task, messageId="twin@x.test")
        candidates = failed.value.error["details"]["candidates"]
    assert len({one["uidl"] for one in candidates}) == 2
    one = await account.run("pop3-delete", uidl=candidates[0]["uidl"], messageId="twin@x.test")
    assert one["deleted"]
    assert await left(account) == ["twin"]


async def test_who_is_not_there_is_said(account: Tasks) -> None:
    deliver(account, mail("order-11"))
    for task in ("pop3-read", "pop3-download"):
        more = {"deliver": "base64"} if task == "pop3-download" else {}
        with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND"):
            await account.run(task, messageId="order-1@x.test", **more)
        missing = await account.run(task, messageId="order-1@x.test", ifMissing="result", **more)
        assert (missing["found"], missing["messageId"]) == (False, "<order-1@x.test>")


async def test_read_and_delete(account: Tasks) -> None:
    deliver(account, mail("one"), mail("two"))
    read = await account.run("pop3-read", messageId="one@x.test", deleteAfterRead=True)
    assert (read["deleted"], read["plainTextBody"].strip()) == (True, "Hello")
    assert await left(account) == ["two"]


async def test_new_mail_is_seen_by_the_next_task(account: Tasks) -> None:
    deliver(account, mail("one"))
    assert names(await account.run("pop3-list")) == ["one"]
    deliver(account, mail("two"))
    assert sorted(names(await account.run("pop3-list"))) == ["one", "two"]


async def test_tasks_of_one_mailbox_at_the_same_time(account: Tasks) -> None:
    """Some servers let in one at a time; the others wait for it."""
    deliver(account, mail("one"), mail("two"))
    listed = await asyncio.gather(*(account.run("pop3-list") for _ in range(4)))
    assert [names(one) for one in listed] == [["two", "one"]] * 4


async def test_a_wrong_password_is_tried_once(account: Tasks) -> None:
    with pytest.raises(TaskFailed) as failed:
        await account.with_password("wrong").run("pop3-list")
    assert (failed.value.code, failed.value.retries) == ("AUTHENTICATION_FAILED", 0)


@pytest.mark.parametrize(
    ("task", "request_", "said"),
    [
        ("pop3-list", {"limit": 0}, "limit"),
        ("pop3-list", {"limit": -1}, "limit"),
        ("pop3-list", {"numbers": "0"}, "numbers"),
        ("pop3-list", {"sortBy": "COLOUR"}, "sortBy"),
        ("pop3-search", {}, "is missing"),
        ("pop3-search", {"criteria": " "}, "is missing"),
        ("imap-search", {"criteria": " "}, "is missing"),
        ("pop3-search", {"criteria": {"seen": True}}, "POP3 has no flags"),
        ("pop3-search", {"criteria": {"uid": "1"}}, "POP3 has none"),
        ("pop3-search", {"criteria": {"gmailraw": "x"}}, "only IMAP servers"),
        ("pop3-search", {"criteria": {"field": "FORM", "value": "x"}}, "did you mean FROM"),
        ("pop3-read", {}, "`messageId` or `uidl` must be given"),
        ("pop3-read", {"uidl": "a b"}, "is not a UIDL"),
        ("pop3-read", {"messageId": "a\r\nDELE 1"}, "messageId"),
        ("pop3-read", {"uidl": "1\r\nDELE 1"}, "uidl"),
        ("pop3-delete", {}, "exactly one of"),
        ("pop3-delete", {"messageId": "a@b", "criteria": {"all": True}}, "exactly one of"),
        ("pop3-delete", {"messages": ["a b"]}, "messageId"),
        ("pop3-delete", {"messages": [{"uidl": "1", "colour": "red"}]}, "request.messages[0].colour is unknown"),
        ("pop3-delete", {"criteria": {}}, "must not be empty"),
    ],
)
async def test_bad_input_reaches_no_server(on_dovecot: Tasks, task: str, request_: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskFailed, match="INVALID_INPUT") as failed:
        await on_dovecot.run(task, **request_)
    assert said in str(failed.value)
    assert failed.value.retries == 0


# ── Dovecot in particular ────────────────────────────────────────────────────────────────────────────────────────


def alice(user: str, password: str = PASSWORD) -> PasswordAuth:
    return PasswordAuth(username=user, password=SecretStr(password))


@pytest.mark.parametrize("security", list(Security))
async def test_every_security(dovecot: Dovecot, security: Security) -> None:
    port = dovecot.pop3s if security is Security.SSL_TLS else dovecot.pop3
    connector = Pop3Connector(TlsPolicy(ca_file=dovecot.ca_file))
    where = Pop3Server(host="localhost", port=port, security=security)
    session = await connector(where, alice(dovecot.new_account()))
    assert (session.encryption is None) is (security is Security.NONE)
    assert await session.listing() == ()
    session.close()


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256", "apop"])
async def test_every_mechanism(pki: Authority, mechanism: str) -> None:
    with Dovecot(pki, **with_mechanisms(*dict.fromkeys(("plain", mechanism)))) as server:
        connector = Pop3Connector(TlsPolicy(ca_file=pki.ca_file))
        where = Pop3Server(host="localhost", port=server.pop3, security=Security.NONE)
        session = await connector(where, alice(server.new_account()))
        assert await session.listing() == ()
        session.close()
        with pytest.raises(errors.CredentialsError):
            await connector(where, alice(server.new_account(), "wrong"))


async def test_no_login_before_tls_where_the_server_forbids_it(pki: Authority) -> None:
    with Dovecot(pki, **LOGIN_AFTER_TLS, **with_mechanisms("plain")) as server:
        connector = Pop3Connector(TlsPolicy(ca_file=pki.ca_file, plaintext_hosts=frozenset({"127.0.0.2"})))
        where = Pop3Server(host="127.0.0.2", port=server.pop3, security=Security.NONE)
        with pytest.raises(errors.Unsupported) as told:
            await connector(where, alice(server.new_account()))
    assert "encryption" in told.value.next_step


async def test_a_job_that_is_lost_before_quit_deletes_nothing(account: Tasks) -> None:
    deliver(account, mail("one"), mail("two"))

    async def lost() -> None:
        raise errors.JobLost("cancelled")

    address = Pop3Server.model_validate(account._default_address("pop3-delete"))
    session = await Pop3Connector(TlsPolicy(ca_file=account.server.ca_file))(address, alice(account.user))
    with pytest.raises(errors.JobLost):
        await session.delete(await session.listing(), commit=lost)
    session.close()
    assert names(await account.run("pop3-list")) == ["two", "one"]


async def test_a_connection_cut_before_quit_deletes_nothing(dovecot: Dovecot) -> None:
    user = dovecot.new_account()
    dovecot.deliver(user, mail("one"), mail("two"))
    async with TcpProxy(dovecot.pop3) as proxy:
        connector = Pop3Connector(TlsPolicy(), Pop3Timeouts(command_s=5))
        session = await connector(Pop3Server(host="localhost", port=proxy.port, security=Security.NONE), alice(user))

        async def cut() -> None:
            proxy.cut()

        with pytest.raises(errors.Unreachable):
            await session.delete(await session.listing(), commit=cut)
        session.close()
    async with tasks(dovecot, user) as mine:
        assert names(await mine.run("pop3-list")) == ["two", "one"]


async def test_headers_are_asked_for_once(on_dovecot: Tasks, dovecot: Dovecot) -> None:
    deliver(on_dovecot, *(mail(f"m{number}") for number in range(3)))

    def tops() -> int:
        return sum(int(part.partition("/")[0]) for part in dovecot.log().split(" top=")[1:])

    before = tops()
    await on_dovecot.run("pop3-list", sortBy="SENT_DATE")
    await on_dovecot.run("pop3-read", messageId="m1@x.test")
    deliver(on_dovecot, mail("new"))
    await on_dovecot.run("pop3-search", criteria={"from": "jane"})
    await on_dovecot.run("pop3-list")

    async with asyncio.timeout(10):
        while tops() - before < 4:  # noqa: ASYNC110 - the server writes its log when a session is over
            await asyncio.sleep(0.01)
    assert tops() - before == 4
