"""Waiting: it ends with the mail, holds nobody up, outlives a lost connection, and says what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.live.host import until
from tests.operations.imap.mails import mail, put, subjects
from tests.servers.dovecot import Dovecot
from tests.servers.tcp_proxy import TcpProxy
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail.mail.server import ImapServer
from zeebe_mail.operations.imap import wait

pytestmark = pytest.mark.live

ANSWER = {"subject": "answer"}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "PAUSE_S", 0.05)


async def test_a_mail_that_is_there_already_ends_it_at_once(account: Tasks) -> None:
    put(account, mail("answer"), mail("answer"), mail("other"))
    found = await account.run("imap-wait", criteria=ANSWER, timeoutSeconds=0)
    assert (found["found"], subjects(found), found["total"]) == (True, ["answer", "answer"], 2)
    assert found["messages"][0]["uid"] == 2


async def test_the_end_of_the_time_is_a_result_or_an_error(account: Tasks) -> None:
    put(account, mail("other"))
    told = await account.run("imap-wait", criteria=ANSWER, timeoutSeconds="PT0.2S")
    assert (told["found"], told["messages"], told["mailbox"]) == (False, [], "INBOX")
    with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND") as failed:
        await account.run("imap-wait", criteria=ANSWER, timeoutSeconds=0, ifMissing="error")
    assert failed.value.retries == 0


async def test_a_mailbox_that_is_not_there_ends_it(account: Tasks) -> None:
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND"):
        await account.run("imap-wait", mailbox="Nowhere", criteria=ANSWER, timeoutSeconds=60)


async def test_a_server_that_was_never_there_ends_it(account: Tasks) -> None:
    nobody = account.at({"host": "127.0.0.1", "port": 1, "security": "NONE"})
    with pytest.raises(TaskFailed, match="SERVER_UNREACHABLE") as failed:
        await nobody.run("imap-wait", criteria=ANSWER, timeoutSeconds=60)
    assert failed.value.retries == 2


async def test_a_lost_connection_is_made_anew(account: Tasks) -> None:
    async with TcpProxy(account.server.imap) as proxy:
        through = account.at({"host": "127.0.0.1", "port": proxy.port, "security": "NONE"})
        waiting = asyncio.create_task(through.run("imap-wait", criteria=ANSWER, timeoutSeconds=60))
        await until(lambda: account.room.pool.leased == 1)
        proxy.cut()
        await asyncio.to_thread(put, account, mail("answer"))
        assert subjects(await waiting) == ["answer"]


async def test_a_server_that_stays_away_is_told_to_the_operator_once(account: Tasks) -> None:
    async with TcpProxy(account.server.imap) as proxy:
        through = account.at({"host": "127.0.0.1", "port": proxy.port, "security": "NONE"})
        with capture_logs() as logs:
            waiting = asyncio.create_task(through.run("imap-wait", criteria=ANSWER, timeoutSeconds=60))
            await until(lambda: account.room.pool.leased == 1)
            await proxy.refuse()
            proxy.cut()
            await until(lambda: any(line.get("action") == "wait_held_up" for line in logs))
            await proxy.accept()
            await asyncio.to_thread(put, account, mail("answer"))
            assert subjects(await waiting) == ["answer"]
    (told,) = [line for line in logs if line.get("action") == "wait_held_up"]
    assert (told["log_level"], told["code"], told["mailbox"]) == ("warning", "SERVER_UNREACHABLE", "INBOX")


@pytest.fixture
async def narrow(dovecot: Dovecot) -> AsyncIterator[Tasks]:
    """A worker that has two connections to a server."""
    async with tasks(dovecot, dovecot.new_account(), connections_per_server=2) as mine:
        yield mine


async def test_many_that_wait_leave_room_for_the_others(narrow: Tasks) -> None:
    pool = narrow.room.pool
    server = ImapServer(host="localhost", port=narrow.server.imaps)
    waiting = [
        asyncio.create_task(narrow.run("imap-wait", criteria={"subject": f"answer-{number}-"}, timeoutSeconds=60))
        for number in range(6)
    ]
    await until(lambda: pool.leased)
    for _ in range(20):
        assert await narrow.run("imap-list")
    assert pool.has_room(server)
    await asyncio.to_thread(put, narrow, *(mail(f"answer-{number}-") for number in range(6)))
    found = await asyncio.gather(*waiting)
    assert [subjects(one) for one in found] == [[f"answer-{number}-"] for number in range(6)]


async def test_who_is_stopped_gives_its_session_back(account: Tasks) -> None:
    waiting = asyncio.create_task(account.run("imap-wait", criteria=ANSWER, timeoutSeconds=60))
    await until(lambda: account.room.pool.leased == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert account.room.pool.leased == 0
