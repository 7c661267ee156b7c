"""Read a message (IMAP FETCH, RFC 9051, 6.4.5)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from zeebe_mail.documents.store import Reference
from zeebe_mail.errors import DocumentStoreMissing
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import FlagChange, ImapSession, Selected, Summary
from zeebe_mail.message.header_fields import BLOCK_LIMIT
from zeebe_mail.message.parse import MESSAGE_LIMIT, parse_header
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.fields import IfMissing
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.message_result import (
    NOTHING,
    SOURCE_TYPE,
    ImapMessageContent,
    with_documents,
)
from zeebe_mail.operations.selection import OneMessage, not_found, the_message


class ReadRequest(OneMessage):
    """Which message, and how much of it."""

    level: Annotated[
        Literal["full", "header"], Prompt("Read", group="message", hint="header: without body", feel="static")
    ] = "full"
    """full: everything. header: only what the header says, which is much faster for large messages."""
    attachments: Annotated[
        Literal["documents", "metadata", "none"],
        Prompt("Attachments", group="message", hint="documents: kept in the document store", feel="static"),
    ] = "documents"
    """documents: their bytes are kept as documents. metadata: names and sizes only. none: left out."""
    original_html: Annotated[bool, Prompt("HTML as the author wrote it", group="message", feel="static")] = False
    """Whether `htmlBody` is the original; else it is sanitised. `safeHtml` is then the sanitised one."""
    source: Annotated[
        Literal["none", "document"],
        Prompt("Source of the message", group="message", hint="document: kept as .eml", feel="static"),
    ] = "none"
    """Whether the bytes of the whole message are kept as a document; of one that cannot be parsed they always are."""
    mark_as_read: Annotated[bool, Prompt("Mark as read", group="message", feel="static")] = False
    """Whether the message gets the flag Seen once it has been read."""
    max_bytes: Annotated[
        int, Field(ge=1, le=MESSAGE_LIMIT), Prompt("Largest message", group="message", hint="Bytes, default 30 MB")
    ] = MESSAGE_LIMIT
    """A message with more bytes is MESSAGE_TOO_LARGE; `download` takes larger ones."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If there is no such message", group="message", hint="error: MESSAGE_NOT_FOUND", feel="static"),
    ] = "error"
    """Whether a message that is not there is an error, or a result with `found` false."""


class ReadInput(ImapInput):
    """Where, as whom, and what to read."""

    request: Annotated[ReadRequest, Prompt("Message", group="message")]
    """The message."""


class ReadOutput(ImapMessageContent):
    """The message. ``found`` is false where there is none, and then nothing else says anything."""

    found: bool
    source: Reference | None
    """The whole message as a document, where it was kept."""


@operation(title="Read a message", keywords=("imap", "open", "fetch", "attachments"))
async def read(given: ReadInput, imap: ImapSession, attempt: Attempt, desk: Desk) -> ReadOutput:
    """Read a message. It is not marked as read unless that is asked for; it may be repeated at any time."""
    asked = given.request
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox), writable=asked.mark_as_read)
    chosen = await the_message(imap, selected, asked)
    summary = next(iter(await imap.fetch.summaries([chosen.uid], attachments=False)), None) if chosen.uid else None
    content = await _content(imap, asked, summary, desk) if summary else None
    if summary is None or content is None:
        if asked.if_missing == "error":
            raise not_found(selected, (chosen,))
        return _output(selected, None, NOTHING | {"messageId": chosen.message_id})
    if asked.mark_as_read:
        now = await imap.filing.store_flags([summary.uid], FlagChange.ADD, ("\\Seen",))
        return _output(selected, summary, content, now.get(summary.uid, summary.flags))
    return _output(selected, summary, content, summary.flags)


async def _content(imap: ImapSession, asked: ReadRequest, summary: Summary, desk: Desk) -> dict[str, Any] | None:
    """What there is to tell of a message; None when it has vanished meanwhile."""
    if asked.level == "header":
        header = await imap.fetch.header(summary.uid, limit=4 * BLOCK_LIMIT)
        if header is None:
            return None
        return {**parse_header(header, summary.received).as_json(), "size": summary.size}
    raw = await imap.fetch.message(summary.uid, limit=asked.max_bytes)
    if raw is None:
        return None
    parsed = await desk.reader.read(raw, summary.received)
    content = await with_documents(
        parsed, desk.documents, attachments=asked.attachments, original_html=asked.original_html
    )
    source = None
    if asked.source == "document" or parsed.parse_error:
        try:
            source = await desk.documents.create(raw, name=f"message-{summary.uid}.eml", content_type=SOURCE_TYPE)
        except DocumentStoreMissing:
            content["errors"].append("The source was not kept, because this worker knows no document store.")
    return {**content, "source": source}


def _output(
    selected: Selected, summary: Summary | None, content: dict[str, Any], flags: frozenset[str] = frozenset()
) -> ReadOutput:
    place = {"uid": summary and summary.uid, "uidValidity": selected.uid_validity, "mailbox": selected.path}
    return ReadOutput.model_validate(
        {"source": None, **content, **place, "found": summary is not None, "flags": sorted(flags)}
    )
