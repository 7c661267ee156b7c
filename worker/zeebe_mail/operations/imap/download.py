"""Take a message, or one part of it, as it is (IMAP FETCH, RFC 9051, 6.4.5)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.errors import MessageTooLarge
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.message.file_name import safe_filename, unnamed
from zeebe_mail.message.mime_tree import Findings, read_tree
from zeebe_mail.message.transfer_encoding import decode
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.downloading import INLINE_LIMIT, File, FileOutput, FileRequest, handed_over
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.message_result import SOURCE_TYPE, MessagePlace
from zeebe_mail.operations.selection import OneMessage, not_found, the_message


class DownloadRequest(FileRequest, OneMessage):
    """Which message, which part of it, and how to hand it over."""


class DownloadInput(ImapInput):
    """Where, as whom, and what to download."""

    request: Annotated[DownloadRequest, Prompt("Message", group="message")]
    """The message."""


class DownloadOutput(FileOutput, MessagePlace):
    """A message, or a part of it. ``found`` is false where there is none, and then the rest is null."""


@operation(title="Download a message or attachment", keywords=("imap", "eml", "attachment", "save"))
async def download(given: DownloadInput, imap: ImapSession, attempt: Attempt, desk: Desk) -> DownloadOutput:
    """Take a message as it is, or a part of it decoded. Changes nothing and marks nothing as read."""
    asked = given.request
    asked.require_store(desk)
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
        message_id=chosen.message_id,
        uid=chosen.uid,
        uid_validity=selected.uid_validity,
        mailbox=selected.path,
        **await handed_over(file, asked, desk),
    )


async def _file(imap: ImapSession, asked: DownloadRequest, uid: int) -> File | None:
    limit = asked.max_bytes if asked.deliver == "document" else min(asked.max_bytes, INLINE_LIMIT)
    if asked.part is None:
        raw = await imap.fetch.message(uid, limit=limit)
        return None if raw is None else File(raw, f"message-{uid}.eml", SOURCE_TYPE)
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
    return File(content, name, entity.content_type)
