"""TLS: contexts that always verify, one for each policy, and the handshake on a connection that stands."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import os
import ssl
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from zeebe_mail.errors import InputError, PlaintextNotAllowed
from zeebe_mail.mail.server import DEPRECATED, TlsOptions, TlsVersion

_VERSIONS = {
    TlsVersion.TLS_1_0: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS_1_1: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}
_DH_BITS_OF_LEVEL = {1: 1024, 2: 2048, 3: 3072, 4: 7680}  # SSL_CTX_set_security_level(3)
_SHUTDOWN_S = 1.0  # a peer that does not answer our TLS goodbye is not waited for
_USUAL_LEVEL = 2  # Python's own ciphers are for this one


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What holds for every connection of this worker; a server's own options go before it.

    ``ca_file`` is trusted in addition to the system's authorities. ``plaintext_hosts`` are the hosts, besides this
    machine, that may be reached without encryption.
    """

    ca_file: Path | None = None
    client_certificate_file: Path | None = None
    client_key_file: Path | None = None
    min_version: TlsVersion = TlsVersion.TLS_1_2
    max_version: TlsVersion | None = None
    plaintext_hosts: frozenset[str] = frozenset()
    allow_deprecated: bool = False

    def allow_plaintext(self, host: str) -> None:
        """Pass when a connection to this host may go without encryption.

        Raises:
            PlaintextNotAllowed: the host is neither this machine nor allowed.
        """
        if not is_loopback(host) and host not in self.plaintext_hosts:
            raise PlaintextNotAllowed(
                f"Security NONE would send mail and password to {host} unencrypted.",
                details={"host": host},
            )


def is_loopback(host: str) -> bool:
    """Whether a host, as ``mail.server`` normalises it, is this machine (RFC 6761, 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _file_with(content: bytes) -> Iterator[str]:
    """A path with this content, for OpenSSL, which reads a chain and its key from files only.

    In memory where the system has that, so that a read-only container will do; else a temporary file of our own
    (0600) that is gone at once.

    Raises:
        InputError: neither can be had.
    """
    with ExitStack() as files:
        try:
            file: IO[bytes] = files.enter_context(open(os.memfd_create("client-certificate"), "wb"))  # noqa: PTH123
            path = f"/proc/self/fd/{file.fileno()}"
            in_memory = Path(path).exists()
        except (OSError, AttributeError):
            in_memory = False
        if not in_memory:
            try:
                file = files.enter_context(tempfile.NamedTemporaryFile(suffix=".pem"))
                path = str(file.name)
            except OSError as error:
                raise InputError(
                    f"The worker has no place for server.tls.clientCertificate: {error.strerror}.",
                    next_step="Give the worker a writable /tmp, or the certificate in ZEEBE_MAIL_CLIENT_CERT_FILE.",
                ) from error
        file.write(content)
        file.flush()
        yield path


@functools.lru_cache(maxsize=256)
def context(policy: TlsPolicy, options: TlsOptions) -> ssl.SSLContext:
    """The context for a server under a policy.

    Raises:
        InputError: a certificate or key in the options cannot be read, or the versions are not possible.
        OSError: a file of the policy cannot be read (``ssl.SSLError`` is one too).
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _limit(made, policy, options)
    _trust(made, policy, options)
    _identify(made, policy, options)
    return made


def _limit(made: ssl.SSLContext, policy: TlsPolicy, options: TlsOptions) -> None:
    """Bound versions, ciphers and key sizes."""
    oldest = options.min_version or policy.min_version
    newest = options.max_version or policy.max_version
    if newest and oldest > newest:
        raise InputError(
            f"The oldest TLS version ({oldest}) is newer than the newest ({newest}).",
            next_step="Change server.tls.minVersion or server.tls.maxVersion; without them the worker's settings hold.",
        )
    if oldest in DEPRECATED and not policy.allow_deprecated:
        raise InputError(
            f"server.tls.minVersion {oldest} is deprecated (RFC 8996) and this worker does not use it.",
            next_step="Set it to TLSv1.2, or let the operator set ZEEBE_MAIL_TLS_ALLOW_DEPRECATED=true.",
        )
    level = 0 if oldest in DEPRECATED else _security_level(options.min_dh_bits)
    if level != _USUAL_LEVEL:
        made.set_ciphers(f"DEFAULT:@SECLEVEL={level}")
    if newest:
        made.maximum_version = _VERSIONS[newest]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the operator knows
        made.minimum_version = _VERSIONS[oldest]


def _security_level(min_dh_bits: int) -> int:
    return next(level for level, bits in _DH_BITS_OF_LEVEL.items() if min_dh_bits <= bits)


def _trust(made: ssl.SSLContext, policy: TlsPolicy, options: TlsOptions) -> None:
    if options.ca_certificate is None:
        made.load_default_certs(ssl.Purpose.SERVER_AUTH)
        if policy.ca_file:
            made.load_verify_locations(policy.ca_file)
        return
    try:
        made.load_verify_locations(cadata=options.ca_certificate)
    except (ssl.SSLError, ValueError) as error:
        raise InputError("server.tls.caCertificate is not a PEM certificate.") from error


def _identify(made: ssl.SSLContext, policy: TlsPolicy, options: TlsOptions) -> None:
    if options.client_certificate is None or options.client_key is None:
        if policy.client_certificate_file:
            made.load_cert_chain(policy.client_certificate_file, policy.client_key_file, password="")
        return
    pem = f"{options.client_certificate}\n{options.client_key.get_secret_value()}\n"
    with _file_with(pem.encode("ascii", "replace")) as file:
        try:
            # A password keeps OpenSSL from asking on the terminal when the key is encrypted.
            made.load_cert_chain(file, password="")
        except (ssl.SSLError, ValueError) as error:
            raise InputError(
                "server.tls.clientCertificate and server.tls.clientKey are not a PEM certificate and its open key."
            ) from error


async def start_tls(
    transport: asyncio.WriteTransport, protocol: asyncio.Protocol, context: ssl.SSLContext, host: str, until: float
) -> asyncio.Transport | None:
    """Encrypt a connection; the transport that its protocol has from now on, or None when it ended meanwhile.

    Args:
        until: when it must be done, of the loop's clock.

    Raises:
        TimeoutError, OSError: there is no TLS.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout_at(until):
        return await loop.start_tls(
            transport,
            protocol,
            context,
            server_hostname=host,
            # The loop's own limit must be there, but the overall one above is the one that counts.
            ssl_handshake_timeout=max(until - loop.time(), 0.001) + 1,
            ssl_shutdown_timeout=_SHUTDOWN_S,
        )
