"""Tell whether a message is in a mailbox (IMAP SEARCH, RFC 9051, 6.4.4)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import model_validator

from zeebe_mail.form import Answer, Prompt, Question
from zeebe_mail.mail.imap import ImapSession, Selected
from zeebe_mail.message.criteria import Criteria
from zeebe_mail.message.references import BY_ID_OR_UID, MessageReference, ReferenceFields
from zeebe_mail.operations.base import Attempt, Request, operation
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.matching import found
from zeebe_mail.operations.message_result import MessagePlace
from zeebe_mail.operations.selection import check_validity, message_ids, the_message


class ExistsRequest(ReferenceFields, Request):
    """Which message: by its reference, or by criteria."""

    questions: ClassVar = {
        "which": Question(
            "Which message", "message", {**BY_ID_OR_UID, "criteria": Answer("Any that matches", needs=("criteria",))}
        )
    }

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox", hint="INBOX")] = "INBOX"
    """The mailbox (IMAP folder)."""
    criteria: Annotated[
        Criteria, Prompt("Criteria", group="message", hint='{from: "jane@example.org"}', feel="required")
    ] = None
    """What the message must have."""

    @model_validator(mode="after")
    def _names_messages_in_one_way(self) -> ExistsRequest:
        if (self.message_id is None and self.uid is None) is (self.criteria is None):
            raise ValueError("exactly one of `messageId` or `uid`, and `criteria` must be given")
        return self


class ExistsInput(ImapInput):
    """Where, as whom, and what to look for."""

    request: Annotated[ExistsRequest, Prompt("Message", group="message")]
    """The message."""


class ExistsOutput(MessagePlace):
    """Whether there is one. The members of :class:`MessagePlace` are those of the newest; ``count`` says how many."""

    exists: bool
    count: int


@operation(title="Is a message there?", keywords=("imap", "exists", "check", "find"))
async def exists(given: ExistsInput, imap: ImapSession, attempt: Attempt) -> ExistsOutput:
    """Look whether a message is in a mailbox. Changes nothing; several with one Message-ID are no error here."""
    asked = given.request
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox))
    uids = await _uids(imap, asked, selected)
    newest = await message_ids(imap, uids[-1:])
    return ExistsOutput(
        exists=bool(uids),
        count=len(uids),
        message_id=next(iter(newest.values()), None),
        uid=next(iter(newest), None),
        uid_validity=selected.uid_validity,
        mailbox=selected.path,
    )


async def _uids(imap: ImapSession, asked: ExistsRequest, selected: Selected) -> list[int]:
    if asked.criteria is not None:
        return await found(imap, asked.criteria)
    check_validity(selected, (asked,))
    if asked.uid is None:
        return await imap.search.by_message_id(asked.message_id or "")
    chosen = await the_message(imap, selected, MessageReference(message_id=asked.message_id, uid=asked.uid))
    return [chosen.uid] if chosen.uid else []
