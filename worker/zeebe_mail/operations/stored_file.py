"""A message of the selected mailbox, or one part of it, as a file (IMAP FETCH, RFC 9051, 6.4.5)."""

from __future__ import annotations

from zeebe_mail.errors import MessageTooLarge
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.message.file_name import safe_filename, unnamed
from zeebe_mail.message.mime_tree import Findings, read_tree
from zeebe_mail.message.transfer_encoding import decode
from zeebe_mail.operations.downloading import File
from zeebe_mail.operations.message_result import SOURCE_TYPE


async def stored_file(imap: ImapSession, uid: int, part: str | None, *, limit: int) -> File | None:
    """The message as it is, or its part decoded; nothing where there is none. It is not marked as read.

    Raises:
        MessageTooLarge: it has more than ``limit`` bytes.
    """
    if part is None:
        raw = await imap.fetch.message(uid, limit=limit)
        return None if raw is None else File(raw, f"message-{uid}.eml", SOURCE_TYPE)
    header = await imap.fetch.part_header(uid, part)
    encoded = await imap.fetch.part(uid, part, limit=limit * 2)  # base64 and quoted-printable make bytes more
    if not header or encoded is None:  # servers say nothing, NIL or "" of a part that is not there; a header has a line
        return None
    entity = read_tree(header, Findings())
    content = bytes(decode(encoded, entity.encoding))
    if len(content) > limit:
        raise MessageTooLarge(
            f"Part {part} of the message with UID {uid} has {len(content)} bytes, and {limit} are allowed.",
            details={"uid": uid, "part": part, "sizeBytes": len(content), "limitBytes": limit},
        )
    return File(content, safe_filename(entity.file_name) or unnamed(part, entity.content_type), entity.content_type)
