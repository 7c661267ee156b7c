"""Take a message, or one part of it, as it is (POP3 RETR, RFC 1939)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zeebe_mail.errors import MessageNotFound, MessageTooLarge
from zeebe_mail.form import Prompt
from zeebe_mail.mail.pop3 import Listed, Pop3Session
from zeebe_mail.message.file_name import unnamed
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.downloading import INLINE_LIMIT, LARGEST, File, FileOutput, FileRequest, handed_over
from zeebe_mail.operations.maildrop import MaildropPlace, MaildropReference, bracketed, find, not_found
from zeebe_mail.operations.message_result import SOURCE_TYPE
from zeebe_mail.operations.pop3 import Pop3Input


class DownloadRequest(FileRequest, MaildropReference):
    """Which message, which part of it, and how to hand it over."""

    max_bytes: Annotated[int, Field(ge=1, le=LARGEST), Prompt("Largest message", group="limits", hint="Bytes")] = (
        30 * 1024 * 1024
    )
    """A message with more bytes is MESSAGE_TOO_LARGE, whatever part of it is asked for: POP3 sends all of it."""


class DownloadInput(Pop3Input):
    """Where, as whom, and what to download."""

    request: Annotated[DownloadRequest, Prompt("Message", group="message")]
    """The message."""


class DownloadOutput(FileOutput, MaildropPlace):
    """A message, or a part of it. ``found`` is false where there is none, and then the rest is null."""


@operation(title="Download a message or attachment", keywords=("pop3", "eml", "attachment", "save"))
async def download(given: DownloadInput, pop3: Pop3Session, attempt: Attempt, desk: Desk) -> DownloadOutput:
    """Take a message as it is, or a part of it decoded. It stays in the mailbox."""
    asked = given.request
    asked.require_store(desk)
    (found,) = await find(pop3, [asked])
    if found.trouble:
        raise found.trouble
    file = await _file(pop3, asked, found.listed, desk) if found.listed else None
    if file is None and asked.if_missing == "error":
        raise _missing(asked, found.listed)
    return DownloadOutput(
        message_id=bracketed(found.message_id),
        uidl=found.listed.uidl if found.listed else asked.uidl,
        number=found.listed and found.listed.number,
        **await handed_over(file, asked, desk),
    )


async def _file(pop3: Pop3Session, asked: DownloadRequest, one: Listed, desk: Desk) -> File | None:
    raw = await pop3.message(one, limit=asked.max_bytes)
    if raw is None:
        return None
    file = File(raw, "message.eml", SOURCE_TYPE) if asked.part is None else await _part(raw, asked.part, desk)
    if file is not None and asked.deliver == "base64" and len(file.content) > INLINE_LIMIT:
        raise MessageTooLarge(
            f"There are {len(file.content)} bytes, and a result takes at most {INLINE_LIMIT}.",
            next_step="Set `deliver` to `document`.",
            details={"sizeBytes": len(file.content), "limitBytes": INLINE_LIMIT},
        )
    return file


async def _part(raw: bytes, number: str, desk: Desk) -> File | None:
    message = await desk.reader.read(raw)
    part = next((part for part in message.parts() if part.part == number), None)
    if part is None:
        return None
    return File(message.content(part), part.file_name or unnamed(part.part, part.content_type), part.content_type)


def _missing(asked: DownloadRequest, one: Listed | None) -> MessageNotFound:
    if one is None:
        return not_found([asked])
    return MessageNotFound(
        f"The message has no attachment or inline part {asked.part}.",
        next_step="Use a part number that `read` gives for this message.",
        details={"part": asked.part},
    )
