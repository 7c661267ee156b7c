"""Where a mail server is and how the way to it is protected: the ``server`` field of every operation."""

from __future__ import annotations

import enum
import ipaddress
import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from zeebe_mail.form import Part, Prompt

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class Security(enum.StrEnum):
    """How the connection is encrypted. There is no "if offered": what is chosen happens, or nothing is sent."""

    SSL_TLS = "SSL_TLS"
    STARTTLS = "STARTTLS"
    NONE = "NONE"


class TlsVersion(enum.StrEnum):
    """TLS versions that still may be used (RFC 8996 retired the older ones)."""

    TLS_1_2 = "TLSv1.2"
    TLS_1_3 = "TLSv1.3"


def host_name(value: str) -> str:
    """A host as it goes into DNS, TLS and logs: trimmed, IP literals bare, international names as A-labels.

    Raises:
        ValueError: it is a URL, has a port, or cannot be a host name; says which.
    """
    host = value.strip()
    if not host:
        raise ValueError("must name a host, for example smtp.example.org")
    if re.search(r"[\x00-\x20\x7f]", host):
        raise ValueError("must not contain spaces, line breaks or other control characters")
    if "://" in host or "/" in host or "@" in host:
        raise ValueError("must be the bare host name: no scheme such as smtp://, no user and no path")
    bare = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if ":" in host:
        raise ValueError("must not contain a port: put the number after the colon into the field `port`")
    return _ascii_name(host.removesuffix("."))


def _ascii_name(host: str) -> str:
    if not host.isascii():
        import idna  # here, because its tables cost 3 MB and few servers have such a name

        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise ValueError("is not a valid international host name") from None
    host = host.lower()
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError("is not a host name: letters, digits and hyphens, separated by dots")
    return host


def _blank_is_absent(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


Host = Annotated[str, AfterValidator(host_name)]
Port = Annotated[int | None, Field(ge=1, le=65535), BeforeValidator(_no_truth_value), BeforeValidator(_blank_is_absent)]
Pem = Annotated[str | None, BeforeValidator(_blank_is_absent)]


class TlsOptions(Part):
    """What differs from the worker's own TLS settings for this one server."""

    ca_certificate: Annotated[
        Pem, Prompt("CA certificate", group="tls", hint="PEM text. The server must then be certified by this CA.")
    ] = None
    """The only authority trusted for this server, as PEM text; without it, the worker's."""
    client_certificate: Annotated[Pem, Prompt("Client certificate", group="tls", hint="PEM text.")] = None
    """The certificate we show to the server, as PEM text, with its chain."""
    client_key: Annotated[
        SecretStr | None,
        BeforeValidator(_blank_is_absent),
        Prompt("Client key", group="tls", hint="PEM text, for example {{secrets.MAIL_CLIENT_KEY}}"),
    ] = None
    """The private key of the client certificate, as unencrypted PEM text."""
    min_version: Annotated[TlsVersion | None, Prompt("Minimum TLS version", group="tls", feel="static")] = None
    """The oldest TLS version accepted; without it, the worker's."""
    max_version: Annotated[TlsVersion | None, Prompt("Maximum TLS version", group="tls", feel="static")] = None
    """The newest TLS version used; only for servers that fail with a newer one."""

    @model_validator(mode="after")
    def _belongs_together(self) -> TlsOptions:
        if (self.client_certificate is None) is not (self.client_key is None):
            raise ValueError("clientCertificate and clientKey must be given together")
        if self.min_version and self.max_version and self.min_version > self.max_version:
            raise ValueError("minVersion must not be newer than maxVersion")
        return self


class MailServer(Part):
    """What the servers of all protocols have in common."""

    PROTOCOL: ClassVar[str]
    DEFAULT_PORTS: ClassVar[dict[Security, int]]

    host: Annotated[Host, Prompt("Host", group="server", hint="For example mail.example.org")]
    """Name or IP address of the server; the name is also checked against its certificate."""
    port: Annotated[Port, Prompt("Port", group="server")] = None
    """TCP port; without it, the one that belongs to the security."""
    security: Annotated[Security, Prompt("Security", group="server", feel="static")] = Security.SSL_TLS
    """SSL_TLS: encrypted from the first byte. STARTTLS: upgraded before login, or not used. NONE: not encrypted."""
    tls: Annotated[TlsOptions, Prompt("TLS", group="tls")] = TlsOptions()
    """Certificates and versions for this server."""
    deadline_seconds: Annotated[
        float,
        Field(ge=1, le=3600),
        BeforeValidator(_no_truth_value),
        Prompt("Deadline", group="server", hint="Seconds, default 120"),
    ] = 120
    """Seconds for everything that one job does with the server."""

    @property
    def endpoint(self) -> tuple[str, str, int]:
        """Protocol, host and port: what a bulkhead protects the others from."""
        return self.PROTOCOL, self.host, self.port or self.DEFAULT_PORTS[self.security]


class SmtpServer(MailServer):
    """A server that takes our mail (RFC 5321; submission: RFC 6409 and RFC 8314)."""

    PROTOCOL: ClassVar[str] = "smtp"
    DEFAULT_PORTS: ClassVar[dict[Security, int]] = {Security.SSL_TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}

    host: Annotated[Host, Prompt("Host", group="server", hint="For example smtp.example.org")]
    """Name or IP address of the server; the name is also checked against its certificate."""
    port: Annotated[Port, Prompt("Port", group="server", hint="Blank: 465 SSL_TLS, 587 STARTTLS, 25 NONE")] = None
    """TCP port; without it, the one that belongs to the security."""
    security: Annotated[Security, Prompt("Security", group="server", feel="static")] = Security.STARTTLS
    """SSL_TLS: encrypted from the first byte. STARTTLS: upgraded before login, or not used. NONE: not encrypted."""
    deadline_seconds: Annotated[
        float,
        Field(ge=1, le=3600),
        BeforeValidator(_no_truth_value),
        Prompt("Deadline", group="server", hint="Seconds, default 120"),
    ] = 120
    """Seconds for everything up to the end of the mail's text. The server's last answer has its own 10 minutes."""


class ImapServer(MailServer):
    """A server that keeps our mailboxes (RFC 9051, RFC 3501; implicit TLS: RFC 8314)."""

    PROTOCOL: ClassVar[str] = "imap"
    DEFAULT_PORTS: ClassVar[dict[Security, int]] = {Security.SSL_TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}

    host: Annotated[Host, Prompt("Host", group="server", hint="For example imap.example.org")]
    """Name or IP address of the server; the name is also checked against its certificate."""
    port: Annotated[Port, Prompt("Port", group="server", hint="Blank: 993 SSL_TLS, 143 STARTTLS and NONE")] = None
    """TCP port; without it, the one that belongs to the security."""


class Pop3Server(MailServer):
    """A server from which mail is collected (RFC 1939; STLS: RFC 2595; implicit TLS: RFC 8314)."""

    PROTOCOL: ClassVar[str] = "pop3"
    DEFAULT_PORTS: ClassVar[dict[Security, int]] = {Security.SSL_TLS: 995, Security.STARTTLS: 110, Security.NONE: 110}

    host: Annotated[Host, Prompt("Host", group="server", hint="For example pop.example.org")]
    """Name or IP address of the server; the name is also checked against its certificate."""
    port: Annotated[Port, Prompt("Port", group="server", hint="Blank: 995 SSL_TLS, 110 STARTTLS and NONE")] = None
    """TCP port; without it, the one that belongs to the security."""
