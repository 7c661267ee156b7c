"""Send a stored draft: its own bytes, without Bcc."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from zeebe_mail.errors import DraftUnfinished, OutcomeUnknown, WorkerError
from zeebe_mail.form import Prompt
from zeebe_mail.mail.smtp import SmtpSession
from zeebe_mail.message.address import Mailbox, envelope
from zeebe_mail.message.answer import usable
from zeebe_mail.message.compose import Draft, Message
from zeebe_mail.message.envelope import addresses_of
from zeebe_mail.message.finished_draft import DraftError, finished, readdressed
from zeebe_mail.message.guard_rails import REPORT_HEADERS, SENDER_HEADERS, GuardRails
from zeebe_mail.message.header_fields import read_header
from zeebe_mail.message.parsed import Correspondent, ParsedMessage
from zeebe_mail.operations.after_sending import Lease, NotDone, done
from zeebe_mail.operations.base import Attempt, Desk, Turns, operation
from zeebe_mail.operations.claim import PENDING, claimed, released, settled
from zeebe_mail.operations.composing.letter import user_of
from zeebe_mail.operations.composing.original import Place, stored
from zeebe_mail.operations.drafts import DraftReference, require_draft
from zeebe_mail.operations.fields import EnvelopeSender
from zeebe_mail.operations.imap_access import ImapAccess
from zeebe_mail.operations.invitation_result import SentInvitation, stored_invitation
from zeebe_mail.operations.message_result import MessagePlace
from zeebe_mail.operations.sent_copy import is_among_sent, saved
from zeebe_mail.operations.smtp import SmtpInput
from zeebe_mail.operations.smtp.send import Handover, SendOutput, earlier, handed_over


class DraftSendRequest(Handover):
    """Which draft, and how it is handed over."""

    draft: Annotated[
        DraftReference,
        Prompt("Draft", group="draft", hint="draft, as the task that saved it gave it", feel="required"),
    ]
    """The draft: `{uid, uidValidity}`, `{messageId}`, or as a task gives it; `mailbox` where it is not in \\Drafts."""
    envelope_from: Annotated[
        EnvelopeSender | None, Prompt("Bounces to", group="delivery", hint="Blank: the sender; <> for nobody")
    ] = None
    """Who is told when the mail cannot be delivered (MAIL FROM, later Return-Path); `<>` is nobody."""


class DraftSendInput(SmtpInput):
    """Where and as whom to send which draft."""

    imap: Annotated[ImapAccess, Prompt("Mailboxes", group="imap")]
    """Where the mailboxes of the account are, with the draft in them."""
    request: Annotated[DraftSendRequest, Prompt("Draft", group="message")]
    """The draft."""


class DraftOutcome(MessagePlace):
    """Where the draft was, and whether it is gone."""

    removed: bool
    reason: str | None
    """Why it could not be removed."""


class DraftSendOutput(SendOutput):
    """The mail, and what became of the draft."""

    draft: DraftOutcome


@operation(title="Send a draft", keywords=("smtp", "imap", "draft", "approve"))
async def draft_send(given: DraftSendInput, turns: Turns[SmtpSession], attempt: Attempt, desk: Desk) -> DraftSendOutput:
    """Send a draft to those in its To, Cc and Bcc, and remove it.

    What goes out are the bytes of the draft: only Date is new, Bcc and the notes of mail programs are gone, and a
    missing Message-ID is there. Point of no return: the final dot. What comes after it, the copy among sent mail and
    the removal, is told in the result and never an error.

    The draft is claimed before it is sent. A job that finds it claimed, because an earlier try died or another job
    sends it, sends nothing: it completes where the mail is among the sent ones, else that is OUTCOME_UNKNOWN. A job
    that comes after all that finds no draft any more.
    """
    asked, lease = given.request, partial(given.mailboxes, desk)
    async with stored(asked.draft, lease, desk, check=require_draft) as found:
        assert found.place is not None
        place = found.place
        message = _message(found.message, given, place, desk.rails, token=attempt.token)
        invitation = stored_invitation(found.message)
        async with lease() as imap:
            is_ours = await claimed(imap, place)
        if is_ours:
            async with _claim(place, lease, attempt):
                sent = await handed_over(message, asked, given, turns, attempt, desk, invitation=invitation)
        else:
            sent = await _sent_earlier(message, place, invitation, given, desk)
    gone, reason = True, None
    try:
        if not await done(lease, lambda session: settled(session, place)):
            gone, reason = False, "The server has no UIDPLUS: the draft is marked as deleted, and a client removes it."
    except NotDone as trouble:
        gone, reason = False, str(trouble)
    return DraftSendOutput(
        **dict(sent),
        draft=DraftOutcome(
            message_id=message.message_id,
            mailbox=place.mailbox,
            uid=place.uid,
            uid_validity=place.uid_validity,
            removed=gone,
            reason=reason,
        ),
    )


@asynccontextmanager
async def _claim(place: Place, lease: Lease, attempt: Attempt) -> AsyncIterator[None]:
    """Hold the claim; given up where it is certain that the draft did not go out."""
    try:
        yield
    except BaseException as error:
        refused = isinstance(error, WorkerError) and not isinstance(error, OutcomeUnknown)
        if refused or not attempt.committed:
            with suppress(NotDone):  # then a person looks into it
                await done(lease, lambda imap: released(imap, place))
        raise


async def _sent_earlier(
    message: Message, place: Place, invitation: SentInvitation | None, given: DraftSendInput, desk: Desk
) -> SendOutput:
    """What can be told of a mail that somebody else, or an earlier try, has sent.

    Raises:
        OutcomeUnknown: nobody knows whether that was so.
    """
    if not await is_among_sent(message.message_id, given, desk):
        raise OutcomeUnknown(
            f'The draft with UID {place.uid} in mailbox "{place.mailbox}" is claimed: another job is sending it, or an '
            f"earlier try was cut off. The mail {message.message_id} is not among the sent ones.",
            next_step="Look for its Message-ID at the recipient or in the server's log. If it did not go out, remove "
            f"the flag {PENDING} from the draft, or the note beside it, and resolve the incident; else delete it.",
            details={
                "messageId": message.message_id,
                "mailbox": place.mailbox,
                "uid": place.uid,
                "uidValidity": place.uid_validity,
            },
        )
    return earlier(message, invitation, sent_copy=await saved(given.request.save_to_sent, message, given, desk))


def _message(draft: ParsedMessage, given: DraftSendInput, place: Place, rails: GuardRails, *, token: str) -> Message:
    """The mail that goes out, once the guard rails have let it pass."""
    if draft.parse_error:
        raise _unfinished(place, f"it cannot be read as a whole: {draft.parse_error}")
    authors, senders, to, cc, bcc = (
        _all_usable(place, name, group)
        for name, group in (
            ("From", draft.from_),
            ("Sender", draft.sender),
            ("To", draft.to),
            ("Cc", draft.cc),
            ("Bcc", draft.bcc),
        )
    )
    if not (authors or senders):
        raise _unfinished(place, "it has no author (From)")
    if not (to or cc or bcc):
        raise _unfinished(place, "it has no recipient")
    asked = Draft(
        authors,
        to,
        cc,
        bcc,
        sender=(senders or authors)[0],
        envelope_sender=given.request.envelope_from,
        headers=tuple(_judged(place, draft)),
    )
    admitted = rails.admit(asked, user=user_of(given.auth), required=given.request.required_recipients)
    may_go = admitted.draft
    try:
        message = finished(
            draft.raw,
            addressed=may_go,
            token=token,
            date=datetime.now(UTC),
            replaced={} if may_go == asked else _changed(asked, may_go),
        )
    except DraftError as error:
        raise _unfinished(place, str(error)) from error
    rails.check_size(len(message.data))
    return replace(message, left_out=admitted.left_out)


def _judged(place: Place, draft: ParsedMessage) -> Iterator[tuple[str, str]]:
    """The draft's headers that the guard rails look at, each field of them: programs differ in which they heed."""
    header = read_header(draft.raw, 0, len(draft.raw))
    for name in sorted(SENDER_HEADERS | REPORT_HEADERS):
        for value in header.all(name):
            if value.strip() != b"<>":
                yield name.title(), ", ".join(envelope(_all_usable(place, name.title(), addresses_of([value]))))


def _changed(asked: Draft, may_go: Draft) -> dict[bytes, bytes]:
    """The header fields that the guard rails have changed, by name in lower case; empty where one has to go."""
    gone = {name.lower().encode("ascii"): b"" for name, _ in {*asked.headers} - {*may_go.headers}}
    new = tuple(one for one in may_go.headers if one not in asked.headers)
    return gone | readdressed(replace(may_go, headers=new))


def _all_usable(place: Place, name: str, group: tuple[Correspondent, ...]) -> tuple[Mailbox, ...]:
    """All of them: one who is left out would not get the mail, and nobody would know."""
    found = usable(group)
    if len(found) != len(group):
        raise _unfinished(place, f"{name} has something that is no address")
    return found


def _unfinished(place: Place, why: str) -> DraftUnfinished:
    return DraftUnfinished(
        f'The draft with UID {place.uid} in mailbox "{place.mailbox}" was not sent: {why}.',
        details={"mailbox": place.mailbox, "uid": place.uid, "uidValidity": place.uid_validity},
    )
