"""Where a mail server is and how the way to it is protected: the ``server`` field of every operation."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from zeebe_mail.egress import host_name
from zeebe_mail.form import Part, Prompt


class Security(enum.StrEnum):
    """How the connection is encrypted. There is no "if offered": what is chosen happens, or nothing is sent."""

    SSL_TLS = "SSL_TLS"
    STARTTLS = "STARTTLS"
    NONE = "NONE"


class TlsVersion(enum.StrEnum):
    """TLS versions. RFC 8996 retired the first two: they are used only where the operator allows them."""

    TLS_1_0 = "TLSv1"
    TLS_1_1 = "TLSv1.1"
    TLS_1_2 = "TLSv1.2"
    TLS_1_3 = "TLSv1.3"


DEPRECATED = frozenset({TlsVersion.TLS_1_0, TlsVersion.TLS_1_1})
"""What RFC 8996 retired."""


def _blank_is_absent(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def seconds(value: Any) -> Any:
    """Seconds as a number, as text or as an ISO-8601 duration."""
    if not isinstance(value, str) or not value.strip().upper().startswith("P"):
        return value
    try:
        return TypeAdapter(timedelta).validate_python(value.strip().upper()).total_seconds()
    except ValidationError:
        raise ValueError("must be seconds or an ISO-8601 duration, for example 30 or PT30S") from None


SECURITIES = {
    "SSL_TLS": "SSL/TLS: encrypted from the start",
    "STARTTLS": "STARTTLS: encrypted before the login",
    "NONE": "None: not encrypted",
}
"""What the Modeler calls them."""

Host = Annotated[str, AfterValidator(host_name)]
Port = Annotated[int | None, Field(ge=1, le=65535), BeforeValidator(_no_truth_value), BeforeValidator(_blank_is_absent)]
Seconds = Annotated[
    float,
    Field(ge=1, le=3600),
    BeforeValidator(seconds),
    BeforeValidator(_no_truth_value),
    Prompt("Deadline", group="limits", hint="120 seconds; or a duration such as PT2M"),
]
Pem = Annotated[str | None, BeforeValidator(_blank_is_absent)]


class TlsOptions(Part):
    """What differs from the worker's own TLS settings for this one server."""

    ca_certificate: Annotated[
        Pem, Prompt("CA certificate", group="tls", hint="-----BEGIN CERTIFICATE-----", multiline=True)
    ] = None
    """The only authority trusted for this server, as PEM text; without it, the worker's."""
    client_certificate: Annotated[
        Pem, Prompt("Client certificate", group="tls", hint="-----BEGIN CERTIFICATE-----", multiline=True)
    ] = None
    """The certificate we show to the server, as PEM text, with its chain."""
    client_key: Annotated[
        SecretStr | None,
        BeforeValidator(_blank_is_absent),
        Prompt("Client key", group="tls", hint="{{secrets.MAIL_CLIENT_KEY}}"),
    ] = None
    """The private key of the client certificate, as unencrypted PEM text."""
    min_version: Annotated[TlsVersion | None, Prompt("Minimum TLS version", group="tls", feel="static")] = None
    """The oldest TLS version accepted; without it, the worker's."""
    max_version: Annotated[TlsVersion | None, Prompt("Maximum TLS version", group="tls", feel="static")] = None
    """The newest TLS version used; only for servers that fail with a newer one."""
    min_dh_bits: Annotated[
        int,
        Field(ge=1024, le=7680),
        BeforeValidator(_no_truth_value),
        Prompt("Minimum DH size", group="tls", hint="Bits"),
    ] = 2048
    """The smallest Diffie-Hellman group accepted, in bits. It chooses OpenSSL's security level, which bounds the
    server's RSA key likewise: up to 1024 is level 1, up to 2048 level 2, up to 3072 level 3, more is level 4.
    Elliptic curves and TLS 1.3 are strong anyway."""

    @model_validator(mode="after")
    def _belongs_together(self) -> TlsOptions:
        if (self.client_certificate is None) is not (self.client_key is None):
            raise ValueError("clientCertificate and clientKey must be given together")
        if self.min_version and self.max_version and self.min_version > self.max_version:
            raise ValueError("minVersion must not be newer than maxVersion")
        return self


_WORDS: Mapping[str, Security | Literal["TLS"]] = {
    "SSLTLS": Security.SSL_TLS,
    "SSL": Security.SSL_TLS,
    "STARTTLS": Security.STARTTLS,
    "NONE": Security.NONE,
    "TLS": "TLS",
}
_SECURE = {"true": Security.SSL_TLS, "false": Security.STARTTLS}


class MailServer(Part):
    """What the servers of all protocols have in common.

    ``security`` is also taken in the words of other connectors, in any case:

    ===========  ============  ======================  ==================================
    written      465 993 995   25 587 2525 143 110     another port, or none
    ===========  ============  ======================  ==================================
    ``TLS``      SSL_TLS       STARTTLS                SMTP STARTTLS, IMAP and POP3 SSL_TLS
    ``SSL``      SSL_TLS       SSL_TLS                 SSL_TLS
    ``SSL/TLS``  SSL_TLS       SSL_TLS                 SSL_TLS
    ===========  ============  ======================  ==================================

    each protocol knowing its own ports only. ``secure: true`` is SSL_TLS and ``secure: false`` STARTTLS: it says that
    the connection begins unencrypted, and never that it stays so (RFC 8314, 3; only NONE does).
    """

    PROTOCOL: ClassVar[str]
    DEFAULT_PORTS: ClassVar[dict[Security, int]]
    CLEAR_PORTS: ClassVar[frozenset[int]]
    """Ports that are known to begin unencrypted."""

    host: Annotated[Host, Prompt("Host", group="server", hint="mail.example.org")]
    """Name or IP address of the server; the name is also checked against its certificate."""
    port: Annotated[Port, Prompt("Port", group="server")] = None
    """TCP port; without it, the one that belongs to the security."""
    security: Annotated[Security, Prompt("Security", group="server", feel="static", choices=SECURITIES)] = (
        Security.SSL_TLS
    )
    """SSL_TLS: encrypted from the first byte. STARTTLS: upgraded before login, or not used. NONE: not encrypted."""
    tls: Annotated[TlsOptions, Prompt("TLS", group="tls")] = TlsOptions()
    """Certificates and versions for this server."""
    deadline_seconds: Seconds = 120
    """Seconds for everything that one job does with the server."""

    @model_validator(mode="before")
    @classmethod
    def _secure_is_a_security(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "secure" not in data:
            return data
        rest = {name: value for name, value in data.items() if name != "secure"}
        if rest.get("security") is not None:
            raise ValueError("takes either security or secure, not both")
        return rest | {"security": _SECURE.get(str(data["secure"]).strip().lower(), "secure")}

    @field_validator("security", mode="before")
    @classmethod
    def _resolved(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Security) or not isinstance(value, str):
            return value
        word = _WORDS.get(re.sub(r"[\s/_-]+", "", value).upper())
        if word is None:
            raise ValueError("must be one of SSL_TLS, STARTTLS, NONE, or one of the aliases TLS, SSL and SSL/TLS")
        return cls._of_tls(info.data.get("port")) if word == "TLS" else word

    @classmethod
    def _of_tls(cls, port: int | None) -> Security:
        if port == cls.DEFAULT_PORTS[Security.SSL_TLS]:
            return Security.SSL_TLS
        if port in cls.CLEAR_PORTS:
            return Security.STARTTLS
        return Security(cls.model_fields["security"].default)

    @property
    def endpoint(self) -> tuple[str, str, int]:
        """Protocol, host and port: what a bulkhead protects the others from."""
        return self.PROTOCOL, self.host, self.port or self.DEFAULT_PORTS[self.security]


class SmtpServer(MailServer):
    """A server that takes our mail (RFC 5321; submission: RFC 6409 and RFC 8314)."""

    PROTOCOL: ClassVar[str] = "smtp"
    DEFAULT_PORTS: ClassVar[dict[Security, int]] = {Security.SSL_TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}
    CLEAR_PORTS: ClassVar[frozenset[int]] = frozenset({25, 587, 2525})

    host: Annotated[Host, Prompt("Host", group="server", hint="smtp.example.org")]
    """Name or IP address of the server; the name is also checked against its certificate."""
    port: Annotated[
        Port, Prompt("Port", group="server", hint="Blank: 465 with SSL/TLS, 587 with STARTTLS, else 25")
    ] = None
    """TCP port; without it, the one that belongs to the security."""
    security: Annotated[Security, Prompt("Security", group="server", feel="static", choices=SECURITIES)] = (
        Security.STARTTLS
    )
    """SSL_TLS: encrypted from the first byte. STARTTLS: upgraded before login, or not used. NONE: not encrypted."""
    deadline_seconds: Seconds = 120
    """Seconds for everything up to the end of the mail's text. The server's last answer has its own 10 minutes."""
    auth_optional: Annotated[bool, Prompt("Send without login where the server has none", group="delivery")] = False
    """Whether mail is sent without login when the server offers no AUTH at all, as local test servers do."""


class ImapServer(MailServer):
    """A server that keeps our mailboxes (RFC 9051, RFC 3501; implicit TLS: RFC 8314)."""

    PROTOCOL: ClassVar[str] = "imap"
    DEFAULT_PORTS: ClassVar[dict[Security, int]] = {Security.SSL_TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}
    CLEAR_PORTS: ClassVar[frozenset[int]] = frozenset({143})

    host: Annotated[Host, Prompt("Host", group="server", hint="imap.example.org")]
    """Name or IP address of the server; the name is also checked against its certificate."""
    port: Annotated[Port, Prompt("Port", group="server", hint="Blank: 993 with SSL/TLS, else 143")] = None
    """TCP port; without it, the one that belongs to the security."""


class Pop3Server(MailServer):
    """A server from which mail is collected (RFC 1939; STLS: RFC 2595; implicit TLS: RFC 8314)."""

    PROTOCOL: ClassVar[str] = "pop3"
    DEFAULT_PORTS: ClassVar[dict[Security, int]] = {Security.SSL_TLS: 995, Security.STARTTLS: 110, Security.NONE: 110}
    CLEAR_PORTS: ClassVar[frozenset[int]] = frozenset({110})

    host: Annotated[Host, Prompt("Host", group="server", hint="pop.example.org")]
    """Name or IP address of the server; the name is also checked against its certificate."""
    port: Annotated[Port, Prompt("Port", group="server", hint="Blank: 995 with SSL/TLS, else 110")] = None
    """TCP port; without it, the one that belongs to the security."""
