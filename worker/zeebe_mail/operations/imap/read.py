"""Read a message (IMAP FETCH, RFC 9051, 6.4.5)."""

from __future__ import annotations

from typing import Annotated, Any

from zeebe_mail.documents.store import Reference
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import FlagChange, ImapSession, Selected, Summary
from zeebe_mail.message.header_fields import BLOCK_LIMIT
from zeebe_mail.message.parse import parse_header
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.message_result import NOTHING, ImapMessageContent
from zeebe_mail.operations.reading import ContentRequest, whole_content
from zeebe_mail.operations.selection import OneMessage, not_found, the_message


class ReadRequest(ContentRequest, OneMessage):
    """Which message, and how much of it."""

    mark_as_read: Annotated[bool, Prompt("Mark as read", group="reading", feel="static")] = False
    """Whether the message gets the flag Seen once it has been read."""


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
    return await whole_content(raw, asked, desk, name=f"message-{summary.uid}.eml", received=summary.received)


def _output(
    selected: Selected, summary: Summary | None, content: dict[str, Any], flags: frozenset[str] = frozenset()
) -> ReadOutput:
    place = {"uid": summary and summary.uid, "uidValidity": selected.uid_validity, "mailbox": selected.path}
    return ReadOutput.model_validate(
        {"source": None, **content, **place, "found": summary is not None, "flags": sorted(flags)}
    )
