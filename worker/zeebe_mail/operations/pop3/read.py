"""Read a message (POP3 RETR and TOP, RFC 1939)."""

from __future__ import annotations

from typing import Annotated, Any

from zeebe_mail.documents.store import Reference
from zeebe_mail.form import Prompt
from zeebe_mail.mail.pop3 import Listed, Pop3Session
from zeebe_mail.message.parse import parse_header
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.maildrop import MaildropPlace, MaildropReference, bracketed, not_found, the_message
from zeebe_mail.operations.message_result import NOTHING, MessageContent
from zeebe_mail.operations.pop3 import Pop3Input
from zeebe_mail.operations.reading import ContentRequest, whole_content


class ReadRequest(ContentRequest, MaildropReference):
    """Which message, and how much of it."""

    delete_after_read: Annotated[
        bool, Prompt("Delete afterwards", group="reading", hint="Safer: a task of its own for that", feel="static")
    ] = False
    """Whether it is deleted once all of it was read and kept. That is before the process has it; a task of its own that
    deletes by `uidl` loses nothing even if the process cannot take the result."""


class ReadInput(Pop3Input):
    """Where, as whom, and what to read."""

    request: Annotated[ReadRequest, Prompt("Message", group="message")]
    """The message."""


class ReadOutput(MessageContent, MaildropPlace):
    """The message. ``found`` is false where there is none, and then nothing else says anything."""

    found: bool
    body_size: int | None
    """Bytes without the header."""
    deleted: bool
    """Whether the server has deleted it, as asked."""
    source: Reference | None
    """The whole message as a document, where it was kept."""


@operation(title="Read a message", keywords=("pop3", "open", "fetch", "attachments"))
async def read(given: ReadInput, pop3: Pop3Session, attempt: Attempt, desk: Desk) -> ReadOutput:
    """Read a message. It stays in the mailbox unless its deletion is asked for, though some providers hide it then.

    Point of no return, where it is to be deleted: QUIT. Else it may be repeated at any time.
    """
    asked = given.request
    one = await the_message(pop3, asked)
    content = await _content(pop3, asked, one, desk) if one else None
    if one is None or content is None:
        if asked.if_missing == "error":
            raise not_found([asked])
        return _output(None, {**NOTHING, "messageId": bracketed(asked.message_id)}, asked, deleted=False)
    deleted = False
    if asked.delete_after_read:
        if _is_whole(content, asked):
            deleted = bool(await pop3.delete([one], commit=attempt.commit))
        else:
            content["errors"].append("The message was not deleted, because not all of it was kept.")
    return _output(one, content, asked, deleted=deleted)


async def _content(pop3: Pop3Session, asked: ReadRequest, one: Listed, desk: Desk) -> dict[str, Any] | None:
    """What there is to tell of a message; None when it has gone meanwhile."""
    if asked.level == "header":
        async for known, header in pop3.headers([one]):
            sizes = {"size": one.size, "bodySize": known.body_size}
            return {**parse_header(header).as_json(), **sizes, "source": None}
        return None
    raw = await pop3.message(one, limit=asked.max_bytes)
    if raw is None:
        return None
    if not asked.delete_after_read:
        pop3.close()  # so that others need not wait for the documents, where the server lets in one at a time
    header_size = len(raw) - len(raw.partition(b"\r\n\r\n")[2])
    return {**await whole_content(raw, asked, desk, name="message.eml"), "bodySize": one.size - header_size}


def _is_whole(content: dict[str, Any], asked: ReadRequest) -> bool:
    """Whether the process gets all that it asked for, so that the original may go."""
    if content["source"]:
        return True
    kept = all(part["document"] for part in (*content["attachments"], *content["inlineParts"]))
    nested = all(_is_whole({**one, "source": None}, asked) for one in content["messages"])
    return (
        not content["parseError"] and asked.level == "full" and (asked.attachments != "documents" or (kept and nested))
    )


def _output(one: Listed | None, content: dict[str, Any], asked: ReadRequest, *, deleted: bool) -> ReadOutput:
    place = {"uidl": one.uidl if one else asked.uidl, "number": one and one.number}
    return ReadOutput.model_validate(
        {"source": None, "bodySize": None, **content, **place, "found": one is not None, "deleted": deleted}
    )
