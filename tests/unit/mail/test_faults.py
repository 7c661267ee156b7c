"""Every exception has a meaning, and every message its next step."""

from __future__ import annotations

import inspect
import socket
import ssl
from datetime import timedelta

import aiosmtplib
import pytest

from zeebe_mail import errors
from zeebe_mail.auth.sasl import SaslError
from zeebe_mail.mail.faults import (
    EXCEPTIONS,
    REPLIES,
    SENTENCES,
    Answer,
    Phase,
    Where,
    asked_wait,
    shown_text,
    translate,
)
from zeebe_mail.mail.server import ImapServer, MailServer, Pop3Server, Security, SmtpServer
from zeebe_mail.secrets import CUT, Redactor

WHERE = Where(SmtpServer(host="mail.test", port=587, security=Security.STARTTLS), Phase.MAIL, "password")


def exported(module: object) -> list[type[BaseException]]:
    found = {
        thing
        for name, thing in inspect.getmembers(module)
        if not name.startswith("_")
        and inspect.isclass(thing)
        and issubclass(thing, BaseException)
        and thing is not OSError
    }
    return sorted(found, key=lambda kind: kind.__name__)


EVERY = [*exported(aiosmtplib), *exported(ssl), *exported(socket), *ConnectionError.__subclasses__(), SaslError]
BY_REPLY = [kind for kind in exported(aiosmtplib) if issubclass(kind, aiosmtplib.SMTPResponseException)]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_exception_of_the_libraries_has_a_meaning(kind: type[BaseException]) -> None:
    """Named in the table itself, its nearest kin of the same sort, or a server's reply, which has its own table."""
    if kind in BY_REPLY:
        return
    nearest = next(known for known in kind.__mro__ if known in EXCEPTIONS)
    assert nearest is kind or nearest is ConnectionError


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("code", [-1, 0, 200, 250, 354, 421, 450, 530, 535, 550, 552, 599, 600, 999])
def test_every_reply_has_a_meaning_in_every_phase(phase: Phase, code: int) -> None:
    where = Where(SmtpServer(host="mail.test", port=587, security=Security.STARTTLS), phase, "password")
    told = translate(aiosmtplib.SMTPResponseException(code, "5.1.1 text"), where, message_id="<1@x>")
    assert told.message
    assert told.code
    if phase is Phase.DOT and code // 100 not in (4, 5):
        assert type(told) is errors.OutcomeUnknown


def test_every_error_of_the_reply_table_has_a_sentence() -> None:
    assert set(REPLIES.values()) <= set(SENTENCES)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_nothing_but_a_definite_answer_counts_after_the_dot(kind: type[BaseException]) -> None:
    where = Where(SmtpServer(host="mail.test", port=587, security=Security.STARTTLS), Phase.DOT, "password")
    if kind in BY_REPLY:
        return
    error = kind([]) if kind is aiosmtplib.SMTPRecipientsRefused else kind("x")
    told = translate(error, where, message_id="<zm-1@example.org>")
    assert type(told) is errors.OutcomeUnknown
    assert "<zm-1@example.org>" in told.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), errors.HostNotFound),
        (ConnectionRefusedError(111, "Connect call failed"), errors.Unreachable),
        (OSError(113, "No route to host"), errors.Unreachable),
        (TimeoutError(), errors.ServerTimeout),
        (ssl.SSLCertVerificationError(1, "no"), errors.CertificateRejected),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), errors.TlsFailed),
        (aiosmtplib.SMTPServerDisconnected("gone"), errors.Unreachable),
        (aiosmtplib.SMTPReadTimeoutError("slow"), errors.ServerTimeout),
        (aiosmtplib.SMTPConnectTimeoutError("slow"), errors.ServerTimeout),
    ],
)
def test_the_most_specific_meaning_wins(error: BaseException, kind: type[errors.WorkerError]) -> None:
    told = translate(error, WHERE)
    assert type(told) is kind
    assert "mail.test" in told.message
    assert told.details == {"protocol": "smtp", "host": "mail.test", "port": 587, "phase": "MAIL"}


@pytest.mark.parametrize(
    ("security", "port", "phase", "error", "step"),
    [
        (Security.SSL_TLS, 587, Phase.TLS, TimeoutError(), "set the security to STARTTLS"),
        (Security.SSL_TLS, 2465, Phase.TLS, ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), "STARTTLS"),
        (Security.STARTTLS, 465, Phase.GREETING, TimeoutError(), "set the security to SSL_TLS"),
        (Security.NONE, 465, Phase.GREETING, TimeoutError(), "set the security to SSL_TLS"),
        (Security.STARTTLS, 587, Phase.GREETING, TimeoutError(), errors.ServerTimeout.advice),
    ],
)
def test_a_port_and_a_security_that_do_not_fit_are_told(
    security: Security, port: int, phase: Phase, error: BaseException, step: str
) -> None:
    told = translate(error, Where(SmtpServer(host="mail.test", port=port, security=security), phase, "password"))
    assert step in told.next_step


@pytest.mark.parametrize(
    ("kind", "tls", "clear"), [(SmtpServer, 465, 587), (ImapServer, 993, 143), (Pop3Server, 995, 110)]
)
def test_the_ports_in_a_hint_are_those_of_the_protocol(kind: type[MailServer], tls: int, clear: int) -> None:
    def step(port: int, security: Security, phase: Phase, error: BaseException) -> str:
        where = Where(kind(host="mail.test", port=port, security=security), phase, "password")
        return translate(error, where).next_step

    silent = step(tls, Security.STARTTLS, Phase.GREETING, TimeoutError())
    assert silent == f"Port {tls} expects TLS from the first byte: set the security to SSL_TLS."
    talkative = step(clear, Security.SSL_TLS, Phase.TLS, TimeoutError())
    assert talkative == (
        f"Port {clear} usually starts unencrypted: set the security to STARTTLS, or the port to {tls}."
    )
    unencrypted = step(2000, Security.SSL_TLS, Phase.TLS, ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"))
    assert f"STARTTLS (usual port {clear}), or the port to {tls}" in unencrypted


GMAIL, MICROSOFT, OTHER = "gmail.com", "office365.com", "example.org"


@pytest.mark.parametrize(
    ("kind", "provider", "code", "text", "hint"),
    [
        (SmtpServer, GMAIL, 534, "5.7.9 Application-specific password required. Learn", "app password: make"),
        (SmtpServer, GMAIL, 535, "5.7.8 Username and Password not accepted.", "Gmail takes an app password"),
        (ImapServer, GMAIL, 535, "[ALERT] Application-specific password required", "app password: make"),
        (ImapServer, GMAIL, 535, "[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "2-step"),
        (ImapServer, GMAIL, 535, "[ALERT] Your account is not enabled for IMAP use.", "switch on IMAP"),
        (ImapServer, OTHER, 535, "[AUTHENTICATIONFAILED] no", errors.CredentialsError.advice),
        (ImapServer, MICROSOFT, 535, "LOGIN failed.", "use an OAuth token"),
        (Pop3Server, MICROSOFT, 535, "Logon failure: unknown user name or bad password.", "use an OAuth token"),
        (SmtpServer, MICROSOFT, 535, "5.7.3 Authentication unsuccessful", errors.CredentialsError.advice),
        (SmtpServer, MICROSOFT, 535, "5.7.139 unsuccessful, basic authentication is disabled.", "needs OAuth"),
        (SmtpServer, MICROSOFT, 550, "5.7.30 Basic authentication is not supported for Client", "needs OAuth"),
        (SmtpServer, MICROSOFT, 535, "5.7.139 SmtpClientAuthentication is disabled for the Tenant.", "Set-CASMailbox"),
        (SmtpServer, MICROSOFT, 535, "5.7.139 user credentials were incorrect", errors.CredentialsError.advice),
        (ImapServer, OTHER, 538, "[PRIVACYREQUIRED] Plaintext authentication disallowed", "STARTTLS"),
    ],
)
def test_what_providers_say_to_a_login_has_its_hint(
    kind: type[MailServer], provider: str, code: int, text: str, hint: str
) -> None:
    where = Where(kind(host=f"mail.{provider}"), Phase.AUTH, "password")
    told = translate(aiosmtplib.SMTPResponseException(code, text), where)
    assert hint in told.next_step
    assert "unsuccessful" not in told.message


@pytest.mark.parametrize(
    ("status", "hint"), [("invalid_token", "fresh one"), ("401", "fresh one"), ("insufficient_scope", "lacks the")]
)
def test_a_refused_token_is_told_with_its_status(status: str, hint: str) -> None:
    where = Where(SmtpServer(host="mail.test"), Phase.AUTH, "token")
    told = translate(aiosmtplib.SMTPResponseException(535, "5.7.8 no"), where, refusal=status)
    assert type(told) is errors.CredentialsError
    assert told.message == (
        f"mail.test:587 does not accept the access token (server: 535 5.7.8), token status {status}."
    )
    assert told.details["tokenStatus"] == status
    assert hint in told.next_step


@pytest.mark.parametrize(
    ("text", "enhanced", "rest"),
    [
        ("5.1.1 no such user", "5.1.1", "no such user"),
        ("5.7.1 first\n5.7.1 second", "5.7.1", "first second"),
        ("first\nsecond", "", "first second"),
        ("no code", "", "no code"),
        ("", "", ""),
        ("127.0.0.1 blocked", "", "127.0.0.1 blocked"),
    ],
)
def test_a_reply_is_taken_apart(text: str, enhanced: str, rest: str) -> None:
    assert Answer.of(550, text) == Answer(550, enhanced, rest)


def test_text_is_cut_and_has_no_controls() -> None:
    assert shown_text("a\x1b[31m\r\n\u202e\udcff") == "a\\x1b[31m\\r\\n\\u202e\\udcff"
    assert shown_text("x" * 5000) == "x" * 500 + CUT


@pytest.mark.parametrize(
    ("code", "text", "wait"),
    [
        (450, "4.2.0 Greylisted, please try again in 5 minutes", timedelta(minutes=5)),
        (451, "greylisted, retry in 300 seconds", timedelta(seconds=300)),
        (450, "try again after 00:05:00", None),
        (451, "come back in 30 days", None),
        (421, "try again in 48 hours", timedelta(hours=1)),
        (550, "try again in 5 minutes", None),
        (450, "mailbox full", None),
        (450, "4.7.1 from 192.0.2.1", None),
        (450, "4.7.1 limit exceeded for 100 mails", None),
        (450, "too many connections in 10 servers", None),
        (450, "greylisted for 20 hosts; retry in 30 s", timedelta(seconds=30)),
        (450, "please retry after 300", timedelta(seconds=300)),
        (450, "please retry after 300. Thank you", timedelta(seconds=300)),
        (450, "retry after 300 mails", None),
        (450, "wait at least 2 mins", timedelta(minutes=2)),
        (450, "delayed for 90 sec.", timedelta(seconds=90)),
        (450, "retry in 500 ms", None),
        (450, "rejected for 100", None),
    ],
)
def test_a_wait_that_is_asked_for_is_kept(code: int, text: str, wait: timedelta | None) -> None:
    assert asked_wait(code, text) == wait


@pytest.mark.parametrize("shown", range(1, 30, 3))
def test_a_secret_that_a_cut_divides_is_hidden_as_far_as_it_is_there(shown: int) -> None:
    secret = "S3cr/t-Pa55w0rd-of-thirty-char"
    redactor = Redactor()
    redactor.add(secret, is_credential=True)
    told = translate(aiosmtplib.SMTPResponseException(550, f"5.1.1 {'x' * (500 - shown)}{secret}"), WHERE)
    for text in (redactor.data(told.message), redactor.data(told.details)["text"]):
        assert "xxx***" + CUT in text
        assert not any(secret[:size] in text for size in range(1, 30))
