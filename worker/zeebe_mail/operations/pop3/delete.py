"""Delete messages for good (POP3 DELE and QUIT, RFC 1939)."""

from __future__ import annotations

from typing import Annotated, ClassVar, get_args

from pydantic import Field, model_validator

from zeebe_mail.form import Answer, Prompt, Question
from zeebe_mail.mail.pop3 import Listed, Pop3Session
from zeebe_mail.message.references import MessageId
from zeebe_mail.operations.base import Attempt, Desk, Request, operation
from zeebe_mail.operations.bulk import Problem, Status
from zeebe_mail.operations.fields import IF_MISSING, IfMissing
from zeebe_mail.operations.maildrop import (
    BY_UIDL_OR_ID,
    Found,
    MaildropPlace,
    MaildropReference,
    MaildropReferences,
    Pop3Criteria,
    Uidl,
    bracketed,
    find,
    message_id,
    not_found,
)
from zeebe_mail.operations.pop3 import Pop3Input
from zeebe_mail.operations.scan import MaxBytes, MaxScan, scan


class DeleteRequest(Request):
    """Which messages: one, several by name, or all that match."""

    questions: ClassVar = {
        "which": Question(
            "Which messages",
            "message",
            {
                "messages": Answer("Those that an earlier task found", needs=("messages",)),
                "criteria": Answer("All that match", needs=("criteria",), takes=("limit", "maxScan", "maxBytes")),
                **BY_UIDL_OR_ID,
            },
        )
    }

    message_id: Annotated[MessageId | None, Prompt("Message-ID", group="message", hint="<a1b2@example.org>")] = None
    """The exact Message-ID. Senders choose it, so two messages may share one; then nothing is deleted."""
    uidl: Annotated[Uidl | None, Prompt("UIDL", group="message", hint="As listing gives it")] = None
    """The id that the server gave the message. With a Message-ID too, both must be right."""
    messages: Annotated[
        MaildropReferences | None,
        Field(max_length=10_000),
        Prompt("Messages", group="message", hint="found.messages", feel="required"),
    ] = None
    """Message-IDs, or messages as other tasks give them. An empty list is none."""
    criteria: Annotated[
        Pop3Criteria,
        Prompt("Criteria", group="message", hint='{from: "jane@example.org", before: "2026-01-31"}', feel="required"),
    ] = None
    """All that match."""
    limit: Annotated[int, Field(ge=1, le=10_000), Prompt("At most", group="message")] = 1000
    """How many of the messages that match are deleted, the newest first."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If there is no such message", group="error", feel="static", choices=IF_MISSING),
    ] = "result"
    """error: nothing is deleted when one of the messages that are named is not there. result: the result tells."""
    max_scan: MaxScan = 10_000
    """How many messages `criteria` looks at, from the newest on."""
    max_bytes: MaxBytes = 100 * 1024 * 1024
    """How many bytes are read where `criteria` searches BODY or TEXT."""

    @model_validator(mode="after")
    def _names_messages_in_one_way(self) -> DeleteRequest:
        ways = {
            "`messageId` or `uidl`": bool(self.message_id or self.uidl),
            "`messages`": self.messages is not None,
            "`criteria`": self.criteria is not None,
        }
        given = [way for way, is_given in ways.items() if is_given]
        if len(given) != 1:
            found = f"not {' and '.join(given)}" if given else "none of them is"
            raise ValueError(f"exactly one of {', '.join(ways)} must be given, {found}")
        return self

    @property
    def references(self) -> tuple[MaildropReference, ...]:
        """The messages that are named one by one."""
        if self.message_id or self.uidl:
            return (MaildropReference(message_id=bracketed(self.message_id), uidl=self.uidl),)
        return self.messages or ()


class DeleteInput(Pop3Input):
    """Where, as whom, and what to delete."""

    request: Annotated[DeleteRequest, Prompt("Messages", group="message")]
    """The messages."""


class Deletion(MaildropPlace):
    """What became of a message."""

    status: Status
    """Deleted now; deleted before; not there; or refused, as ``error`` says."""
    error: Problem | None


class DeleteOutput(MaildropPlace):
    """What became of the messages; ``messageId``, ``uidl`` and ``number`` are those of the only one."""

    deleted: bool
    """Whether there were any and all of them are deleted, now or by an earlier try."""
    done: int
    already: int
    missing: int
    failed: int
    total: int
    """How many there were to choose from."""
    truncated: bool
    """Whether that were more than `limit`, or the search did not get to the end of the mailbox."""
    messages: list[Deletion]


@operation(title="Delete messages", keywords=("pop3", "remove"))
async def delete(given: DeleteInput, pop3: Pop3Session, attempt: Attempt, desk: Desk) -> DeleteOutput:
    """Delete messages for good; POP3 has no trash.

    Point of no return: QUIT. The server deletes when it answers that, and everything or nothing; should the answer be
    lost, the job is tried again, and a message that is not there any more is no error unless asked for.
    """
    asked = given.request
    if asked.criteria is None:
        found, total, truncated = await find(pop3, asked.references), len(asked.references), False
    else:
        result = await scan(pop3, asked.criteria, desk.reader, max_scan=asked.max_scan, max_bytes=asked.max_bytes)
        found = await _named(pop3, result.found[: asked.limit])
        total, truncated = len(result.found), len(result.found) > asked.limit or not result.complete
    _require(found, asked)
    meant = {one.listed.number: one.listed for one in found if one.listed}
    gone = await pop3.delete(list(meant.values()), commit=attempt.commit)
    numbers = {one.number for one in gone}
    return _summed_up([await _deletion(pop3, one, numbers) for one in found], total, truncated=truncated)


async def _named(pop3: Pop3Session, messages: list[Listed]) -> list[Found]:
    return [Found(None, one, message_id(header)) async for one, header in pop3.summaries(messages)]


def _require(found: list[Found], asked: DeleteRequest) -> None:
    """Pass when it is clear what is to be deleted.

    Raises:
        MessageAmbiguous: the only message is named by a Message-ID that several have.
        MessageNotFound: one that is named is not there, and that is to be an error.
    """
    if len(found) == 1 and found[0].trouble:
        raise found[0].trouble
    missing = [one.reference for one in found if one.reference and one.listed is None and not one.trouble]
    if missing and asked.if_missing == "error":
        raise not_found(missing)


async def _deletion(pop3: Pop3Session, one: Found, gone: set[int]) -> Deletion:
    uidl = one.listed.uidl if one.listed else one.reference and one.reference.uidl
    status: Status
    if one.trouble:
        status = "failed"
    elif one.listed:
        status = "done" if one.listed.number in gone else "missing"
    else:
        status = "already" if uidl and await pop3.has_gone(uidl) else "missing"
    return Deletion(
        message_id=bracketed(one.message_id),
        uidl=uidl,
        number=one.listed.number if one.listed else None,
        status=status,
        error=Problem(code=one.trouble.code, message=one.trouble.message) if one.trouble else None,
    )


def _summed_up(deletions: list[Deletion], total: int, *, truncated: bool) -> DeleteOutput:
    only = deletions[0] if len(deletions) == 1 else None
    counts = {status: sum(one.status == status for one in deletions) for status in get_args(Status)}
    return DeleteOutput(
        message_id=only and only.message_id,
        uidl=only and only.uidl,
        number=only and only.number,
        deleted=bool(deletions) and counts["done"] + counts["already"] == len(deletions),
        total=total,
        truncated=truncated,
        messages=deletions,
        **counts,
    )
