"""Documents in this process's memory: for tests and trials, gone when the worker ends."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from zeebe_mail.documents.opened import Opened, pieces
from zeebe_mail.documents.reference import DocumentReference, reference_to, verified
from zeebe_mail.documents.store import titled
from zeebe_mail.errors import DocumentNotFound, DocumentNotStored

STORE_ID = "zeebe-mail-memory"
LIMIT = 256 * 1024 * 1024
"""Bytes of all documents together."""


class MemoryDocuments:
    """Keeps documents until the worker ends."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._contents: dict[str, bytes] = {}
        self._held = 0

    async def create(self, content: bytes, *, name: str | None, content_type: str) -> dict[str, Any]:
        """Keep a document.

        Raises:
            DocumentNotStored: there is no room.
        """
        if self._held + len(content) > self._limit:
            raise DocumentNotStored(
                f"{titled(name)} ({len(content)} bytes) was not stored: the {self._limit} bytes that this worker "
                "keeps in memory are taken.",
                next_step="Set ZEEBE_MAIL_DOCUMENTS to a folder, or use the cluster's document store.",
            )
        document_id = secrets.token_hex(16)
        self._contents[document_id] = content
        self._held += len(content)
        return reference_to(content, store_id=STORE_ID, document_id=document_id, name=name, content_type=content_type)

    @asynccontextmanager
    async def open(self, reference: DocumentReference) -> AsyncIterator[Opened]:
        """Begin to read a document.

        Raises:
            DocumentNotFound: it is in another store, or the worker was started again since.
        """
        content = self._contents.get(reference.document_id)
        if content is None or reference.store_id not in (None, STORE_ID):
            raise DocumentNotFound(f"{reference} is not in the memory of this worker.")
        yield Opened(
            verified(pieces(content), reference), len(content), name=reference.name, content_type=reference.content_type
        )

    async def link(self, reference: DocumentReference, *, valid_for: timedelta | None) -> str:
        """Refuse: nobody else can look into this process.

        Raises:
            DocumentNotFound: always.
        """
        raise DocumentNotFound(f"{reference} has no link: it is in the memory of this worker.")
