"""Documents in a folder, for installations without Camunda's document store. Several workers may share it."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from zeebe_mail.documents.opened import CHUNK, Opened
from zeebe_mail.documents.reference import DocumentReference, reference_to, verified
from zeebe_mail.documents.store import titled
from zeebe_mail.errors import DocumentNotFound, DocumentNotStored, DocumentStoreUnavailable

STORE_ID = "zeebe-mail-folder"

_DOCUMENT_ID = re.compile(r"[0-9a-f]{32}")


class FolderDocuments:
    """Keeps each document in a file of its own; name and type are in the reference."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def create(self, content: bytes, *, name: str | None, content_type: str) -> dict[str, Any]:
        """Keep a document: once there is a reference, all of it is on the disk.

        Raises:
            DocumentNotStored: the folder cannot be written to.
        """
        document_id = secrets.token_hex(16)
        try:
            await asyncio.to_thread(_write, self._folder / document_id, content)
        except OSError as error:
            raise DocumentNotStored(
                f"{titled(name)} ({len(content)} bytes) was not stored in the folder of ZEEBE_MAIL_DOCUMENTS: "
                f"{error.strerror}.",
                next_step="Check the folder's rights and its free space.",
            ) from error
        return reference_to(content, store_id=STORE_ID, document_id=document_id, name=name, content_type=content_type)

    @asynccontextmanager
    async def open(self, reference: DocumentReference) -> AsyncIterator[Opened]:
        """Begin to read a document.

        Raises:
            DocumentNotFound: it is in another store, or its file is gone.
            DocumentStoreUnavailable: the folder cannot be read.
        """
        if reference.store_id not in (None, STORE_ID) or not _DOCUMENT_ID.fullmatch(reference.document_id):
            raise DocumentNotFound(f"{reference} is not in the folder of ZEEBE_MAIL_DOCUMENTS.")
        try:
            file = await asyncio.to_thread((self._folder / reference.document_id).open, "rb")
            with file:
                size = os.fstat(file.fileno()).st_size
                yield Opened(
                    verified(_chunks(file), reference), size, name=reference.name, content_type=reference.content_type
                )
        except FileNotFoundError as error:
            raise DocumentNotFound(f"{reference} is gone from the folder of ZEEBE_MAIL_DOCUMENTS.") from error
        except OSError as error:
            raise DocumentStoreUnavailable(f"{reference} cannot be read: {error.strerror}.") from error

    async def link(self, reference: DocumentReference, *, valid_for: timedelta | None) -> str:
        """Refuse: a folder is no web server.

        Raises:
            DocumentNotFound: always.
        """
        raise DocumentNotFound(f"{reference} has no link: it is in a folder, and no web server gives it.")


def _write(path: Path, content: bytes) -> None:
    """Write a file that nobody ever sees in parts."""
    unfinished = path.with_suffix(".part")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk
