"""Files from web servers: only from URLs that the operator allows, and never from an address that is forbidden.

A process names the URL, so a process could have this worker fetch what only the worker reaches (server-side request
forgery, OWASP A10:2021). Each URL, also each that a server redirects to, must match a listed pattern; its host is
looked up once, all of its addresses are checked, and the connection goes to one of exactly those.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from zeebe_mail.documents.opened import CHUNK, Opened
from zeebe_mail.egress import EgressPolicy, Hosts, host_name, resolve
from zeebe_mail.errors import DownloadFailed, DownloadRefused, HostNotAllowed, UrlNotAllowed
from zeebe_mail.message.parameters import parse

if TYPE_CHECKING:
    import httpx

REDIRECTS = 5
STEP_S = 10.0  # for a connection, and for each piece that comes
DEADLINE_S = 60.0
LIMIT = 2000
"""Characters of a URL."""

_PORTS = {"https": 443, "http": 80}
_REDIRECT = frozenset({301, 302, 303, 307, 308})
_PATTERN = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[^\]]+\]|[^\s/:@?#]+)(?::(?P<port>\d{1,5}))?(?P<path>/\S*)?"
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Url:
    """A URL taken apart once; what is checked is what is fetched."""

    scheme: str
    host: str
    port: int
    path: str
    """Percent-decoded."""
    written: httpx.URL

    @classmethod
    def of(cls, text: str) -> Url:
        """Take a URL apart.

        Raises:
            ValueError: it is no URL, or one that different programs read differently.
        """
        import httpx

        if len(text) > LIMIT or _FORBIDDEN.search(text):
            raise ValueError(f"must have at most {LIMIT} characters, and no spaces, line breaks or backslashes")
        try:
            url = httpx.URL(text)
            host = host_name(url.host)
        except (httpx.InvalidURL, ValueError, UnicodeError):
            raise ValueError("must be a URL such as https://files.example.org/a.pdf") from None
        if url.scheme not in _PORTS or (url.port or 1) > 65535:
            raise ValueError("must begin with https:// or http://, and its port must be one")
        authority, *path = re.split(r"[?#]", text.partition("://")[2], maxsplit=1)[0].split("/")
        if "@" in authority:
            raise ValueError("must not contain a user or a password")
        # Servers in Java leave out what stands behind `;` before they walk the path: `..;` is `..` there.
        parts = re.split(r"[/\\]", unquote(unquote("/".join(path))))
        if {".", ".."} & {part.partition(";")[0].strip() for part in parts}:
            raise ValueError("must not contain `.` or `..` as a part of its path")
        return cls(url.scheme, host, url.port or _PORTS[url.scheme], url.path, url.copy_with(fragment=None))

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def joined(self, location: str) -> Url:
        """Where a redirect leads.

        Raises:
            ValueError: nowhere.
        """
        import httpx

        if _FORBIDDEN.search(location):
            raise ValueError("has spaces or control characters")
        try:
            return Url.of(str(self.written.join(location)))
        except httpx.InvalidURL:
            raise ValueError("is no URL") from None

    def __str__(self) -> str:
        """Without what may be a signature or a token in its query."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{port}{self.path if self.path.isprintable() else '/…'}"


@dataclass(frozen=True, slots=True)
class UrlPattern:
    """URLs as an operator lists them: ``files.example.org/reports/*``, https where nothing else is said."""

    scheme: str
    hosts: Hosts
    port: int
    path: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> UrlPattern:
        """Read one.

        Raises:
            ValueError: it is no pattern; names it.
        """
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise ValueError(f'"{text}" is no pattern for URLs such as https://files.example.org/reports/*')
        scheme = found["scheme"] or "https"
        path = ".*".join(map(re.escape, unquote(found["path"] or "/*").split("*")))
        return cls(scheme, Hosts.of([found["host"]]), int(found["port"] or _PORTS[scheme]), re.compile(path, re.DOTALL))

    def matches(self, url: Url) -> bool:
        """Whether it allows a URL."""
        return (
            url.scheme == self.scheme
            and url.port == self.port
            and self._has_host(url.host)
            and self.path.fullmatch(url.path) is not None
        )

    def _has_host(self, host: str) -> bool:
        try:
            return self.hosts.has_address(ipaddress.ip_address(host)) or self.hosts.has_name(host)
        except ValueError:
            return self.hosts.has_name(host)


PUBLIC = EgressPolicy(
    denies_private=True, kind="web server", why_private="is private and not in ZEEBE_MAIL_URL_PRIVATE_HOSTS"
)
"""The addresses that may be fetched from where nothing else is said."""


class Downloads:
    """Fetches what it may. Each download has a connection of its own, so that none is used for two hosts."""

    def __init__(
        self,
        allowed: Sequence[UrlPattern] = (),
        *,
        egress: EgressPolicy = PUBLIC,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``trust`` makes the TLS context, once it is needed; ``deadline_s`` is for all of one download."""
        self._allowed = tuple(allowed)
        self._egress = egress
        self._trust = trust
        self._context: ssl.SSLContext | None = None
        self._deadline_s = deadline_s

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Opened]:
        """Begin to fetch a file.

        Raises:
            UrlNotAllowed: the URL, one that it redirects to, or an address of their hosts is not allowed.
            DownloadRefused: the server refuses for good.
            DownloadFailed: the server cannot be reached, is slow or fails; also while it is read.
        """
        import httpx

        if self._context is None:
            self._context = self._trust()
        asked = _url(url)
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                httpx.AsyncClient(
                    verify=self._context,
                    timeout=STEP_S,
                    trust_env=False,  # a proxy would look names up again
                    limits=httpx.Limits(max_keepalive_connections=0),
                ) as client,
                self._answered(client, asked) as (final, answer),
            ):
                yield _opened(answer, final)
        except TimeoutError as error:
            raise DownloadFailed(f"{asked} was not fetched within {self._deadline_s:g} s.") from error
        except (httpx.HTTPError, OSError) as error:
            raise DownloadFailed(f"{asked} was not fetched: {_reason(error)}.") from error

    @asynccontextmanager
    async def _answered(self, client: httpx.AsyncClient, url: Url) -> AsyncIterator[tuple[Url, httpx.Response]]:
        """The answer that is no redirect, and where it comes from."""
        for _ in range(REDIRECTS + 1):
            answer = await self._asked(client, url)
            try:
                if answer.status_code not in _REDIRECT:
                    _require_content(answer, url)
                    yield url, answer
                    return
                url = _redirected(url, answer.headers.get("Location", ""))
            finally:
                await answer.aclose()
        raise DownloadRefused(f"{url} redirects more than {REDIRECTS} times.")

    async def _asked(self, client: httpx.AsyncClient, url: Url) -> httpx.Response:
        """The answer of the first address that takes the connection."""
        import httpx

        if not any(pattern.matches(url) for pattern in self._allowed):
            raise UrlNotAllowed(f"{url} may not be fetched: it is not in ZEEBE_MAIL_URLS.")
        try:
            addresses = await resolve(url.host, url.port, self._egress)
        except HostNotAllowed as refused:
            raise UrlNotAllowed(f"{url} may not be fetched. {refused.message}", details=refused.details) from refused
        except socket.gaierror as error:
            raise DownloadFailed(f"{url} was not fetched: the host {url.host} has no address.") from error
        failure: httpx.TransportError | None = None
        for address in dict.fromkeys(str(found[4][0]) for found in addresses):
            request = client.build_request(
                "GET",
                url.written.copy_with(host=address),
                headers={"Host": url.written.netloc.decode("ascii"), "Accept": "*/*", "Accept-Encoding": "identity"},
                extensions={"sni_hostname": url.host},  # the certificate must be for this name
            )
            try:
                return await client.send(request, stream=True, follow_redirects=False)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        assert failure
        raise failure


def _url(text: str) -> Url:
    try:
        return Url.of(text)
    except ValueError as error:
        raise UrlNotAllowed(f"A URL {error}.") from error


def _redirected(url: Url, location: str) -> Url:
    try:
        return url.joined(location)
    except ValueError as error:
        raise DownloadRefused(f"{url} redirects to an address that {error}.") from error


def _require_content(answer: httpx.Response, url: Url) -> None:
    """Pass when what comes is the file."""
    if answer.status_code == 429 or answer.status_code >= 500:
        raise DownloadFailed(f"{url} was not fetched: HTTP {answer.status_code}.")
    if answer.status_code != 200:
        raise DownloadRefused(f"{url} was not fetched: HTTP {answer.status_code}.")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise DownloadRefused(f"{url} was not fetched: it comes compressed, which was not asked for.")


def _opened(answer: httpx.Response, url: Url) -> Opened:
    length = answer.headers.get("Content-Length", "")
    disposition = parse(answer.headers.get("Content-Disposition", ""))
    return Opened(
        answer.aiter_raw(CHUNK),
        size=int(length) if length.isascii() and length.isdecimal() else None,
        name=disposition.parameters.get("filename") or url.name or None,
        content_type=answer.headers.get("Content-Type"),
    )


def _reason(error: Exception) -> str:
    """What went wrong, without anything of the request in it."""
    cause = error.__cause__ or error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted ({cause.verify_message})"
    return f"the server cannot be reached or broke off ({type(error).__name__})"
