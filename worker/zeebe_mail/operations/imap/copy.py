"""Copy messages to another mailbox (IMAP COPY, RFC 9051, 6.4.7)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from zeebe_mail.errors import InputError
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.operations.base import Attempt, operation
from zeebe_mail.operations.bulk import Changes, summed_up
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.selection import SomeMessages, choose
from zeebe_mail.operations.target import made, put_into
from zeebe_mail.operations.transfer import Transfer, copy_all


class CopyRequest(SomeMessages):
    """Which messages, and where to."""

    target: Annotated[MailboxName, Prompt("To mailbox", group="message", hint="Archive/2026")]
    """The mailbox that gets the copies."""
    create_target: Annotated[bool, Prompt("Create the mailbox when it is missing", group="message", feel="static")] = (
        False
    )
    """Whether a target that does not exist is made; else that is MAILBOX_NOT_FOUND."""


class CopyInput(ImapInput):
    """Where, as whom, and what to copy."""

    request: Annotated[CopyRequest, Prompt("Messages", group="message")]
    """The messages and the mailbox for the copies."""


class CopyOutput(Changes):
    """Where the copies are."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    messages: list[Transfer]


@operation(title="Copy messages", keywords=("imap", "archive", "file", "folder"))
async def copy(given: CopyInput, imap: ImapSession, attempt: Attempt) -> CopyOutput:
    """Copy messages to another mailbox. What has a copy there already gets no second one.

    Point of no return: COPY; see :func:`~zeebe_mail.operations.transfer.copy_all`.
    """
    asked = given.request
    source = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox))
    choice = await choose(imap, source, asked)
    path = await made(imap, asked.target, create=asked.create_target)
    if path == source.path:
        raise InputError(f'Messages of mailbox "{path}" cannot be copied to itself.', details={"mailbox": path})
    copying = partial(copy_all, imap, source, choice, path, attempt)
    messages = await put_into(imap, path, copying, create=asked.create_target, source=source)
    return CopyOutput(from_=source.path, to=path, messages=messages, **summed_up(messages, choice, mailbox=path))
