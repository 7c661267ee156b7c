"""Put a message into a mailbox (IMAP APPEND, RFC 9051, 6.3.12)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from functools import partial
from typing import Annotated, ClassVar

from pydantic import AfterValidator, model_validator

from zeebe_mail.errors import Misbehaved, OutcomeUnknown, Unreachable
from zeebe_mail.form import Answer, Prompt, Question
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.message.message_id import bare_or_none, message_id_in
from zeebe_mail.operations.base import Attempt, Request, operation
from zeebe_mail.operations.fields import BodyText, Flags, MailboxName, Moment
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.message_result import MessagePlace
from zeebe_mail.operations.selection import uids_with
from zeebe_mail.operations.target import made, put_into

_BARE_BREAK = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:")  # the beginning of a header field (RFC 5322, 3.6.8 and 4.5)


def _base64(value: str) -> str:
    try:
        b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    return value


class AppendRequest(Request):
    """A message, and where to put it."""

    questions: ClassVar = {
        "given": Question(
            "The message is given",
            "message",
            {
                "text": Answer("As text", needs=("message",)),
                "base64": Answer("In base64", needs=("messageBase64",)),
            },
        )
    }

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="message", hint="Archive/2026 or \\Sent")]
    """The mailbox (IMAP folder) that gets it."""
    message: Annotated[
        BodyText | None, Prompt("Message", group="message", hint="From: jane@example.org …", multiline=True)
    ] = None
    """The whole message, headers and all (RFC 5322); what is not ASCII goes as UTF-8."""
    message_base64: Annotated[
        Annotated[str, AfterValidator(_base64)] | None, Prompt("Message in base64", group="message")
    ] = None
    """The same as bytes, encoded in base64."""
    flags: Annotated[Flags, Prompt("Flags", group="message", hint="Seen")] = ()
    """Flags that it has from the beginning: Seen, Answered, Flagged, Deleted, Draft, or keywords."""
    received: Annotated[Moment | None, Prompt("Received", group="message", hint="2026-01-31T08:30:00Z; blank: now")] = (
        None
    )
    """When it was received."""
    create_mailbox: Annotated[bool, Prompt("Create the mailbox when it is missing", group="message", feel="static")] = (
        False
    )
    """Whether a mailbox that does not exist is made; else that is MAILBOX_NOT_FOUND."""

    @model_validator(mode="after")
    def _is_a_message(self) -> AppendRequest:
        if (self.message is None) is (self.message_base64 is None):
            raise ValueError("exactly one of `message` and `messageBase64` must be given")
        if not _HEADER.match(self.source):
            raise ValueError("the message must begin with a header such as `From: jane@example.org`")
        if b"\0" in self.source:
            raise ValueError("the message must not contain the character NUL")
        return self

    @property
    def source(self) -> bytes:
        """The message as it goes to the server: all line ends are CRLF, nothing else is changed."""
        given = self.message.encode() if self.message is not None else b64decode(self.message_base64 or "")
        return _BARE_BREAK.sub(b"\r\n", given)


class AppendInput(ImapInput):
    """Where, as whom, and what to put."""

    request: Annotated[AppendRequest, Prompt("Message", group="message")]
    """The message and its mailbox."""


class AppendOutput(MessagePlace):
    """Where the message is. ``appended`` is false when the mailbox had it already."""

    appended: bool
    size: int


@operation(title="Put a message into a mailbox", keywords=("imap", "append", "save", "draft", "sent"))
async def append(given: AppendInput, imap: ImapSession, attempt: Attempt) -> AppendOutput:
    """Put a message into a mailbox, unless a message with its Message-ID is there.

    Point of no return: the message's last byte. After a lost connection the next try looks whether it is there; a
    message without Message-ID cannot be looked for, and so it is OUTCOME_UNKNOWN.
    """
    asked = given.request
    path = await made(imap, asked.mailbox, create=asked.create_mailbox)
    return await put_into(imap, path, partial(_put, imap, path, asked, attempt), create=asked.create_mailbox)


async def _put(imap: ImapSession, path: str, asked: AppendRequest, attempt: Attempt) -> AppendOutput:
    source = asked.source
    message_id = message_id_in(source.partition(b"\r\n\r\n")[0])
    selected = await imap.mailboxes.select(path)
    known = await uids_with(imap, message_id)
    place = None
    if not known:
        await attempt.commit()
        place = await _append(imap, path, asked, source, message_id)
        if place is None:  # the server does not say (it has no UIDPLUS, RFC 4315)
            selected = await imap.mailboxes.select(path)
    uids = [place[1]] if place else known or await uids_with(imap, message_id)
    return AppendOutput(
        message_id=message_id,
        uid=uids[0] if len(uids) == 1 else None,
        uid_validity=place[0] if place else selected.uid_validity,
        mailbox=path,
        appended=not known,
        size=len(source),
    )


async def _append(
    imap: ImapSession, path: str, asked: AppendRequest, source: bytes, message_id: str | None
) -> tuple[int, int] | None:
    try:
        return await imap.filing.append(path, source, flags=asked.flags, received=asked.received)
    except (Unreachable, Misbehaved) as error:
        if bare_or_none(message_id):
            raise
        raise OutcomeUnknown(
            f'The connection was lost while a message of {len(source)} bytes was put into mailbox "{path}": '
            f"{error.message}",
            next_step="Look whether it is there. A message with a Message-ID would be found and never put in twice.",
            details=error.details | {"mailbox": path},
        ) from error
