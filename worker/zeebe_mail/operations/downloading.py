"""Handing over a message, or one part of it, as a file."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from zeebe_mail.documents.store import NoStore, Reference
from zeebe_mail.errors import DocumentStoreMissing
from zeebe_mail.form import Prompt
from zeebe_mail.operations.base import Desk, OperationOutput, Request
from zeebe_mail.operations.fields import IF_MISSING, IfMissing, PartNumber

INLINE_LIMIT = 1_000_000
"""Bytes that may go into a process variable; a broker takes messages of 4 MB, and base64 makes 1.4 of 1."""
LARGEST = 100 * 1024 * 1024
"""Bytes of a message or part that may be asked for at all; a worker must hold some of them at once."""


class FileRequest(Request):
    """Which part of a message, and how to hand it over."""

    part: Annotated[
        PartNumber | None,
        Prompt("Part", group="reading", hint="2 or 1.2; blank: the whole message"),
    ] = None
    """The part's number as `read` gives it, which is then decoded; without it the whole message as it is."""
    deliver: Annotated[
        Literal["document", "base64"],
        Prompt(
            "Hand over",
            group="reading",
            feel="static",
            choices={"document": "In the document store", "base64": "In the result, up to 1 MB"},
        ),
    ] = "document"
    """document: kept in the document store. base64: as text in the result, at most 1 MB."""
    max_bytes: Annotated[int, Field(ge=1, le=LARGEST), Prompt("Largest", group="limits", hint="Bytes")] = (
        30 * 1024 * 1024
    )
    """What has more bytes is MESSAGE_TOO_LARGE."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If there is no such message", group="error", feel="static", choices=IF_MISSING),
    ] = "error"
    """Whether a message or part that is not there is an error, or a result with `found` false."""

    def require_store(self, desk: Desk) -> None:
        """Pass when what is asked for can be kept.

        Raises:
            DocumentStoreMissing: a document is asked for and there is no store.
        """
        if self.deliver == "document" and isinstance(desk.documents, NoStore):
            raise DocumentStoreMissing("A document is asked for, and this worker knows no document store.")


class FileOutput(OperationOutput):
    """A message, or a part of it. ``found`` is false where there is none, and then the rest is null."""

    found: bool
    part: str | None
    file_name: str | None
    content_type: str | None
    size: int | None
    """Bytes, decoded."""
    document: Reference | None
    content: str | None
    """The bytes in base64, where that was asked for."""


@dataclass(frozen=True, slots=True)
class File:
    """A message as it is, or a part of it decoded."""

    content: bytes
    name: str
    content_type: str


async def handed_over(file: File | None, asked: FileRequest, desk: Desk) -> dict[str, Any]:
    """The members of :class:`FileOutput`.

    Raises:
        DocumentNotStored: the store does not keep it.
    """
    return {
        "found": file is not None,
        "part": asked.part,
        "file_name": file and file.name,
        "content_type": file and file.content_type,
        "size": file and len(file.content),
        "document": await desk.documents.create(file.content, name=file.name, content_type=file.content_type)
        if file and asked.deliver == "document"
        else None,
        "content": b64encode(file.content).decode() if file and asked.deliver == "base64" else None,
    }
