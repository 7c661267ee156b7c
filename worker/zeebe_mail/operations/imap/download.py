"""Take a message, or one part of it, as it is (IMAP FETCH, RFC 9051, 6.4.5)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from zeebe_mail.documents.store import NoStore, Reference
from zeebe_mail.errors import DocumentStoreMissing, MessageTooLarge
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.message.file_name import safe_filename
from zeebe_mail.message.mime_tree import Findings, read_tree
from zeebe_mail.message.transfer_encoding import decode
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.fields import IfMissing, PartNumber
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.message_result import SOURCE_TYPE, MessagePlace, unnamed
from zeebe_mail.operations.selection import OneMessage, not_found, the_message

INLINE_LIMIT = 1_000_000
"""Bytes that may go into a process variable; a broker takes messages of 4 MB, and base64 makes 1.4 of 1."""
LARGEST = 100 * 1024 * 1024
"""Bytes of a message or part that may be asked for at all; a worker must hold some of them at once."""


class DownloadRequest(OneMessage):
    """Which message, which part of it, and how to hand it over."""

    part: Annotated[
        PartNumber | None,
        Prompt("Part", group="message", hint="As reading shows it, for example 2 or 1.2; default: the whole message"),
    ] = None
    """The part's number (RFC 9051, 6.4.5), which is then decoded; without it the whole message as it is."""
    deliver: Annotated[
        Literal["document", "base64"],
        Prompt("Hand over", group="message", hint="base64: in the result, at most 1 MB", feel="static"),
    ] = "document"
    """document: kept in the document store. base64: as text in the result, at most 1 MB."""
    max_bytes: Annotated[
        int, Field(ge=1, le=LARGEST), Prompt("Largest", group="message", hint="Bytes, default 30 MB")
    ] = 30 * 1024 * 1024
    """What has more bytes is MESSAGE_TOO_LARGE."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If there is no such message", group="message", hint="error: MESSAGE_NOT_FOUND", feel="static"),
    ] = "error"
    """Whether a message or part that is not there is an error, or a result with `found` false."""


class DownloadInput(ImapInput):
    """Where, as whom, and what to download."""

    request: Annotated[DownloadRequest, Prompt("Message", group="message")]
    """The message."""


class DownloadOutput(MessagePlace):
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
class _File:
    content: bytes
    name: str
    content_type: str


@operation(title="Download a message or attachment", keywords=("imap", "eml", "attachment", "save"))
async def download(given: DownloadInput, imap: ImapSession, attempt: Attempt, desk: Desk) -> DownloadOutput:
    """Take a message as it is, or a part of it decoded. Changes nothing and marks nothing as read."""
    asked = given.request
    if asked.deliver == "document" and isinstance(desk.documents, NoStore):
        raise DocumentStoreMissing("A document is asked for, and this worker knows no document store.")
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox))
    chosen = await the_message(imap, selected, asked)
    try:
        file = await _file(imap, asked, chosen.uid) if chosen.uid else None
    except MessageTooLarge as error:
        if asked.deliver == "base64" and asked.max_bytes > INLINE_LIMIT:
            error.next_step = "Set `deliver` to `document`; a result takes no more."
        raise
    if file is None and asked.if_missing == "error":
        raise not_found(selected, (chosen,), part=asked.part if chosen.uid else None)
    return DownloadOutput(
        found=file is not None,
        message_id=chosen.message_id,
        uid=chosen.uid,
        uid_validity=selected.uid_validity,
        mailbox=selected.path,
        part=asked.part,
        file_name=file and file.name,
        content_type=file and file.content_type,
        size=file and len(file.content),
        document=await _kept(file, desk) if file and asked.deliver == "document" else None,
        content=b64encode(file.content).decode() if file and asked.deliver == "base64" else None,
    )


async def _file(imap: ImapSession, asked: DownloadRequest, uid: int) -> _File | None:
    limit = asked.max_bytes if asked.deliver == "document" else min(asked.max_bytes, INLINE_LIMIT)
    if asked.part is None:
        raw = await imap.fetch.message(uid, limit=limit)
        return None if raw is None else _File(raw, f"message-{uid}.eml", SOURCE_TYPE)
    header = await imap.fetch.part_header(uid, asked.part)
    encoded = await imap.fetch.part(uid, asked.part, limit=limit * 2)  # base64 and quoted-printable make bytes more
    if not header or encoded is None:  # servers say nothing, NIL or "" of a part that is not there; a header has a line
        return None
    entity = read_tree(header, Findings())
    content = bytes(decode(encoded, entity.encoding))
    if len(content) > limit:
        raise MessageTooLarge(
            f"Part {asked.part} of the message with UID {uid} has {len(content)} bytes, and {limit} are allowed.",
            details={"uid": uid, "part": asked.part, "sizeBytes": len(content), "limitBytes": limit},
        )
    name = safe_filename(entity.file_name) or unnamed(asked.part, entity.content_type)
    return _File(content, name, entity.content_type)


async def _kept(file: _File, desk: Desk) -> Reference:
    return await desk.documents.create(file.content, name=file.name, content_type=file.content_type)
