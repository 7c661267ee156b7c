"""Camunda's document store (REST API v2, since 8.6): the cluster keeps the bytes, variables hold a reference."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zeebe_mail.documents.store import Reference
from zeebe_mail.errors import DocumentNotStored

if TYPE_CHECKING:
    import httpx

REQUEST_TIMEOUT_S = 10.0  # below the grace period of a shutdown: the mail is out when documents are uploaded
SHOWN_ANSWER = 300  # characters

Headers = Callable[[], Awaitable[dict[str, str]]]
"""Gives the headers that authorise a call."""


class CamundaDocuments:
    """A cluster's document store. Opens its connection with the first document."""

    def __init__(self, base_url: str, *, headers: Headers, ca_file: Path | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = headers
        self._ca_file = ca_file
        self._client: httpx.AsyncClient | None = None

    async def create(self, content: bytes, *, name: str, content_type: str) -> Reference:
        """Upload a document (``POST /v2/documents``) and give its reference.

        Raises:
            DocumentNotStored: the store cannot be reached or refuses, with its answer.
        """
        # Imported here: a worker that stores nothing never pays for an HTTP client.
        import httpx

        parts: dict[str, Any] = {
            "file": (name, content, content_type),
            "metadata": (None, json.dumps({"fileName": name, "contentType": content_type}), "application/json"),
        }
        try:
            answer = await self._connected().post(
                f"{self._base_url}/v2/documents", files=parts, headers=await self._headers()
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise DocumentNotStored(
                f'Document "{name}" was not stored: {self._base_url} cannot be reached ({type(error).__name__}).'
            ) from error
        if answer.status_code != 201:
            raise DocumentNotStored(
                f'Document "{name}" ({len(content)} bytes) was not stored: {self._base_url} answered '
                f"HTTP {answer.status_code} {answer.text[:SHOWN_ANSWER]}."
            )
        return _reference(answer, name)

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


def _reference(answer: httpx.Response, name: str) -> Reference:
    try:
        reference = answer.json()
    except ValueError:
        reference = None
    if not isinstance(reference, dict):
        raise DocumentNotStored(f'The answer to storing document "{name}" is no document reference.')
    return reference
