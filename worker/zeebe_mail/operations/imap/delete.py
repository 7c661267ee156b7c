"""Delete messages: into the trash, or for good (IMAP UID EXPUNGE, RFC 4315)."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from zeebe_mail.errors import InputError
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession, Selected
from zeebe_mail.operations.base import Attempt, operation
from zeebe_mail.operations.bulk import Change, Changes, summed_up, worked
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.selection import Choice, SomeMessages, choose
from zeebe_mail.operations.target import existing, made, put_into
from zeebe_mail.operations.transfer import move_all


class DeleteRequest(SomeMessages):
    """Which messages, and how."""

    mode: Annotated[
        Literal["trash", "permanent"],
        Prompt(
            "Delete", group="message", feel="static", choices={"trash": "Move to the trash", "permanent": "For good"}
        ),
    ] = "trash"
    """trash: they are moved to the trash. permanent: they are gone for good."""
    trash: Annotated[
        MailboxName | None, Prompt("Trash mailbox", group="message", hint="Blank: the server's", when=("mode", "trash"))
    ] = None
    """The mailbox to move them to; without it the server's, or one named Trash, which is made when there is none."""


class DeleteInput(ImapInput):
    """Where, as whom, and what to delete."""

    request: Annotated[DeleteRequest, Prompt("Messages", group="message")]
    """The messages."""


class DeleteOutput(Changes):
    """What became of the messages."""

    deleted: bool
    """Whether all of them were there and are deleted, now or by an earlier try."""
    mode: Literal["trash", "permanent"]
    messages: list[Change]


@operation(title="Delete messages", keywords=("imap", "remove", "trash", "expunge"))
async def delete(given: DeleteInput, imap: ImapSession, attempt: Attempt) -> DeleteOutput:
    """Delete exactly these messages; those that other clients have marked as deleted stay.

    Point of no return: none to the trash, see :func:`~zeebe_mail.operations.transfer.move_all`. For good: the
    expunging; after it a message is not found again, which is no error unless asked for, so it may be repeated.
    """
    asked = given.request
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox), writable=True)
    choice = await choose(imap, selected, asked)
    if asked.mode == "permanent":
        messages = await _expunge(imap, selected, choice)
    else:
        messages = await _to_trash(imap, selected, choice, asked, attempt)
    return DeleteOutput(
        deleted=bool(messages) and all(one.status in ("done", "already") for one in messages),
        mode=asked.mode,
        messages=messages,
        **summed_up(messages, choice, mailbox=selected.path, uid_validity=selected.uid_validity),
    )


async def _expunge(imap: ImapSession, selected: Selected, choice: Choice) -> list[Change]:
    async def expunge(uids: list[int]) -> dict[int, None]:
        return dict.fromkeys(await imap.filing.expunge(uids))

    result = await worked(expunge, choice.uids)
    return [
        Change(
            message_id=one.message_id,
            uid=one.uid,
            uid_validity=selected.uid_validity,
            mailbox=selected.path,
            **result.outcome(one),
        )
        for one in choice.messages
    ]


async def _to_trash(
    imap: ImapSession, selected: Selected, choice: Choice, asked: DeleteRequest, attempt: Attempt
) -> list[Change]:
    path = await _trash(imap, asked.trash, make=bool(choice.uids))
    if path == selected.path:
        raise InputError(
            f'Mailbox "{path}" is the trash itself.',
            next_step="To delete what is in the trash for good, set `mode` to `permanent`.",
            details={"mailbox": path},
        )
    moving = partial(move_all, imap, selected, choice, path, attempt)
    if path is None:
        return list(await moving())
    return list(await put_into(imap, path, moving, create=True, source=selected))


async def _trash(imap: ImapSession, name: str | None, *, make: bool) -> str | None:
    """The trash that is named; else the server's; else one that is made."""
    if path := await existing(imap, name or "\\Trash"):
        return path
    return await made(imap, name or "Trash", create=True) if make else None
