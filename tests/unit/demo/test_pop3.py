"""The embedded server's POP3, seen by poplib."""

from __future__ import annotations

import asyncio
import poplib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from zeebe_mail.demo.mailserver import MailServer
from zeebe_mail.demo.pki import Authority

MAILS = [f"From: a@x.test\r\nSubject: {n}\r\n\r\n.one\r\n..two\r\nthree\r\n".encode() for n in range(3)]


@pytest.fixture
async def server(pki: Authority) -> AsyncIterator[MailServer]:
    async with MailServer({"alice": "secret"}, pki.issue("pop3-demo")) as running:
        for mail in MAILS:
            await running.deliver("alice", mail)
        yield running


@pytest.fixture
def trust(pki: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=pki.ca_file)


@contextmanager
def opened(server: MailServer, trust: ssl.SSLContext, password: str = "secret") -> Iterator[poplib.POP3]:
    with closing(poplib.POP3_SSL("localhost", server.ports.pop3s, context=trust)) as client:
        client.user("alice")
        client.pass_(password)
        yield client


async def test_mail_is_listed_read_and_deleted(server: MailServer, trust: ssl.SSLContext) -> None:
    def talk() -> tuple[Any, ...]:
        with opened(server, trust) as client:
            seen = client.stat(), client.list()[1], client.uidl()[1], b"\r\n".join(client.retr(2)[1]) + b"\r\n"
            top = client.top(2, 1)[1]
            client.dele(2)
            client.quit()
        with opened(server, trust) as client:
            return *seen, top, client.stat()[0], client.uidl()[1]

    stat, sizes, uidls, mail, top, count, rest = await asyncio.to_thread(talk)
    assert stat == (3, sum(map(len, MAILS)))
    assert [int(line.split()[1]) for line in sizes] == list(map(len, MAILS))
    assert mail == MAILS[1]
    assert top[-1] == b".one"
    assert count == 2
    assert [line.split()[1] for line in rest] == [uidls[0].split()[1], uidls[2].split()[1]]


async def test_nothing_is_deleted_without_quit(server: MailServer, trust: ssl.SSLContext) -> None:
    def talk() -> int:
        with opened(server, trust) as client:
            client.dele(1)
            client.sock.shutdown(socket.SHUT_RDWR)
        while True:
            try:
                with opened(server, trust) as client:
                    return client.stat()[0]
            except poplib.error_proto:
                continue  # the server has not noticed yet that the first one has gone

    assert await asyncio.to_thread(talk) == 3


async def test_one_client_at_a_time(server: MailServer, trust: ssl.SSLContext) -> None:
    def talk() -> None:
        with opened(server, trust) as first:
            with pytest.raises(poplib.error_proto, match="IN-USE"), opened(server, trust):
                pass
            first.quit()
        with opened(server, trust):
            pass

    await asyncio.to_thread(talk)


async def test_a_wrong_password_locks_nothing(server: MailServer, trust: ssl.SSLContext) -> None:
    def talk() -> None:
        with pytest.raises(poplib.error_proto, match="AUTH"), opened(server, trust, password="wrong"):
            pass
        with opened(server, trust):
            pass

    await asyncio.to_thread(talk)


async def test_stls(server: MailServer, trust: ssl.SSLContext) -> None:
    def talk() -> int:
        with closing(poplib.POP3("localhost", server.ports.pop3)) as client:
            assert "STLS" in client.capa()
            client.stls(trust)
            assert "STLS" not in client.capa()
            client.user("alice@mail.test")
            client.pass_("secret")
            return client.stat()[0]

    assert await asyncio.to_thread(talk) == 3
