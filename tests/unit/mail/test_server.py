"""Hosts, ports and TLS options as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from zeebe_mail.mail.server import ImapServer, MailServer, Pop3Server, Security, SmtpServer


@pytest.mark.parametrize(
    ("given", "host"),
    [
        (" smtp.example.org \t", "smtp.example.org"),
        ("SMTP.Example.ORG", "smtp.example.org"),
        ("smtp.example.org.", "smtp.example.org"),
        ("localhost", "localhost"),
        ("mail_server", "mail_server"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_brought_into_one_form(given: str, host: str) -> None:
    assert SmtpServer(host=given).host == host


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "must name a host"),
        ("  ", "must name a host"),
        ("smtp://smtp.example.org", "bare host name"),
        ("https://example.org/mail", "bare host name"),
        ("jane@example.org", "bare host name"),
        ("smtp.example.org/", "bare host name"),
        ("smtp.example.org:587", "into the field `port`"),
        ("[::1]:587", "into the field `port`"),
        ("smtp.exa\rmple.org", "control characters"),
        ("smtp.exa\nmple.org", "control characters"),
        ("smtp.exa\0mple.org", "control characters"),
        ("smtp example.org", "spaces"),
        ("smtp..example.org", "not a host name"),
        ("-smtp.example.org", "not a host name"),
        ("x" * 64 + ".org", "not a host name"),
        ("bü\u2028cher.example", "not a valid international"),
    ],
)
def test_a_host_that_is_none_is_refused_precisely(given: str, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SmtpServer(host=given)
    assert why in caught.value.errors()[0]["msg"]
    assert len(given.strip()) < 4 or given not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 587),
        ({"security": "STARTTLS"}, 587),
        ({"security": "SSL_TLS"}, 465),
        ({"security": "NONE"}, 25),
        ({"security": "SSL_TLS", "port": 587}, 587),
        ({"port": "2525"}, 2525),
        ({"port": ""}, 587),
        ({"port": None}, 587),
    ],
)
def test_the_port_follows_the_security_unless_given(given: dict[str, Any], port: int) -> None:
    server = SmtpServer.model_validate({"host": "mail.test", **given})
    assert server.endpoint == ("smtp", "mail.test", port)


DEFAULTS = [
    (SmtpServer, Security.SSL_TLS, 465),
    (SmtpServer, Security.STARTTLS, 587),
    (SmtpServer, Security.NONE, 25),
    (ImapServer, Security.SSL_TLS, 993),
    (ImapServer, Security.STARTTLS, 143),
    (ImapServer, Security.NONE, 143),
    (Pop3Server, Security.SSL_TLS, 995),
    (Pop3Server, Security.STARTTLS, 110),
    (Pop3Server, Security.NONE, 110),
]


@pytest.mark.parametrize(("kind", "security", "port"), DEFAULTS)
@pytest.mark.parametrize("blank", [{}, {"port": None}, {"port": ""}, {"port": " "}])
def test_each_security_has_its_port(
    kind: type[MailServer], security: Security, port: int, blank: dict[str, Any]
) -> None:
    server = kind.model_validate({"host": "mail.test", "security": security, **blank})
    assert server.endpoint == (kind.PROTOCOL, "mail.test", port)


@pytest.mark.parametrize(("kind", "security", "_"), DEFAULTS)
def test_a_given_port_wins_as_number_or_as_digits(kind: type[MailServer], security: Security, _: int) -> None:
    for port in (2000, 2000.0, "2000", " 2000 "):
        assert kind.model_validate({"host": "m", "security": security, "port": port}).endpoint[2] == 2000


@pytest.mark.parametrize(
    ("written", "kind", "port", "security"),
    [
        ("TLS", SmtpServer, None, Security.STARTTLS),
        ("TLS", SmtpServer, 465, Security.SSL_TLS),
        ("tls", SmtpServer, "465", Security.SSL_TLS),
        ("TLS", SmtpServer, 587, Security.STARTTLS),
        ("TLS", SmtpServer, 25, Security.STARTTLS),
        ("TLS", SmtpServer, 1025, Security.STARTTLS),
        ("TLS", ImapServer, None, Security.SSL_TLS),
        ("TLS", ImapServer, "", Security.SSL_TLS),
        ("TLS", ImapServer, 993, Security.SSL_TLS),
        ("TLS", ImapServer, 143, Security.STARTTLS),
        ("TLS", ImapServer, 1143, Security.SSL_TLS),
        ("Tls", Pop3Server, None, Security.SSL_TLS),
        ("TLS", Pop3Server, 995, Security.SSL_TLS),
        ("TLS", Pop3Server, "110", Security.STARTTLS),
        ("SSL", SmtpServer, None, Security.SSL_TLS),
        ("SSL", ImapServer, 143, Security.SSL_TLS),
        ("ssl/tls", SmtpServer, 587, Security.SSL_TLS),
        ("SSL/TLS", Pop3Server, None, Security.SSL_TLS),
        ("ssl_tls", ImapServer, None, Security.SSL_TLS),
        ("StartTLS", ImapServer, 993, Security.STARTTLS),
        ("none", ImapServer, None, Security.NONE),
        ("None", SmtpServer, None, Security.NONE),
    ],
)
def test_the_words_of_other_connectors_are_understood(
    written: str, kind: type[MailServer], port: Any, security: Security
) -> None:
    assert kind.model_validate({"host": "mail.test", "security": written, "port": port}).security is security


@pytest.mark.parametrize("kind", [SmtpServer, ImapServer, Pop3Server])
def test_secure_never_means_unencrypted(kind: type[MailServer]) -> None:
    for written in (True, "true"):
        assert kind.model_validate({"host": "mail.test", "secure": written}).security is Security.SSL_TLS
    for written in (False, "False"):
        assert kind.model_validate({"host": "mail.test", "secure": written}).security is Security.STARTTLS


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(30, 30), (0.5e1, 5), ("30", 30), ("2.5", 2.5), ("PT30S", 30), ("pt1m30s", 90), (" PT2M ", 120), ("PT1H", 3600)],
)
def test_a_deadline_is_seconds_or_a_duration(given: Any, seconds: float) -> None:
    assert SmtpServer.model_validate({"host": "mail.test", "deadlineSeconds": given}).deadline_seconds == seconds


@pytest.mark.parametrize(
    "given",
    [
        {"port": 0},
        {"port": 65536},
        {"port": "smtp"},
        {"security": "TLSv1.2"},
        {"security": ""},
        {"security": True},
        {"secure": "maybe"},
        {"secure": True, "security": "SSL_TLS"},
        {"deadlineSeconds": 0},
        {"deadlineSeconds": "PT0.5S"},
        {"deadlineSeconds": "PT2H"},
        {"deadlineSeconds": "PT"},
        {"deadlineSeconds": "P1Y"},
        {"deadlineSeconds": True},
        {"timeout": 5},
        {"tls": {"clientCertificate": "x"}},
        {"tls": {"clientKey": "x"}},
        {"tls": {"minVersion": "SSLv3"}},
        {"tls": {"minVersion": "TLSv1", "maxVersion": "SSLv3"}},
        {"tls": {"minVersion": "TLSv1.1", "maxVersion": "TLSv1"}},
        {"tls": {"minDhBits": 1023}},
        {"tls": {"minDhBits": 7681}},
        {"tls": {"minDhBits": True}},
        {"tls": {"minVersion": "TLSv1.3", "maxVersion": "TLSv1.2"}},
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SmtpServer.model_validate({"host": "mail.test", **given})


def test_a_key_is_in_no_repr() -> None:
    tls = {"clientCertificate": "c", "clientKey": "topsecret"}
    server = SmtpServer.model_validate({"host": "mail.test", "tls": tls})
    assert "topsecret" not in repr(server)
