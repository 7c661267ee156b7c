"""The port to a document store."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Protocol

from zeebe_mail.documents.opened import Opened
from zeebe_mail.documents.reference import DocumentReference
from zeebe_mail.errors import DocumentStoreMissing

Reference = dict[str, Any]
"""What a process variable holds instead of the bytes, as Camunda writes it (``camunda.document.type``)."""


class DocumentStore(Protocol):
    """A place that keeps bytes and gives references to them."""

    async def create(self, content: bytes, *, name: str | None, content_type: str) -> Reference:
        """Keep a document, which may have no name.

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

    async def link(self, reference: DocumentReference, *, valid_for: timedelta | None) -> str:
        """A URL at which anybody can read a document, for so long or for as long as the store likes.

        Raises:
            DocumentNotFound: there is none, or the store gives no links.
            DocumentStoreUnavailable: the store cannot be reached.
        """
        ...


class NoStore:
    """The store of a worker that has none."""

    async def create(self, content: bytes, *, name: str | None, content_type: str) -> Reference:
        """Refuse."""
        raise DocumentStoreMissing(f"{titled(name)} cannot be kept, because this worker knows no document store.")

    def open(self, reference: DocumentReference) -> AbstractAsyncContextManager[Opened]:
        """Refuse."""
        raise DocumentStoreMissing(f"{reference} cannot be read, because this worker knows no document store.")

    async def link(self, reference: DocumentReference, *, valid_for: timedelta | None) -> str:
        """Refuse."""
        raise DocumentStoreMissing(f"{reference} has no link, because this worker knows no document store.")


def titled(name: str | None) -> str:
    """A document in a message."""
    return f'Document "{name}"' if name else "A document without a name"
