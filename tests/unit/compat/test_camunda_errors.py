"""Errors in Camunda's words: what people match on is there, and what repeats a mail costs all retries."""

from __future__ import annotations

from typing import Any

import pytest

from zeebe_mail import errors
from zeebe_mail.compat.errors import INPUT, RUNTIME, cost, described
from zeebe_mail.compat.manners import ConnectorManners
from zeebe_mail.errors import Retry, WorkerError, every_error

PLACE = {"host": "mail.test", "port": 25}


def place(phase: str, **more: Any) -> dict[str, Any]:
    return PLACE | {"phase": phase} | more


def answer(code: int, enhanced: str = "", text: str = "") -> dict[str, Any]:
    return {"code": code, "enhanced": enhanced, "text": text}


@pytest.mark.parametrize(
    ("error", "texts"),
    [
        (
            errors.HostNotFound("x", details=place("CONNECT")),
            ["MailConnectException: Couldn't connect to host, port: mail.test, 25", "UnknownHostException: mail.test"],
        ),
        (errors.Unreachable("x", details=place("CONNECT")), ["java.net.ConnectException: Connection refused"]),
        (errors.ServerTimeout("x", details=place("CONNECT")), ["MailConnectException", "SocketTimeoutException"]),
        (
            errors.ServerTimeout("x", details=place("GREETING")),
            ["Got bad greeting from SMTP host: mail.test, port: 25, response: [EOF]"],
        ),
        (
            errors.CertificateRejected("certificate has expired", details=place("TLS")),
            ["SSLHandshakeException: PKIX path validation failed"],
        ),
        (
            errors.CertificateRejected("Hostname mismatch, ...", details=place("TLS")),
            ["No subject alternative DNS name matching mail.test found"],
        ),
        (errors.CertificateRejected("self-signed", details=place("TLS")), ["unable to find valid certification path"]),
        (
            errors.CredentialsError("x", details=place("AUTH", **answer(535, "5.7.8"))),
            ["jakarta.mail.AuthenticationFailedException: 535 5.7.8\n", "AUTHENTICATION_FAILED"],
        ),
        (
            errors.CredentialsError("x", details=place("AUTH", protocol="imap", responseCode="AUTHENTICATIONFAILED")),
            ["jakarta.mail.AuthenticationFailedException: [AUTHENTICATIONFAILED] Authentication failed."],
        ),
        (
            errors.CertificateRejected("certificate has expired", details=place("TLS", protocol="pop3")),
            ["jakarta.mail.MessagingException: Connect failed;", "SSLHandshakeException: PKIX path validation failed"],
        ),
        (
            errors.TlsFailed("x", details=place("TLS", protocol="imap")),
            ["jakarta.mail.MessagingException: Unsupported or unrecognized SSL message;", "javax.net.ssl.SSLException"],
        ),
        (
            errors.ServerTimeout("x", details=place("AUTH", protocol="imap")),
            ["jakarta.mail.MessagingException: Read timed out;", "java.net.SocketTimeoutException: Read timed out"],
        ),
        (
            errors.MailboxNotFound("x", details={"mailbox": "Work.2025", "path": "Work/2025"}),
            ["jakarta.mail.MessagingException: Folder Work/2025 does not exist"],
        ),
        (
            errors.SenderRefused("x", details=place("MAIL", **answer(553, "5.1.8", "No"))),
            ["SMTPSendFailedException: 553 5.1.8 No", "SMTPSenderFailedException: 553 5.1.8 No"],
        ),
        (
            errors.RecipientsRefused(
                "x",
                details=place("RCPT", rejected=[answer(451, "4.7.1", "Later"), answer(550, "5.1.1", "No such user")]),
            ),
            [
                "jakarta.mail.SendFailedException: Invalid Addresses;\n  nested exception is:\n\t",
                "SMTPAddressFailedException: 550 5.1.1 No such user",
                "RECIPIENTS_REFUSED: x",
            ],
        ),
        (
            errors.MessageRefused("x", details=place("DOT", **answer(554, "5.6.0", "No"))),
            ["SMTPSendFailedException: 554 5.6.0"],
        ),
        (errors.MessageRefused("x", details=place("AUTH", limitBytes=1)), ["SMTPSendFailedException: 552"]),
        (errors.OutcomeUnknown("x", details=place("DOT")), ["SMTPSendFailedException: [EOF]", "OUTCOME_UNKNOWN"]),
        (
            errors.Unsupported("x", details=place("STARTTLS")),
            ["STARTTLS is required but host does not support STARTTLS"],
        ),
        (
            errors.Unsupported("x", details=place("AUTH")),
            ["AuthenticationFailedException: No authentication mechanisms"],
        ),
    ],
)
def test_a_server_s_trouble_begins_with_what_java_says(error: WorkerError, texts: list[str]) -> None:
    java_type, message = described(error)
    assert java_type == RUNTIME
    assert [text for text in texts if text not in message] == []


@pytest.mark.parametrize("kind", list(every_error()))
def test_every_error_has_words_and_no_code(kind: type[WorkerError]) -> None:
    seen = ConnectorManners(codes=False, own_retries=False).describe(kind("It went wrong."))
    assert set(seen) == {"type", "message"}
    assert all(seen.values())


def test_codes_are_there_for_those_who_want_them() -> None:
    seen = ConnectorManners(codes=True, own_retries=False).describe(errors.SenderRefused("x", details=place("MAIL")))
    assert (seen["code"], seen["variables"]["host"]) == ("SENDER_REFUSED", "mail.test")


def test_a_missing_secret_is_said_in_their_words() -> None:
    error = errors.SecretMissing("…", details={"secret": "MAIL_PW"})
    assert described(error) == (INPUT, "Secret with name 'MAIL_PW' is not available")


@pytest.mark.parametrize(
    ("kind", "retry"),
    [
        (errors.RecipientsRefused, Retry.LATER),
        (errors.CredentialsError, Retry.LATER),
        (errors.CertificateRejected, Retry.LATER),
        (errors.Unsupported, Retry.LATER),
        (errors.OutcomeUnknown, Retry.NEVER),
        (errors.InputError, Retry.NEVER),
        (errors.SecretMissing, Retry.NEVER),
        (errors.ExpressionFailed, Retry.NEVER),
        (errors.ResultTooLarge, Retry.NEVER),
        (errors.EndpointSaturated, Retry.FREE),
    ],
)
def test_only_what_could_repeat_a_mail_costs_more_than_one_retry(kind: type[WorkerError], retry: Retry) -> None:
    assert cost(kind("x")) is retry
