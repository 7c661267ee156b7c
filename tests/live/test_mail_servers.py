"""The mail servers of the tests are what they say, seen by bare clients."""

import poplib
import ssl
from datetime import UTC, datetime

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, IMAPClientReadOnlyError, LoginError

from tests.servers.dovecot import (
    DOTS,
    FAST,
    LOGIN_AFTER_TLS,
    QUOTA,
    READ_ONLY_MAILBOXES,
    Dovecot,
    offering,
    with_mechanisms,
    with_tokens,
)
from tests.servers.mailboxes import PASSWORD, Lack, MailServerUnderTest
from tests.servers.oauth import OAuthServer
from zeebe_mail.demo.pki import Authority

pytestmark = pytest.mark.live

MAIL = b"From: a@x.test\r\nMessage-ID: <1@x.test>\r\n\r\nHello\r\n"


def offers(client: IMAPClient, lack: Lack) -> bool:
    """Whether the server announces what it is said to lack."""
    words = {
        Lack.SORT: b"SORT",
        Lack.MOVE: b"MOVE",
        Lack.SPECIAL_USE: b"SPECIAL-USE",
    }
    return words[lack] in client.capabilities()


def test_a_mail_is_delivered_byte_for_byte(mail_server: MailServerUnderTest) -> None:
    user = mail_server.new_account()
    mail_server.deliver(user, MAIL, flags=[r"\Seen"])
    with mail_server.client(user) as client:
        client.select_folder("INBOX")
        (found,) = client.fetch(client.search(), ["BODY.PEEK[]", "FLAGS"]).values()
    assert found[b"BODY[]"] == MAIL
    assert b"\\Seen" in found[b"FLAGS"]


def test_accounts_are_empty_and_differ(mail_server: MailServerUnderTest) -> None:
    one, other = mail_server.new_account(), mail_server.new_account()
    assert one != other
    for user in (one, other):
        with mail_server.client(user) as client:
            assert client.select_folder("INBOX")[b"EXISTS"] == 0


@pytest.mark.parametrize("lack", [Lack.SORT, Lack.MOVE, Lack.SPECIAL_USE], ids=lambda lack: lack.name)
def test_what_a_server_lacks_is_not_announced(mail_server: MailServerUnderTest, lack: Lack) -> None:
    with mail_server.client(mail_server.new_account()) as client:
        assert offers(client, lack) is (lack not in mail_server.lacks)


def test_pop3_shows_the_same_mail(mail_server: MailServerUnderTest) -> None:
    user = mail_server.new_account()
    mail_server.deliver(user, MAIL)
    client = poplib.POP3("127.0.0.1", mail_server.pop3)
    client.user(user)
    client.pass_(PASSWORD)
    assert b"\r\n".join(client.retr(1)[1]) + b"\r\n" == MAIL
    client.quit()


def test_tls_is_certified_by_our_authority(mail_server: MailServerUnderTest) -> None:
    assert (mail_server.imaps is None) is (Lack.TLS in mail_server.lacks)


def test_dots_put_everything_below_inbox(pki: Authority) -> None:
    with Dovecot(pki, **DOTS) as server, server.client(server.new_account()) as client:
        assert client.namespace().personal == (("INBOX.", "."),)
        assert "INBOX.Sent" in {name for _, _, name in client.list_folders()}


def test_only_these_capabilities_are_announced(pki: Authority) -> None:
    with Dovecot(pki, **offering("UIDPLUS")) as server, server.client(server.new_account()) as client:
        assert set(client.capabilities()) == {b"IMAP4REV1", b"UIDPLUS"}


@pytest.mark.parametrize("name", ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"])
def test_one_mechanism_at_a_time(pki: Authority, name: str) -> None:
    with Dovecot(pki, **with_mechanisms(name)) as server, server._connected() as client:
        mechanisms = {word for word in client.capabilities() if word.startswith(b"AUTH=")}
    assert mechanisms == {b"AUTH=" + name.upper().encode()}


def test_apop_is_offered_in_the_greeting(pki: Authority) -> None:
    with Dovecot(pki, **with_mechanisms("plain", "apop")) as server:
        client = poplib.POP3("127.0.0.1", server.pop3)
        client.apop(user := server.new_account(), PASSWORD)
        assert client.stat() == (0, 0), user
        client.quit()


def test_no_login_before_tls_on_the_second_address(pki: Authority) -> None:
    with Dovecot(pki, **LOGIN_AFTER_TLS) as server:
        client = IMAPClient("127.0.0.2", server.imap, ssl=False)
        assert client.has_capability("LOGINDISABLED")
        with pytest.raises(LoginError, match="PRIVACYREQUIRED"):
            client.login(server.new_account(), PASSWORD)
        client.shutdown()


def test_a_full_mailbox_takes_nothing(pki: Authority) -> None:
    with Dovecot(pki, **QUOTA) as server, pytest.raises(IMAPClientError, match="OVERQUOTA"):
        server.deliver(server.new_account(), b"Subject: big\r\n\r\n" + b"x" * 30_000)


def test_a_read_only_mailbox_is_said_to_be_one(pki: Authority) -> None:
    with Dovecot(pki, **READ_ONLY_MAILBOXES) as server:
        user = server.new_account()
        server.deliver(user, MAIL, mailbox="Archive")
        server.make_read_only(user, "Archive")
        with server.client(user) as client, pytest.raises(IMAPClientReadOnlyError):
            client.select_folder("Archive")


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_tokens_are_asked_of_the_oauth_server(pki: Authority, mechanism: str) -> None:
    with OAuthServer() as oauth, Dovecot(pki, **with_tokens(oauth.introspection_url, mechanism)) as server:
        user = server.new_account()
        context = ssl.create_default_context(cafile=str(pki.ca_file))
        for token, refused in ((oauth.issue(user), False), (oauth.issue(user, lifetime_s=-1), True)):
            client = IMAPClient("localhost", server.imaps, ssl_context=context)
            log_in = client.oauth2_login if mechanism == "xoauth2" else client.oauthbearer_login
            if refused:
                with pytest.raises(LoginError, match="AUTHENTICATIONFAILED"):
                    log_in(user, token)
                client.shutdown()
            else:
                log_in(user, token)
                client.logout()


def test_many_messages_are_there_at_once(pki: Authority) -> None:
    with Dovecot(pki, **FAST) as server:
        user = server.new_account()
        server.fill_mailbox(user, ((MAIL, datetime(2026, 1, 1, tzinfo=UTC)) for _ in range(2_500)))
        with server.client(user) as client:
            assert client.select_folder("INBOX")[b"EXISTS"] == 2_500
