"""Access tokens for the gateway: fetched once for everybody who waits, renewed before they end."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

import structlog

from zeebe_mail.secrets import shortened
from zeebe_mail.zeebe.options import OAuthOptions

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger(__name__)

RENEWAL_LEAD_S = 30.0
REFUSED_PAUSE_S = 10.0  # a gateway that refuses a new token too is not asked again with another one for so long
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0  # between failed requests; authorization servers lock out who insists
SHORTEST_LIFETIME_S = 10.0
REQUEST_TIMEOUT_S = 15.0
UNTOLD_LIFETIME_S = 300.0  # expires_in is only recommended (RFC 6749, 5.1)

Metadata = tuple[tuple[str, str], ...]


class TokenUnavailable(Exception):
    """The authorization server gave no token; the message has its error code and never the client secret."""


class TokenSource:
    """One cached token; any number of callers share one request for it."""

    def __init__(self, options: OAuthOptions) -> None:
        self._options = options
        self._client: httpx.AsyncClient | None = None
        self._lock = asyncio.Lock()
        self._metadata: Metadata = ()
        self._renew_at = 0.0
        self._ends_at = 0.0
        self._refused_at = -math.inf
        self._failure: TokenUnavailable | None = None
        self._pause_s = FIRST_PAUSE_S

    async def metadata(self) -> Metadata:
        """The authorization header as gRPC metadata.

        Raises:
            TokenUnavailable: the authorization server cannot be reached or refuses, and there is no token that still
                counts. It is asked again only after a while, however many ask here.
        """
        if time.monotonic() < self._renew_at:
            return self._current()
        async with self._lock:
            if time.monotonic() >= self._renew_at:
                await self._renew()
            return self._current()

    def discard(self, used: Metadata) -> bool:
        """Forget a token that the gateway did not accept. Says whether the next call gets another one."""
        if used != self._metadata or self._renew_at == 0.0:
            return True  # somebody else was faster
        now = time.monotonic()
        if now - self._refused_at < REFUSED_PAUSE_S:
            return False
        self._refused_at = now
        self._renew_at = self._ends_at = 0.0
        return True

    def _current(self) -> Metadata:
        if self._failure is not None and time.monotonic() >= self._ends_at:
            # A new one each time: raising an exception again would add to its traceback for ever.
            raise TokenUnavailable(str(self._failure))
        return self._metadata

    async def _renew(self) -> None:
        try:
            self._metadata, lifetime_s = await self._fetch()
        except TokenUnavailable as failure:
            log.warning("no token", action="token_unavailable", reason=str(failure))
            self._failure = failure
            self._renew_at = time.monotonic() + self._pause_s
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            return
        self._failure, self._pause_s = None, FIRST_PAUSE_S
        now = time.monotonic()
        self._ends_at = now + lifetime_s
        self._renew_at = now + max(lifetime_s - RENEWAL_LEAD_S, lifetime_s / 2)
        log.debug("token renewed", action="token_renewed", lifetime_s=lifetime_s)

    async def aclose(self) -> None:
        """Close the connection to the authorization server."""
        if self._client is not None:
            await self._client.aclose()

    async def _fetch(self) -> tuple[Metadata, float]:
        # Imported here: a worker without OAuth never pays for an HTTP client.
        import ssl

        import httpx

        options = self._options
        if self._client is None:
            try:
                trust = ssl.create_default_context(cafile=str(options.ca_file) if options.ca_file else None)
            except OSError as error:
                raise TokenUnavailable(f"the CA certificates in {options.ca_file} cannot be used: {error}") from error
            self._client = httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, verify=trust)
        form = {
            "grant_type": "client_credentials",
            "client_id": options.client_id,
            "client_secret": options.client_secret,
        }
        form |= {name: value for name, value in (("audience", options.audience), ("scope", options.scope)) if value}
        try:
            response = await self._client.post(options.token_url, data=form)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise TokenUnavailable(f"{options.token_url} cannot be reached: {type(error).__name__}") from error
        return _read(response, options)


def _read(response: httpx.Response, options: OAuthOptions) -> tuple[Metadata, float]:
    try:
        answer = response.json()
        answer = answer if isinstance(answer, dict) else {}
    except ValueError:
        answer = {}
    token = answer.get("access_token")
    if response.status_code != 200 or not isinstance(token, str):
        said = shortened(str(answer.get("error", "no access_token in the answer")), 100)
        raise TokenUnavailable(
            f"{options.token_url} gave no token for client {options.client_id}: HTTP {response.status_code}, {said}"
        )
    try:
        lifetime_s = float(answer.get("expires_in", UNTOLD_LIFETIME_S))
    except (TypeError, ValueError):
        lifetime_s = UNTOLD_LIFETIME_S
    if not math.isfinite(lifetime_s):
        lifetime_s = UNTOLD_LIFETIME_S
    return (("authorization", f"Bearer {token}"),), max(lifetime_s, SHORTEST_LIFETIME_S)
