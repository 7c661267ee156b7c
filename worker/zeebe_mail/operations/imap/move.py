"""Move messages to another mailbox (IMAP MOVE, RFC 6851; else COPY and UID EXPUNGE, RFC 4315)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.operations.base import Attempt, operation
from zeebe_mail.operations.bulk import Changes, summed_up
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.selection import SomeMessages, choose
from zeebe_mail.operations.target import existing, made, put_into
from zeebe_mail.operations.transfer import Transfer, move_all


class MoveRequest(SomeMessages):
    """Which messages, and where to."""

    target: Annotated[MailboxName, Prompt("To mailbox", group="message", hint="Archive/2026")]
    """The mailbox they are to be in."""
    create_target: Annotated[bool, Prompt("Create the mailbox when it is missing", group="message", feel="static")] = (
        True
    )
    """Whether a target that does not exist is made; else that is MAILBOX_NOT_FOUND."""


class MoveInput(ImapInput):
    """Where, as whom, and what to move."""

    request: Annotated[MoveRequest, Prompt("Messages", group="message")]
    """The messages and their new mailbox."""


class MoveOutput(Changes):
    """Where the messages are now."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    messages: list[Transfer]


@operation(title="Move messages", keywords=("imap", "archive", "file", "folder"))
async def move(given: MoveInput, imap: ImapSession, attempt: Attempt) -> MoveOutput:
    """Move messages to another mailbox. What is there already is told and is no error, so it may be repeated.

    Point of no return: none with MOVE; else the copying, see :func:`~zeebe_mail.operations.transfer.move_all`.
    """
    asked = given.request
    source = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox), writable=True)
    choice = await choose(imap, source, asked)
    if choice.uids or not asked.create_target:
        path: str | None = await made(imap, asked.target, create=asked.create_target)
    else:
        path = await existing(imap, asked.target)
    to = path or await imap.directory.path_for(asked.target)
    moving = partial(move_all, imap, source, choice, path, attempt)
    messages = await put_into(imap, to, moving, create=asked.create_target, source=source)
    return MoveOutput(from_=source.path, to=to, messages=messages, **summed_up(messages, choice, mailbox=to))
