"""Reply to a stored mail (RFC 5322, 3.6.2 to 3.6.5; automatic answers: RFC 3834)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from zeebe_mail.auth.models import Auth
from zeebe_mail.errors import AutomaticMail, InputError, OriginalRecipientsExceeded
from zeebe_mail.form import Prompt
from zeebe_mail.mail.smtp import SmtpSession
from zeebe_mail.message.answer import Answered, distinct, reply_subject
from zeebe_mail.message.compose import Draft
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.quotation import quoted
from zeebe_mail.operations.base import Attempt, Desk, Turns, operation
from zeebe_mail.operations.composing.answering import (
    AnsweringInput,
    AnsweringRequest,
    AnswerOutput,
    content_ids,
    sent_about,
    the_original,
    told,
)
from zeebe_mail.operations.composing.options import SentBy


class ReplyRequest(AnsweringRequest):
    """The mail that is answered, and the answer."""

    reply_all: Annotated[bool, Prompt("Reply to all", group="original", feel="static")] = False
    """Whether the other receivers of the original are answered too. With `to`, only those in `to`, `cc` and `bcc`."""
    quote: Annotated[
        Literal["below", "above", "none"],
        Prompt(
            "Quote the original",
            group="original",
            feel="static",
            choices={"below": "Below the answer", "above": "Above the answer", "none": "Not at all"},
        ),
    ] = "below"
    """Where the original is quoted: below the answer, above it, or not at all."""
    answer_automatic: Annotated[bool, Prompt("Answer automatic mail", group="original", feel="static")] = False
    """Whether mail that no person wrote is answered; else that is AUTOMATIC_MAIL, because programs might answer each
    other without end."""
    auto_submitted: SentBy = "auto-replied"
    """Keeps programs from answering in turn (RFC 3834, 5); `no` for an answer that stands for a person's."""


class ReplyInput(AnsweringInput):
    """Where and as whom to answer which mail with what."""

    request: Annotated[ReplyRequest, Prompt("Reply", group="message")]
    """The original and the answer."""


@operation(title="Reply to a mail", keywords=("smtp", "answer", "respond", "reply all", "thread"))
async def reply(given: ReplyInput, turns: Turns[SmtpSession], attempt: Attempt, desk: Desk) -> AnswerOutput:
    """Answer a mail, in its thread.

    Point of no return: the final dot. What comes after it, the flag of the original and the copy among sent mail, is
    told in the result and never an error.
    """
    asked = given.request
    async with the_original(given, desk) as found:
        if (reason := _automatic(found.message)) and not asked.answer_automatic:
            raise AutomaticMail(
                f"No person wrote this mail ({reason}), so it was not answered.",
                details={"messageId": found.message.message_id, "autoReplyReason": reason},
            )
        finish = partial(_finished, asked, given.auth, Answered(found.message), desk.max_original_recipients)
        sent = await sent_about(found, finish, given, turns, attempt, desk)
    return await told(given, desk, sent, found, "\\Answered")


def _finished(asked: ReplyRequest, auth: Auth, answered: Answered, limit: int, draft: Draft) -> Draft:
    """The answer with what it takes from the mail that it answers; what the task or its template says goes before."""
    message = answered.message
    if not draft.to:
        to, cc = answered.recipients(asked.ours(auth), everybody=asked.reply_all)
        if not (to or cc or draft.cc or draft.bcc):
            raise _nobody(message)
        if len(to) + len(cc) > limit:
            raise _too_many(message, len(to) + len(cc), limit)
        draft = replace(draft, to=to, cc=distinct((*draft.cc, *cc), but=to))
    draft = replace(
        draft,
        subject=reply_subject(message.subject) if draft.subject is None else draft.subject,
        in_reply_to=draft.in_reply_to or ((message.message_id,) if message.message_id else ()),
        references=draft.references or message.references or message.in_reply_to[:1],
    )
    if asked.quote == "none":
        return draft
    return quoted(message, taken=content_ids(draft)).joined(draft, above=asked.quote == "above")


def _automatic(message: ParsedMessage) -> str | None:
    """Why a mail is one that no person wrote, if it is."""
    return message.auto_reply or (f"report: {message.bounce.kind}" if message.bounce else None)


def _nobody(message: ParsedMessage) -> InputError:
    return InputError(
        "The original has no address that can be answered, and `request.to` is not given.",
        next_step="Say in `request.to` who gets the answer.",
        details={"messageId": message.message_id},
    )


def _too_many(message: ParsedMessage, recipients: int, limit: int) -> OriginalRecipientsExceeded:
    return OriginalRecipientsExceeded(
        f"The original would send the answer to {recipients} recipients; this worker lets it choose {limit} at most.",
        details={"messageId": message.message_id, "recipients": recipients, "limit": limit},
    )
