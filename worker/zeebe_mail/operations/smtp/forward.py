"""Forward a stored mail: shown in a new one, or attached byte for byte."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from zeebe_mail.form import Prompt
from zeebe_mail.mail.smtp import SmtpSession
from zeebe_mail.message.answer import forward_subject
from zeebe_mail.message.blind_copies import without_blind_copies
from zeebe_mail.message.compose import Draft
from zeebe_mail.message.content import Attachment
from zeebe_mail.message.file_name import safe_filename
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.quotation import as_html, carried, passed_on
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
from zeebe_mail.operations.message_result import SOURCE_TYPE


class ForwardRequest(AnsweringRequest):
    """The mail that is passed on, and what is said to it."""

    as_: Annotated[
        Literal["inline", "attachment"],
        Field(alias="as"),
        Prompt(
            "Forward it",
            group="original",
            feel="static",
            choices={"inline": "Below the text", "attachment": "As a file, with every byte"},
        ),
    ] = "inline"
    """inline: the original's text below one's own, with its attachments. attachment: the original with every byte it
    has but for Bcc, as message/rfc822."""
    keep_attachments: Annotated[
        bool, Prompt("Forward its attachments", group="original", feel="static", when=("as", "inline"))
    ] = True
    """Whether a mail that is shown inline brings what it has besides its text and the pictures in it."""


class ForwardInput(AnsweringInput):
    """Where and as whom to pass which mail on."""

    request: Annotated[ForwardRequest, Prompt("Forward", group="message")]
    """The original, and what is said to it."""


@operation(title="Forward a mail", keywords=("smtp", "pass on", "redirect", "fwd"))
async def forward(given: ForwardInput, turns: Turns[SmtpSession], attempt: Attempt, desk: Desk) -> AnswerOutput:
    """Pass a mail on to others.

    Shown inline, it brings all that is neither its text nor a picture in it. Where not all of it could be read, or its
    text is too long to be shown, the mail itself is attached too, so that nothing of it is lost. Who got a blind copy
    of it is not passed on.
    Point of no return: the final dot. What comes after it, the flag of the original and the copy among sent mail, is
    told in the result and never an error.
    """
    async with the_original(given, desk) as found:
        finish = partial(_finished, given.request, found.message)
        sent = await sent_about(found, finish, given, turns, attempt, desk)
    return await told(given, desk, sent, found, "$Forwarded")


def _finished(asked: ForwardRequest, message: ParsedMessage, draft: Draft) -> Draft:
    draft = replace(
        draft,
        subject=forward_subject(message.subject) if draft.subject is None else draft.subject,
        references=draft.references or (*message.references, *([message.message_id] if message.message_id else [])),
    )
    if draft.text is None and draft.html is None:
        draft = replace(draft, text="")
    if asked.as_ == "attachment":
        return replace(draft, attachments=(*draft.attachments, _whole(message)))
    if message.safe_html is not None and draft.html is None:
        draft = replace(draft, html=as_html(draft.text or ""))
    quotation = passed_on(message, taken=content_ids(draft))
    files = carried(message, but=quotation.shown) if asked.keep_attachments else ()
    whole = [_whole(message)] if message.parse_error or message.is_shortened else []
    draft = quotation.joined(draft)
    return replace(draft, attachments=(*draft.attachments, *files, *whole))


def _whole(message: ParsedMessage) -> Attachment:
    """The mail itself, never written anew."""
    name = safe_filename((message.subject or "").strip()[:80]) or "message"
    return Attachment(f"{name}.eml", SOURCE_TYPE, without_blind_copies(message.raw))
