"""Take a message, or one part of it, as it is (POP3 RETR, RFC 1939)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from zeebe_mail.documents.store import NoStore, Reference
from zeebe_mail.errors import DocumentStoreMissing, MessageNotFound, MessageTooLarge
from zeebe_mail.form import Prompt
from zeebe_mail.mail.pop3 import Listed, Pop3Session
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.fields import IfMissing, PartNumber
from zeebe_mail.operations.maildrop import MaildropPlace, MaildropReference, bracketed, find, not_found
from zeebe_mail.operations.message_result import SOURCE_TYPE, unnamed
from zeebe_mail.operations.pop3 import Pop3Input

INLINE_LIMIT = 1_000_000
"""Bytes that may go into a process variable; a broker takes messages of 4 MB, and base64 makes 1.4 of 1."""
LARGEST = 100 * 1024 * 1024
"""Bytes of a message that may be asked for at all; a worker must hold some of them at once."""


class DownloadRequest(MaildropReference):
    """Which message, which part of it, and how to hand it over."""

    part: Annotated[
        PartNumber | None,
        Prompt("Part", group="message", hint="As reading shows it, for example 2 or 1.2; default: the whole message"),
    ] = None
    """The number of an attachment or inline part as `read` gives it, which is then decoded; else the whole message."""
    deliver: Annotated[
        Literal["document", "base64"],
        Prompt("Hand over", group="message", hint="base64: in the result, at most 1 MB", feel="static"),
    ] = "document"
    """document: kept in the document store. base64: as text in the result, at most 1 MB."""
    max_bytes: Annotated[
        int, Field(ge=1, le=LARGEST), Prompt("Largest message", group="message", hint="Bytes, default 30 MB")
    ] = 30 * 1024 * 1024
    """A message with more bytes is MESSAGE_TOO_LARGE, whatever part of it is asked for: POP3 sends all of it."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If there is no such message", group="message", hint="error: MESSAGE_NOT_FOUND", feel="static"),
    ] = "error"
    """Whether a message or part that is not there is an error, or a result with `found` false."""


class DownloadInput(Pop3Input):
    """Where, as whom, and what to download."""

    request: Annotated[DownloadRequest, Prompt("Message", group="message")]
    """The message."""


class DownloadOutput(MaildropPlace):
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


@operation(title="Download a message or attachment", keywords=("pop3", "eml", "attachment", "save"))
async def download(given: DownloadInput, pop3: Pop3Session, attempt: Attempt, desk: Desk) -> DownloadOutput:
    """Take a message as it is, or a part of it decoded. It stays in the mailbox."""
    asked = given.request
    if asked.deliver == "document" and isinstance(desk.documents, NoStore):
        raise DocumentStoreMissing("A document is asked for, and this worker knows no document store.")
    (found,) = await find(pop3, [asked])
    if found.trouble:
        raise found.trouble
    file = await _file(pop3, asked, found.listed, desk) if found.listed else None
    if file is None and asked.if_missing == "error":
        raise _missing(asked, found.listed)
    return DownloadOutput(
        found=file is not None,
        message_id=bracketed(found.message_id),
        uidl=found.listed.uidl if found.listed else asked.uidl,
        number=found.listed and found.listed.number,
        part=asked.part,
        file_name=file and file.name,
        content_type=file and file.content_type,
        size=file and len(file.content),
        document=await _kept(file, desk) if file and asked.deliver == "document" else None,
        content=b64encode(file.content).decode() if file and asked.deliver == "base64" else None,
    )


async def _file(pop3: Pop3Session, asked: DownloadRequest, one: Listed, desk: Desk) -> _File | None:
    raw = await pop3.message(one, limit=asked.max_bytes)
    if raw is None:
        return None
    file = _File(raw, "message.eml", SOURCE_TYPE) if asked.part is None else await _part(raw, asked.part, desk)
    if file is not None and asked.deliver == "base64" and len(file.content) > INLINE_LIMIT:
        raise MessageTooLarge(
            f"There are {len(file.content)} bytes, and a result takes at most {INLINE_LIMIT}.",
            next_step="Set `deliver` to `document`.",
            details={"sizeBytes": len(file.content), "limitBytes": INLINE_LIMIT},
        )
    return file


async def _part(raw: bytes, number: str, desk: Desk) -> _File | None:
    message = await desk.reader.read(raw)
    part = next((part for part in message.parts() if part.part == number), None)
    if part is None:
        return None
    return _File(message.content(part), part.file_name or unnamed(part.part, part.content_type), part.content_type)


def _missing(asked: DownloadRequest, one: Listed | None) -> MessageNotFound:
    if one is None:
        return not_found([asked])
    return MessageNotFound(
        f"The message has no attachment or inline part {asked.part}.",
        next_step="Use a part number that `read` gives for this message.",
        details={"part": asked.part},
    )


async def _kept(file: _File, desk: Desk) -> Reference:
    return await desk.documents.create(file.content, name=file.name, content_type=file.content_type)
