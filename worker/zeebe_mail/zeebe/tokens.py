"""Access tokens for the gateway: fetched once for everybody who waits, renewed before they end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from zeebe_mail.zeebe.options import OAuthOptions

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger(__name__)

RENEWAL_LEAD_S = 30.0
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

    async def metadata(self) -> Metadata:
        """The authorization header as gRPC metadata.

        Raises:
            TokenUnavailable: the authorization server cannot be reached or refuses.
        """
        if time.monotonic() < self._renew_at:
            return self._metadata
        async with self._lock:
            if time.monotonic() >= self._renew_at:
                await self._fetch()
            return self._metadata

    def discard(self, used: Metadata) -> None:
        """Forget a token that the gateway did not accept, unless a newer one is here already."""
        if used == self._metadata:
            self._renew_at = 0.0

    async def aclose(self) -> None:
        """Close the connection to the authorization server."""
        if self._client is not None:
            await self._client.aclose()

    async def _fetch(self) -> None:
        # Imported here: a worker without OAuth never pays for an HTTP client.
        import ssl

        import httpx

        options = self._options
        if self._client is None:
            trust = ssl.create_default_context(cafile=str(options.ca_file) if options.ca_file else None)
            self._client = httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, verify=trust)
        form = {
            "grant_type": "client_credentials",
            "client_id": options.client_id,
            "client_secret": options.client_secret,
        }
        form |= {name: value for name, value in (("audience", options.audience), ("scope", options.scope)) if value}
        try:
            response = await self._client.post(options.token_url, data=form)
        except httpx.HTTPError as error:
            raise TokenUnavailable(f"{options.token_url} cannot be reached: {type(error).__name__}") from error
        self._metadata, lifetime_s = _read(response, options)
        self._renew_at = time.monotonic() + max(lifetime_s - RENEWAL_LEAD_S, lifetime_s / 2)
        log.debug("token renewed", action="token_renewed", lifetime_s=lifetime_s)


def _read(response: httpx.Response, options: OAuthOptions) -> tuple[Metadata, float]:
    try:
        answer = response.json()
        answer = answer if isinstance(answer, dict) else {}
    except ValueError:
        answer = {}
    token = answer.get("access_token")
    if response.status_code != 200 or not isinstance(token, str):
        said = str(answer.get("error", "no access_token in the answer"))[:100]
        raise TokenUnavailable(
            f"{options.token_url} gave no token for client {options.client_id}: HTTP {response.status_code}, {said}"
        )
    try:
        lifetime_s = float(answer.get("expires_in", UNTOLD_LIFETIME_S))
    except (TypeError, ValueError):
        lifetime_s = UNTOLD_LIFETIME_S
    return (("authorization", f"Bearer {token}"),), lifetime_s
