"""The IMAP session with a real Dovecot: logins, kept mailboxes, other clients, and what a server may lack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from zeebe_mail import errors
from zeebe_mail.auth.models import PasswordAuth
from zeebe_mail.demo.pki import Authority
from zeebe_mail.mail.bulkhead import Bulkhead
from zeebe_mail.mail.imap import FlagChange, ImapConnector, ImapSession, SortBy
from zeebe_mail.mail.pool import Pool
from zeebe_mail.mail.server import ImapServer, Security
from zeebe_mail.mail.tls import TlsPolicy
from zeebe_mail.message.criteria import criterion

pytestmark = pytest.mark.live

DAY = datetime(2026, 3, 10, 12, tzinfo=UTC)
WITHOUT_EXTENSIONS = "imap_capability = IMAP4rev1 LITERAL+ UIDPLUS"


def login(user: str, password: str = PASSWORD) -> PasswordAuth:
    return PasswordAuth(username=user, password=password)  # type: ignore[arg-type]


def connector(dovecot: Dovecot) -> ImapConnector:
    return ImapConnector(TlsPolicy(ca_file=dovecot.ca_file))


def at(dovecot: Dovecot, security: Security = Security.NONE) -> ImapServer:
    port = dovecot.imaps if security is Security.SSL_TLS else dovecot.imap
    return ImapServer(host="localhost", port=port, security=security)


@asynccontextmanager
async def opened(dovecot: Dovecot, user: str, mailbox: str | None = "INBOX") -> AsyncIterator[ImapSession]:
    session = await connector(dovecot)(at(dovecot), login(user))
    if mailbox:
        await session.mailboxes.select(mailbox)
    yield session
    session.close()


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    """An account that nobody has used."""
    return dovecot.new_account()


@pytest.fixture
async def session(dovecot: Dovecot, user: str) -> AsyncIterator[ImapSession]:
    """Logged in, with INBOX open for reading."""
    async with opened(dovecot, user) as open_one:
        yield open_one


def mail(name: str, *, day: int = 0, text: str = "hello") -> bytes:
    sent = (DAY + timedelta(days=day)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    header = f"From: Jane <jane@x.test>\r\nDate: {sent}\r\nSubject: {name}\r\nMessage-ID: <{name}@x.test>\r\n"
    return f"{header}\r\n{text}\r\n".encode()


async def fill(session: ImapSession, *names: str) -> list[int]:
    """Messages, each a day older than the one before."""
    uids = []
    for age, name in enumerate(names):
        placed = await session.filing.append("INBOX", mail(name, day=-age), received=DAY - timedelta(days=age))
        assert placed is not None
        uids.append(placed[1])
    await session.mailboxes.select("INBOX")
    return uids


# ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("security", Security)
async def test_each_security_logs_in(dovecot: Dovecot, user: str, security: Security) -> None:
    session = await connector(dovecot)(at(dovecot, security), login(user))
    assert (session.encryption is None) is (security is Security.NONE)
    assert "SORT" in session.capabilities
    session.close()


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"])
async def test_each_mechanism_logs_in(pki: Authority, mechanism: str) -> None:
    with Dovecot(pki, users={"alice": 'pä ß"\\'}, mechanisms=mechanism) as server:
        session = await connector(server)(at(server), login("alice", 'pä ß"\\'))
        assert session.is_usable
        session.close()
        with pytest.raises(errors.CredentialsError):
            await connector(server)(at(server), login("alice", "wrong"))


async def test_a_server_that_wants_encryption_says_so(pki: Authority) -> None:
    with Dovecot(pki, listen="127.0.0.1, 127.0.0.2", disable_plain="yes", mechanisms="plain") as server:
        where = ImapServer(host="127.0.0.2", port=server.imap, security=Security.NONE)
        with pytest.raises(errors.Unsupported) as caught:
            await connector(server)(where, login("alice", "secret"))
    assert "Enable TLS" in caught.value.next_step


async def test_an_untrusted_certificate_is_rejected(dovecot: Dovecot, user: str) -> None:
    with pytest.raises(errors.CertificateRejected):
        await ImapConnector()(at(dovecot, Security.SSL_TLS), login(user))


async def test_too_many_connections_are_a_reason_to_come_back(pki: Authority) -> None:
    with Dovecot(pki, users={"alice": "secret"}, max_conn=1) as server:
        first = await connector(server)(at(server), login("alice", "secret"))
        with pytest.raises(errors.Busy, match="LIMIT"):
            await connector(server)(at(server), login("alice", "secret"))
        first.close()


# ── a kept mailbox ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_new_mail_is_seen_in_a_mailbox_that_is_open_already(
    dovecot: Dovecot, user: str, session: ImapSession
) -> None:
    dovecot.deliver(user, mail("new"))
    selected = await session.mailboxes.select("INBOX")
    assert (selected.exists, selected.uid_next) == (1, 2)
    assert await session.search.uids() == [1]


async def test_a_mailbox_made_anew_by_another_client_is_noticed(
    dovecot: Dovecot, user: str, session: ImapSession
) -> None:
    with dovecot.client(user) as other:
        other.create_folder("Work")
        other.append("Work", mail("old"))
        before = await session.mailboxes.select("Work")
        other.delete_folder("Work")
        other.create_folder("Work")
    after = await session.mailboxes.select("Work")
    assert after.uid_validity != before.uid_validity
    assert after.exists == 0


async def test_a_mailbox_deleted_by_another_client_is_not_found(
    dovecot: Dovecot, user: str, session: ImapSession
) -> None:
    with dovecot.client(user) as other:
        other.create_folder("Work")
        other.append("Work", mail("old"))
        await session.mailboxes.select("Work")
        other.delete_folder("Work")
    with pytest.raises(errors.MailboxNotFound):
        await session.mailboxes.select("Work")
    assert (await session.mailboxes.select("INBOX")).exists == 0


async def test_a_pooled_session_keeps_its_mailbox_for_the_next_job(dovecot: Dovecot, user: str) -> None:
    pool = Pool({ImapSession: connector(dovecot)}, Bulkhead())
    async with pool.lease(ImapSession, at(dovecot), login(user)) as first:
        await first.mailboxes.select("INBOX")
    dovecot.deliver(user, mail("new"))
    async with pool.lease(ImapSession, at(dovecot), login(user)) as second:
        assert second is first
        assert (await second.mailboxes.select("INBOX")).exists == 1
    pool.close()


async def test_a_kept_session_outlives_a_restart_of_its_server(pki: Authority) -> None:
    with Dovecot(pki, users={"alice": "secret"}) as server:
        pool = Pool({ImapSession: connector(server)}, Bulkhead())
        async with pool.lease(ImapSession, at(server), login("alice", "secret")) as session:
            await session.mailboxes.select("INBOX")
        # In the loop's own thread, so that it is the session that finds the connection lost.
        server.stop()
        server.start()
        async with pool.lease(ImapSession, at(server), login("alice", "secret")) as session:
            assert (await session.mailboxes.select("INBOX")).exists == 0
        pool.close()


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_looking_and_reading_mark_nothing_as_read(session: ImapSession) -> None:
    [uid] = await fill(session, "one")
    await session.fetch.summaries([uid])
    await session.fetch.message(uid, limit=10_000)
    await session.fetch.part(uid, "1", limit=10_000)
    [summary] = await session.fetch.summaries([uid])
    assert summary.flags == set()


async def test_a_large_message_comes_in_pieces_and_whole(session: ImapSession) -> None:
    raw = mail("large", text="0123456789abcdef" * 4 + "\r\n" + ("x" * 70 + "\r\n") * 50_000)
    await session.filing.append("INBOX", raw)
    await session.mailboxes.select("INBOX")
    assert await session.fetch.message(1, limit=len(raw)) == raw
    assert await session.fetch.size(1) == len(raw)
    with pytest.raises(errors.MessageTooLarge):
        await session.fetch.message(1, limit=len(raw) - 1)
    assert await session.fetch.message(2, limit=10) is None
    assert session.is_usable


async def test_a_header_without_end_does_not_spoil_a_list(session: ImapSession) -> None:
    huge = b"References: " + b"<a@x.test>\r\n " * 300_000 + b"<b@x.test>\r\n" + mail("huge")
    await session.filing.append("INBOX", huge)
    await fill(session, "small")
    summaries = await session.fetch.summaries([1, 2])
    assert [one.uid for one in summaries] == [1, 2]
    assert len(summaries[0].header) <= 2**16


async def test_parts_are_read_by_their_number(session: ImapSession) -> None:
    raw = (
        b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--\r\n"
    )
    await session.filing.append("INBOX", raw)
    await session.mailboxes.select("INBOX")
    assert await session.fetch.part(1, "2", limit=100) == b"aGk="
    assert b"name=a.pdf" in (await session.fetch.part_header(1, "2") or b"")
    assert (await session.fetch.part(1, "7", limit=100) or b"") == b""
    [summary] = await session.fetch.summaries([1])
    assert summary.attachments == 1


async def test_text_beyond_ascii_is_found(session: ImapSession) -> None:
    await session.filing.append("INBOX", 'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nöäü "x" {5}\r\n'.encode())
    await session.mailboxes.select("INBOX")
    assert await session.search.uids(criterion({"subject": "GRÜßE"})) == [1]
    assert await session.search.uids(criterion({"or": [{"body": "öäü"}, {"subject": "nothing"}]})) == [1]
    assert await session.search.uids(criterion({"body": '"x" {5}'})) == [1]
    assert await session.search.count(criterion({"not": {"body": "öäü"}})) == 0


@pytest.mark.parametrize("by", SortBy)
@pytest.mark.parametrize("descending", [True, False])
async def test_without_sort_the_order_is_the_same(pki: Authority, by: SortBy, descending: bool) -> None:
    messages = [(7 * number % 23, "x" * (number * 13 % 17)) for number in range(40)]
    orders = []
    for extra in ("", WITHOUT_EXTENSIONS):
        with Dovecot(pki, users={"alice": "secret"}, imap_extra=extra) as server:
            session = await connector(server)(at(server), login("alice", "secret"))
            for number, (day, text) in enumerate(messages):
                received = DAY + timedelta(hours=(day * 5) % 19 * 30)
                await session.filing.append("INBOX", mail(f"m{number:02}", day=day, text=text), received=received)
            await session.mailboxes.select("INBOX")
            found = await session.search.ordered(by, descending=descending, limit=11)
            some = criterion({"uid": "5:20"})
            within = await session.search.ordered(by, descending=descending, limit=3, criterion=some)
            stable = await session.search.ordered(by, descending=descending, limit=40, ties_ascending=True)
            orders.append((found, within, stable))
            session.close()
    assert orders[0] == orders[1]
    assert len(orders[0][0]) == 11


@pytest.mark.parametrize("extra", ["", WITHOUT_EXTENSIONS])
async def test_equal_messages_may_stay_in_ascending_order(pki: Authority, extra: str) -> None:
    with Dovecot(pki, users={"alice": "secret"}, imap_extra=extra) as server:
        session = await connector(server)(at(server), login("alice", "secret"))
        for name, hours in (("a", 0), ("b", 1), ("c", 1), ("d", 0)):
            await session.filing.append("INBOX", mail(name), received=DAY + timedelta(hours=hours))
        await session.mailboxes.select("INBOX")
        newest_first = {
            stable: await session.search.ordered(SortBy.RECEIVED, descending=True, limit=3, ties_ascending=stable)
            for stable in (True, False)
        }
        session.close()
    assert newest_first == {True: [2, 3, 1], False: [3, 2, 4]}


async def test_a_message_id_is_found_exactly(session: ImapSession) -> None:
    await fill(session, "a1", "xa1", "a1b", "a1")
    assert await session.search.by_message_id("a1@x.test") == [1, 4]
    assert await session.search.by_message_id("1@x.test") == []


async def test_ranges_name_what_exists(session: ImapSession) -> None:
    assert await session.search.in_range("*") == []
    await fill(session, "a", "b", "c")
    assert await session.search.in_range("*") == [3]
    assert await session.search.in_range("2:*") == [2, 3]
    assert await session.search.in_range("1,3:9") == [1, 3]
    assert await session.search.in_range("4:*") == []


# ── filing ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("extra", ["", WITHOUT_EXTENSIONS], ids=["MOVE", "COPY"])
async def test_what_others_have_marked_as_deleted_stays(pki: Authority, extra: str) -> None:
    with Dovecot(pki, users={"alice": "secret"}, imap_extra=extra) as server:
        session = await connector(server)(at(server), login("alice", "secret"))
        await fill(session, "a", "b", "c", "d")
        with server.client("alice", "secret") as other:
            other.select_folder("INBOX")
            other.add_flags([2], ["\\Deleted"])
        assert await session.filing.move([1, 99], "Archive") == {1: 1}
        assert await session.filing.expunge([3, 98]) == [3]
        assert await session.search.uids() == [2, 4]
        assert (await session.mailboxes.select("Archive")).exists == 1
        session.close()


async def test_flags_are_told_as_they_are_then(session: ImapSession) -> None:
    await fill(session, "a", "b")
    assert await session.filing.store_flags([1, 99], FlagChange.ADD, ["\\Seen", "$Done"]) == {1: {"\\Seen", "$Done"}}
    assert await session.filing.store_flags([1, 2], FlagChange.REMOVE, ["\\seen"]) == {1: {"$Done"}, 2: set()}
    assert await session.filing.store_flags([1], FlagChange.REPLACE, []) == {1: set()}


async def test_a_target_that_is_not_there_is_named(session: ImapSession) -> None:
    await fill(session, "a")
    file = session.filing
    for attempt in (file.copy([1], "Nowhere"), file.move([1], "Nowhere"), file.append("Nowhere", mail("b"))):
        with pytest.raises(errors.MailboxNotFound, match="Nowhere"):
            await attempt
    assert await session.search.uids() == [1]


async def test_a_wait_ends_with_new_mail(dovecot: Dovecot, user: str, session: ImapSession) -> None:
    waiting = asyncio.create_task(session.mailboxes.wait_for_change(60))
    await asyncio.to_thread(dovecot.deliver, user, mail("new"))
    assert await waiting
    assert (await session.mailboxes.select("INBOX")).exists == 1


# ── mailboxes ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_mailboxes_of_a_server_with_dots_and_a_prefix(pki: Authority) -> None:
    with Dovecot(pki, users={"alice": "secret"}, sep=".", prefix="INBOX.") as server:
        session = await connector(server)(at(server), login("alice", "secret"))
        path = await session.directory.path_for("Kunden/Müller")
        assert path == "INBOX.Kunden.Müller"
        assert await session.mailboxes.create(path)
        assert not await session.mailboxes.create(path)
        for name in ("Kunden/Müller", "Kunden.Müller", "INBOX.Kunden.Müller", "INBOX/Kunden/Müller"):
            assert await session.directory.resolve(name) == path
        assert await session.directory.resolve("\\trash") == "INBOX.Trash"
        assert await session.directory.resolve("inbox") == "INBOX"
        with pytest.raises(errors.MailboxNotFound, match="Müler") as caught:
            await session.directory.resolve("Kunden/Müler")
        assert caught.value.details["nearest"] == [path]
        session.close()


async def test_subscriptions_follow_a_renamed_mailbox(session: ImapSession) -> None:
    for path in ("Old", "Old/Deep"):
        await session.mailboxes.create(path)
    await session.mailboxes.select("Old", writable=True)
    await session.mailboxes.rename("Old", "New")
    known = {one.path: one.subscribed for one in await session.directory.mailboxes()}
    assert known["New"]
    assert known["New/Deep"]
    assert "Old" not in known
    with pytest.raises(errors.MailboxNotFound):
        await session.mailboxes.rename("Old", "Older")
    with pytest.raises(errors.MailboxExists):
        await session.mailboxes.rename("New/Deep", "INBOX")
    await session.mailboxes.delete("New/Deep")
    with pytest.raises(errors.MailboxNotFound):
        await session.mailboxes.delete("New/Deep")


@pytest.mark.parametrize("extra", ["", WITHOUT_EXTENSIONS], ids=["LIST-STATUS", "LIST"])
async def test_the_numbers_of_all_mailboxes(pki: Authority, extra: str) -> None:
    with Dovecot(pki, users={"alice": "secret"}, imap_extra=extra) as server:
        session = await connector(server)(at(server), login("alice", "secret"))
        await fill(session, "a", "b")
        await session.filing.store_flags([1], FlagChange.ADD, ["\\Seen"])
        await session.mailboxes.create("Parent/Child")
        known = {one.path: one for one in await session.directory.mailboxes(with_status=True)}
        inbox = known["INBOX"].status
        assert inbox is not None
        assert (inbox.messages, inbox.unseen, inbox.uid_next) == (2, 1, 3)
        assert known["Sent"].special_use == "sent"
        assert known["Parent/Child"].subscribed
        session.close()
