"""Reading a whole message: how much of it, and what is kept of it as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from zeebe_mail.documents.store import DocumentStore
from zeebe_mail.errors import DocumentStoreMissing
from zeebe_mail.form import Prompt
from zeebe_mail.message.parse import MESSAGE_LIMIT
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.operations.base import Desk, Request
from zeebe_mail.operations.fields import IF_MISSING, IfMissing
from zeebe_mail.operations.message_result import SOURCE_TYPE, with_documents


class ContentRequest(Request):
    """How much of a message, and what becomes of it."""

    level: Annotated[
        Literal["full", "header"],
        Prompt("Read", group="reading", feel="static", choices={"full": "All of it", "header": "Only the header"}),
    ] = "full"
    """full: everything. header: only what the header says, which is much faster for large messages."""
    attachments: Annotated[
        Literal["documents", "metadata", "none"],
        Prompt(
            "Attachments",
            group="reading",
            feel="static",
            when=("level", "full"),
            choices={
                "documents": "In the document store",
                "metadata": "Names and sizes only",
                "none": "Left out",
            },
        ),
    ] = "documents"
    """documents: their bytes are kept as documents. metadata: names and sizes only. none: left out."""
    original_html: Annotated[
        bool, Prompt("HTML as the author wrote it", group="reading", feel="static", when=("level", "full"))
    ] = False
    """Whether `htmlBody` is the original; else it is sanitised. `safeHtml` is then the sanitised one."""
    source: Annotated[
        Literal["none", "document"],
        Prompt(
            "Source of the message",
            group="reading",
            feel="static",
            when=("level", "full"),
            choices={"none": "Not kept", "document": "In the document store, as .eml"},
        ),
    ] = "none"
    """Whether the bytes of the whole message are kept as a document; of one that cannot be parsed they always are."""
    max_bytes: Annotated[
        int,
        Field(ge=1, le=MESSAGE_LIMIT),
        Prompt("Largest message", group="limits", hint="Bytes", when=("level", "full")),
    ] = MESSAGE_LIMIT
    """A message with more bytes is MESSAGE_TOO_LARGE; `download` takes larger ones."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If there is no such message", group="error", feel="static", choices=IF_MISSING),
    ] = "error"
    """Whether a message that is not there is an error, or a result with `found` false."""

    async def content(self, message: ParsedMessage, documents: DocumentStore) -> dict[str, Any]:
        """The members of :class:`MessageContent`.

        Raises:
            DocumentNotStored: the store does not keep an attachment.
        """
        return await with_documents(message, documents, attachments=self.attachments, original_html=self.original_html)


async def whole_content(
    raw: bytes, asked: ContentRequest, desk: Desk, *, name: str, received: datetime | None = None
) -> dict[str, Any]:
    """The members of :class:`MessageContent` and ``source``; ``name`` is the file name of the source.

    Raises:
        DocumentNotStored: the store does not keep one of them.
    """
    parsed = await desk.reader.read(raw, received)
    content = await asked.content(parsed, desk.documents)
    source = None
    if asked.source == "document" or parsed.parse_error:
        try:
            source = await desk.documents.create(raw, name=name, content_type=SOURCE_TYPE)
        except DocumentStoreMissing:
            content["errors"].append("The source was not kept, because this worker knows no document store.")
    return {**content, "source": source}
