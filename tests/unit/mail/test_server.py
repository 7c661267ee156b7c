"""Hosts, ports and TLS options as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from zeebe_mail.mail.server import SmtpServer


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


@pytest.mark.parametrize(
    "given",
    [
        {"port": 0},
        {"port": 65536},
        {"port": "smtp"},
        {"security": "TLS"},
        {"security": ""},
        {"deadlineSeconds": 0},
        {"timeout": 5},
        {"tls": {"clientCertificate": "x"}},
        {"tls": {"clientKey": "x"}},
        {"tls": {"minVersion": "TLSv1.1"}},
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
