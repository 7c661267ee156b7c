"""Take a message, or one part of it, as it is (IMAP FETCH, RFC 9051, 6.4.5)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.errors import MessageTooLarge
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.downloading import INLINE_LIMIT, FileOutput, FileRequest, handed_over
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.message_result import MessagePlace
from zeebe_mail.operations.selection import OneMessage, not_found, the_message
from zeebe_mail.operations.stored_file import stored_file


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
        file = await stored_file(imap, chosen.uid, asked.part, limit=_limit(asked)) if chosen.uid else None
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


def _limit(asked: DownloadRequest) -> int:
    return asked.max_bytes if asked.deliver == "document" else min(asked.max_bytes, INLINE_LIMIT)
