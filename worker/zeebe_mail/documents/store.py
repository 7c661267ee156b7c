"""The port to a document store."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from zeebe_mail.documents.opened import Opened
from zeebe_mail.documents.reference import DocumentReference
from zeebe_mail.errors import DocumentStoreMissing

Reference = dict[str, Any]
"""What a process variable holds instead of the bytes, as Camunda writes it (``camunda.document.type``)."""


class DocumentStore(Protocol):
    """A place that keeps bytes and gives references to them."""

    async def create(self, content: bytes, *, name: str, content_type: str) -> Reference:
        """Keep a document.

        Raises:
            DocumentError: it was not kept.
        """
        ...

    def open(self, reference: DocumentReference) -> AbstractAsyncContextManager[Opened]:
        """Begin to read a document.

        Raises:
            DocumentNotFound: there is none.
            DocumentStoreUnavailable: the store cannot be reached; also while it is read.
        """
        ...


class NoStore:
    """The store of a worker that has none."""

    async def create(self, content: bytes, *, name: str, content_type: str) -> Reference:
        """Refuse."""
        raise DocumentStoreMissing(f'Document "{name}" cannot be kept, because this worker knows no document store.')

    def open(self, reference: DocumentReference) -> AbstractAsyncContextManager[Opened]:
        """Refuse."""
        raise DocumentStoreMissing(f"{reference} cannot be read, because this worker knows no document store.")
