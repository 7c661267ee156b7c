"""Camunda's document store (REST API v2, since 8.6): the cluster keeps the bytes, variables hold a reference."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from zeebe_mail.documents.opened import CHUNK, Opened
from zeebe_mail.documents.reference import DocumentReference, verified
from zeebe_mail.documents.store import Reference, titled
from zeebe_mail.errors import DocumentChanged, DocumentNotFound, DocumentNotStored, DocumentStoreUnavailable

if TYPE_CHECKING:
    import httpx

REQUEST_TIMEOUT_S = 10.0  # below the grace period of a shutdown: the mail is out when documents are uploaded
READ_DEADLINE_S = 60.0  # for a whole document
SHOWN_ANSWER = 300  # characters

Headers = Callable[[], Awaitable[dict[str, str]]]
"""Gives the headers that authorise a call."""


class CamundaDocuments:
    """A cluster's document store. Opens its connection with the first document."""

    def __init__(
        self, base_url: str, *, headers: Headers, ca_file: Path | None = None, read_deadline_s: float = READ_DEADLINE_S
    ) -> None:
        """``read_deadline_s`` is how long reading one document may take, from the first byte asked to the last got."""
        self._base_url = base_url.rstrip("/")
        self._headers = headers
        self._ca_file = ca_file
        self._read_deadline_s = read_deadline_s
        self._client: httpx.AsyncClient | None = None

    async def create(self, content: bytes, *, name: str | None, content_type: str) -> Reference:
        """Upload a document (``POST /v2/documents``) and give its reference.

        Raises:
            DocumentNotStored: the store cannot be reached or refuses, with its answer.
        """
        # Imported here: a worker that stores nothing never pays for an HTTP client.
        import httpx

        metadata = {"contentType": content_type, **({"fileName": name} if name else {})}
        parts: dict[str, Any] = {
            "file": (name, content, content_type),
            "metadata": (None, json.dumps(metadata), "application/json"),
        }
        try:
            answer = await self._connected().post(
                f"{self._base_url}/v2/documents", files=parts, headers=await self._headers()
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise DocumentNotStored(
                f"{titled(name)} was not stored: {self._base_url} cannot be reached ({type(error).__name__})."
            ) from error
        if answer.status_code != 201:
            raise DocumentNotStored(
                f"{titled(name)} ({len(content)} bytes) was not stored: {self._base_url} answered "
                f"HTTP {answer.status_code} {answer.text[:SHOWN_ANSWER]}."
            )
        reference = _object(answer)
        if reference is None:
            raise DocumentNotStored(f"The answer to storing {titled(name)} is no document reference.")
        return reference

    async def link(self, reference: DocumentReference, *, valid_for: timedelta | None) -> str:
        """Have a URL made at which anybody can read a document (``POST /v2/documents/{id}/links``).

        Raises:
            DocumentNotFound: the store does not have it, or gives no links.
            DocumentStoreUnavailable: the store cannot be reached or refuses.
        """
        import httpx

        said = {"storeId": reference.store_id, "contentHash": reference.content_hash}
        asked = {} if valid_for is None else {"timeToLive": round(valid_for.total_seconds() * 1000)}
        try:
            answer = await self._connected().post(
                f"{self._base_url}/v2/documents/{quote(reference.document_id, safe='')}/links",
                params={name: value for name, value in said.items() if value},
                json=asked,
                headers=await self._read_headers(reference),
            )
            if answer.status_code not in (200, 201):
                raise await self._refusal(answer, reference)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise DocumentStoreUnavailable(
                f"No link to {reference}: {self._base_url} cannot be reached or broke off ({type(error).__name__})."
            ) from error
        url = (_object(answer) or {}).get("url")
        if not isinstance(url, str) or not url:
            raise DocumentStoreUnavailable(f"The answer to the link to {reference} has no URL.")
        return url

    @asynccontextmanager
    async def open(self, reference: DocumentReference) -> AsyncIterator[Opened]:
        """Begin to read a document (``GET /v2/documents/{id}``).

        Raises:
            DocumentNotFound: the store does not have it.
            DocumentChanged: it has another hash or size than the reference; also in the end.
            DocumentStoreUnavailable: the store cannot be reached, is slow or refuses; also while it is read.
        """
        import httpx

        said = {"storeId": reference.store_id, "contentHash": reference.content_hash}
        url = f"{self._base_url}/v2/documents/{quote(reference.document_id, safe='')}"
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", **await self._read_headers(reference)}
        try:
            async with (
                asyncio.timeout(self._read_deadline_s),
                self._connected().stream(
                    "GET", url, params={name: value for name, value in said.items() if value}, headers=headers
                ) as answer,
            ):
                if answer.status_code != 200:
                    raise await self._refusal(answer, reference)
                if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
                    raise DocumentStoreUnavailable(f"{reference} comes compressed, which was not asked for.")
                yield Opened(
                    verified(answer.aiter_raw(CHUNK), reference),
                    _length(answer),
                    name=reference.name,
                    content_type=reference.content_type or answer.headers.get("Content-Type"),
                )
        except TimeoutError as error:
            raise DocumentStoreUnavailable(
                f"{reference} was not read within {self._read_deadline_s:g} s from {self._base_url}."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise DocumentStoreUnavailable(
                f"{reference} was not read: {self._base_url} cannot be reached or broke off ({type(error).__name__})."
            ) from error

    async def _read_headers(self, reference: DocumentReference) -> dict[str, str]:
        try:
            return await self._headers()
        except DocumentNotStored as error:
            raise DocumentStoreUnavailable(f"{reference} was not read. {error.message}") from error

    async def _refusal(
        self, answer: httpx.Response, reference: DocumentReference
    ) -> DocumentNotFound | DocumentChanged | DocumentStoreUnavailable:
        text = (await answer.aread()).decode(errors="replace")[:SHOWN_ANSWER]
        said = f"{self._base_url} answered HTTP {answer.status_code} {text}".rstrip()
        match answer.status_code:
            case 404 | 410:
                expired = f" It was to be kept until {reference.expires_at}." if reference.expires_at else ""
                return DocumentNotFound(f"{reference} is not there: {said}.{expired}")
            case 400 if "hash" in text.lower():
                return DocumentChanged(f"{reference} has other content than its reference: {said}.")
            case 400 | 422:
                return DocumentNotFound(f"{reference} cannot be read: {said}.")
            case 401 | 403:
                hint = "Give the worker's client (ZEEBE_CLIENT_ID) the right to read documents."
                return DocumentStoreUnavailable(f"{reference} may not be read: {said}.", next_step=hint)
        return DocumentStoreUnavailable(f"{reference} was not read: {said}.")

    async def aclose(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self) -> httpx.AsyncClient:
        import ssl

        import httpx

        if self._client is None:
            trust = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
            self._client = httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, verify=trust)
        return self._client


def _object(answer: httpx.Response) -> dict[str, Any] | None:
    """An answer that is a JSON object."""
    try:
        given = answer.json()
    except ValueError:
        return None
    return given if isinstance(given, dict) else None


def _length(answer: httpx.Response) -> int | None:
    """Bytes that will come, where the store says."""
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdecimal() else None
