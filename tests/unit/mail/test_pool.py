"""Sessions are kept, checked, limited and closed, and one job at a time has one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.unit.mail.virtual_time import in_virtual_time
from zeebe_mail.auth.models import NoAuth, PasswordAuth
from zeebe_mail.errors import Unreachable
from zeebe_mail.mail.bulkhead import Bulkhead
from zeebe_mail.mail.pool import Pool, PoolLimits
from zeebe_mail.mail.server import SmtpServer

SERVER = SmtpServer(host="mail.test")
JANE = PasswordAuth(username="jane", password="one")  # type: ignore[arg-type]


@dataclass(eq=False)
class FakeSession:
    """A session that does what it is told."""

    number: int
    is_usable: bool = True
    is_alive: bool = True
    is_closed: bool = False
    checks: int = 0

    async def check(self) -> bool:
        self.checks += 1
        return self.is_alive

    def close(self) -> None:
        self.is_closed, self.is_usable = True, False


@dataclass
class FakeServer:
    """Opens sessions and remembers them."""

    opened: list[FakeSession] = field(default_factory=list)
    is_down: bool = False

    async def connect(self, server: Any, auth: Any) -> FakeSession:
        if self.is_down:
            raise Unreachable("down")
        self.opened.append(FakeSession(len(self.opened)))
        return self.opened[-1]

    def pool(self, limits: PoolLimits | None = None, *, share: int = 10) -> Pool:
        return Pool({FakeSession: self.connect}, Bulkhead(share), limits)


async def use(pool: Pool, auth: Any = JANE, server: SmtpServer = SERVER) -> int:
    async with pool.lease(FakeSession, server, auth) as session:
        return session.number


@in_virtual_time
async def test_a_session_is_used_again_for_the_same_server_and_user() -> None:
    pool = FakeServer().pool()
    assert [await use(pool), await use(pool)] == [0, 0]
    assert pool.idle == 1


@pytest.mark.parametrize(
    ("server", "auth"),
    [
        (SERVER, NoAuth()),
        (SERVER, PasswordAuth(username="jane", password="two")),  # type: ignore[arg-type]
        (SmtpServer(host="mail.test", port=2525), JANE),
        (SmtpServer(host="mail.test", deadline_seconds=5), JANE),
    ],
)
def test_a_session_is_never_used_for_somebody_or_something_else(server: SmtpServer, auth: Any) -> None:
    @in_virtual_time
    async def check() -> None:
        pool = FakeServer().pool()
        assert [await use(pool), await use(pool, auth, server)] == [0, 1]

    check()


@in_virtual_time
async def test_two_jobs_at_once_have_two_sessions_and_the_newest_is_used_first() -> None:
    pool = FakeServer().pool()
    lease = partial(pool.lease, FakeSession, SERVER, JANE)
    async with lease() as first, lease() as second:
        assert (first.number, second.number, pool.leased) == (0, 1, 2)
    assert (pool.leased, pool.idle, pool.idle_by_endpoint()) == (0, 2, {("smtp", "mail.test", 587): 2})
    assert await use(pool) == 0


@in_virtual_time
async def test_a_session_that_is_not_whole_is_closed() -> None:
    far = FakeServer()
    pool = far.pool()
    async with pool.lease(FakeSession, SERVER, JANE) as session:
        session.is_usable = False
    assert far.opened[0].is_closed
    assert await use(pool) == 1


@in_virtual_time
async def test_a_cancelled_job_gives_nothing_back() -> None:
    far = FakeServer()
    pool = far.pool()

    async def job() -> None:
        async with pool.lease(FakeSession, SERVER, JANE):
            await asyncio.sleep(60)

    task = asyncio.create_task(job())
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert far.opened[0].is_closed
    assert (pool.idle, pool.leased) == (0, 0)


@in_virtual_time
async def test_an_operations_own_error_does_not_cost_the_session() -> None:
    """A refused recipient says nothing about the connection; the session itself knows whether it is whole."""
    pool = FakeServer().pool()
    with pytest.raises(Unreachable):
        async with pool.lease(FakeSession, SERVER, JANE):
            raise Unreachable("as an operation would")
    assert await use(pool) == 0


@in_virtual_time
async def test_a_session_is_checked_only_after_it_has_waited() -> None:
    far = FakeServer()
    pool = far.pool()
    await use(pool)
    await use(pool)
    assert far.opened[0].checks == 0
    await asyncio.sleep(11)
    assert await use(pool) == 0
    assert far.opened[0].checks == 1


@in_virtual_time
async def test_a_session_that_died_while_waiting_is_replaced() -> None:
    far = FakeServer()
    pool = far.pool()
    await use(pool)
    far.opened[0].is_alive = False
    await asyncio.sleep(11)
    assert await use(pool) == 1
    assert far.opened[0].is_closed


@in_virtual_time
async def test_idle_sessions_are_closed_after_their_expiry_without_being_asked() -> None:
    far = FakeServer()
    pool = far.pool()
    await use(pool)
    await asyncio.sleep(30)
    await use(pool, NoAuth())
    await asyncio.sleep(31)
    assert [session.is_closed for session in far.opened] == [True, False]
    await asyncio.sleep(30)
    assert [session.is_closed for session in far.opened] == [True, True]
    assert pool.idle == 0


@in_virtual_time
async def test_a_session_ends_with_its_uses_or_its_age() -> None:
    far = FakeServer()
    pool = far.pool(PoolLimits(max_uses=3, max_age_s=100, check_after_s=1000, idle_expiry_s=1000))
    assert [await use(pool) for _ in range(4)] == [0, 0, 0, 1]
    await asyncio.sleep(101)
    assert await use(pool) == 2
    assert [session.is_closed for session in far.opened] == [True, True, False]


@in_virtual_time
async def test_a_server_that_is_down_leaves_no_trace() -> None:
    far = FakeServer(is_down=True)
    pool = far.pool(share=1)
    for _ in range(3):
        with pytest.raises(Unreachable):
            await use(pool)
    far.is_down = False
    assert await use(pool) == 0


@in_virtual_time
async def test_open_connections_to_an_endpoint_never_exceed_its_share() -> None:
    """Sessions that wait for one user make room for another user's."""
    far = FakeServer()
    pool = far.pool(share=2)
    for number in range(5):
        await use(pool, PasswordAuth(username=f"user{number}", password="x"))  # type: ignore[arg-type]
        assert sum(not session.is_closed for session in far.opened) <= 2
    assert [session.is_closed for session in far.opened] == [True, True, True, False, False]


@in_virtual_time
async def test_closing_ends_all_sessions_also_those_that_come_back_later() -> None:
    far = FakeServer()
    pool = far.pool()
    await use(pool, NoAuth())
    async with pool.lease(FakeSession, SERVER, JANE):
        pool.close()
        assert [session.is_closed for session in far.opened] == [True, False]
    assert [session.is_closed for session in far.opened] == [True, True]
