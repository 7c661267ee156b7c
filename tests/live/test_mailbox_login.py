"""Logging in to mailboxes: every mechanism by itself, access tokens, and a mailbox that somebody else has open."""

from __future__ import annotations

import poplib
from typing import Any

import pytest

from tests.servers.dovecot import LOGIN_AFTER_TLS, ONE_POP3_SESSION, Dovecot, with_mechanisms, with_tokens
from tests.servers.mailboxes import PASSWORD
from tests.servers.oauth import OAuthServer
from tests.tasks import RETRIES, TaskFailed, Tasks, tasks
from zeebe_mail.demo.pki import Authority
from zeebe_mail.errors import CredentialsError, MailboxLocked, Unsupported

pytestmark = pytest.mark.live

MECHANISMS = ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256")
TOKEN_MECHANISMS = ("xoauth2", "oauthbearer")
LISTS = ("imap-list", "pop3-list")


async def messages(account: Tasks, task: str) -> list[Any]:
    """What a list of the empty mailbox gives."""
    listed: list[Any] = (await account.run(task))["messages"]
    return listed


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_each_mechanism_logs_in_to_imap_and_pop3(pki: Authority, mechanism: str) -> None:
    with Dovecot(pki, **with_mechanisms(mechanism)) as server:
        user = server.new_account()
        async with tasks(server, user) as account:
            for task in LISTS:
                assert await messages(account, task) == []
                with pytest.raises(TaskFailed) as failed:
                    await account.with_password("wrong").run(task)
                assert (failed.value.code, failed.value.retries) == (CredentialsError.code, 0)


@pytest.mark.parametrize("task", LISTS)
@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
async def test_a_token_logs_in(pki: Authority, mechanism: str, task: str) -> None:
    with OAuthServer() as oauth, Dovecot(pki, **with_tokens(oauth.introspection_url, mechanism)) as server:
        user = server.new_account()
        async with tasks(server, user) as account:
            token = oauth.issue(user)
            assert await messages(account.with_token(token), task) == []
            assert [asked.form["token"] for asked in oauth.asked] == [token]


@pytest.mark.parametrize("task", LISTS)
@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
async def test_a_refused_token_is_tried_once(pki: Authority, mechanism: str, task: str) -> None:
    with OAuthServer() as oauth, Dovecot(pki, **with_tokens(oauth.introspection_url, mechanism)) as server:
        user, other = server.new_account(), server.new_account()
        async with tasks(server, user) as account:
            for token in (oauth.issue(user, lifetime_s=-1), oauth.issue(other), "unknown"):
                oauth.asked.clear()
                with pytest.raises(TaskFailed) as failed:
                    await account.with_token(token).run(task)
                assert (failed.value.code, failed.value.retries) == (CredentialsError.code, 0)
                assert len(oauth.asked) == 1
                assert token not in str(failed.value.error)


@pytest.mark.parametrize("task", LISTS)
async def test_no_plain_password_goes_where_none_is_taken_before_tls(pki: Authority, task: str) -> None:
    with Dovecot(pki, **LOGIN_AFTER_TLS, **with_mechanisms("plain")) as server:
        user = server.new_account()
        async with tasks(server, user, plaintext_hosts=("127.0.0.2",)) as account:
            port = server.imap if task == "imap-list" else server.pop3
            plain = account.at({"host": "127.0.0.2", "port": port, "security": "NONE"})
            with pytest.raises(TaskFailed) as failed:
                await plain.run(task)
        assert (failed.value.code, failed.value.retries) == (Unsupported.code, 0)
        assert f"user=<{user}>" not in server.log()


async def test_a_locked_pop3_mailbox_is_tried_again_later(pki: Authority) -> None:
    with Dovecot(pki, **ONE_POP3_SESSION) as server:
        user = server.new_account()
        somebody = poplib.POP3("127.0.0.1", server.pop3)
        somebody.user(user)
        somebody.pass_(PASSWORD)
        async with tasks(server, user) as account:
            with pytest.raises(TaskFailed) as failed:
                await account.run("pop3-list")
            assert failed.value.code == MailboxLocked.code
            assert failed.value.retries == RETRIES - 1
            somebody.quit()
            assert await messages(account, "pop3-list") == []
