"""Save a draft, new or in the place of an earlier one (IMAP APPEND, RFC 9051, 6.3.12)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.errors import MessageNotFound
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.message.compose import Message
from zeebe_mail.operations.base import Attempt, Desk, Turns, operation
from zeebe_mail.operations.composing.letter import LetterRequest, letter, unfinished
from zeebe_mail.operations.composing.original import Place, located
from zeebe_mail.operations.drafts import DRAFTS, DraftReference, removed, require_draft
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.invitation_result import SentInvitation, written_invitation
from zeebe_mail.operations.message_result import MessagePlace
from zeebe_mail.operations.selection import uids_with
from zeebe_mail.operations.target import existing, made


class DraftSaveRequest(LetterRequest):
    """A mail that need not be finished, and where it is kept."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="draft", hint="\\Drafts")] = DRAFTS
    """The mailbox (IMAP folder) for drafts; by default the server's own, which is made where there is none."""
    replaces: Annotated[
        DraftReference | None,
        Prompt("Replaces", group="draft", hint="draft, as the earlier task gave it", feel="required"),
    ] = None
    """An earlier draft that is removed once this one is saved."""


class DraftSaveInput(ImapInput):
    """Where, as whom, and what to save."""

    request: Annotated[DraftSaveRequest, Prompt("Draft", group="message")]
    """The draft."""


class DraftSaveOutput(MessagePlace):
    """Where the draft is. ``saved`` is false when an earlier try of the same job had saved it."""

    saved: bool
    replaced: bool | None
    """Whether the earlier draft is gone; false where the server can only mark it as deleted, null where none was."""
    size: int
    invitation: SentInvitation | None = None
    """Of a draft that invites, what a change or cancellation of the appointment must name."""


@operation(title="Save a draft", keywords=("imap", "draft", "prepare", "review"))
async def draft_save(given: DraftSaveInput, turns: Turns[ImapSession], attempt: Attempt, desk: Desk) -> DraftSaveOutput:
    """Save a draft with all its recipients, those of Bcc too, so that `smtp-draft-send` or a person can send it.

    Point of no return: the draft's last byte. A job that is repeated finds the draft by its Message-ID. An earlier
    draft is removed only after that, by its UID.
    """
    asked = given.request
    async with (
        letter(asked, given.auth, desk, token=attempt.token, finish=unfinished, mailboxes=turns.lease) as message,
        turns.lease() as imap,
    ):
        path = await existing(imap, asked.mailbox) or await made(imap, asked.mailbox.lstrip("\\"), create=True)
        old = await _earlier(imap, asked)
        selected = await imap.mailboxes.select(path)
        known = [uid for uid in await uids_with(imap, message.message_id) if old is None or _other(old, path, uid)]
        if not known and asked.replaces and old is None:
            raise MessageNotFound(
                "The draft that is to be replaced is not there any more. Nothing was saved.",
                next_step="Somebody may have sent or deleted it. Save without `replaces` where a new one is meant.",
                details={"mailbox": asked.replaces.mailbox, "uid": asked.replaces.uid},
            )
        place = (selected.uid_validity, known[0]) if known else await _saved(imap, path, message, attempt)
        return DraftSaveOutput(
            message_id=message.message_id,
            mailbox=path,
            uid_validity=place[0],
            uid=place[1],
            saved=not known,
            replaced=None if asked.replaces is None else old is None or await removed(imap, old),
            size=len(message.sender_copy),
            invitation=written_invitation(message.draft.calendar),
        )


async def _earlier(imap: ImapSession, asked: DraftSaveRequest) -> Place | None:
    place = await located(asked.replaces, imap) if asked.replaces else None
    if place:
        await require_draft(imap, place)
    return place


def _other(old: Place, path: str, uid: int) -> bool:
    return (old.mailbox, old.uid) != (path, uid)


async def _saved(imap: ImapSession, path: str, message: Message, attempt: Attempt) -> tuple[int, int | None]:
    await attempt.commit()
    place = await imap.filing.append(path, message.sender_copy, flags=("\\Draft", "\\Seen"))
    if place:
        return place
    selected = await imap.mailboxes.select(path)  # the server does not say (it has no UIDPLUS, RFC 4315)
    uids = await uids_with(imap, message.message_id)
    return selected.uid_validity, uids[-1] if uids else None
