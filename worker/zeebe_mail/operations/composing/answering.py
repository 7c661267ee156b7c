"""What replies and forwarded mails have in common: the mail they are about, who we are, and how it is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated

from pydantic import model_validator

from zeebe_mail.auth.models import Auth
from zeebe_mail.form import Prompt
from zeebe_mail.mail.smtp import SmtpSession
from zeebe_mail.message.address import Mailbox
from zeebe_mail.message.answer import Answered, Ours
from zeebe_mail.message.compose import Draft
from zeebe_mail.operations.base import Attempt, Desk, Turns
from zeebe_mail.operations.composing.letter import Finish, LetterRequest, address_of, letter
from zeebe_mail.operations.composing.original import Found, Original, OriginalOutcome, marked, original
from zeebe_mail.operations.fields import Addresses
from zeebe_mail.operations.smtp import SmtpInput
from zeebe_mail.operations.smtp.send import Handover, SendOutput, handed_over


class AnsweringRequest(Handover, LetterRequest):
    """A mail about another one."""

    original: Annotated[
        Original,
        Prompt("Original", group="original", hint="mail, as another task gives it", feel="required"),
    ]
    """The mail it is about: `{mailbox, uid, uidValidity}`, `{mailbox, messageId}`, a message as any task gives it, or
    `{source}` for one that is in no mailbox of the account."""
    our_addresses: Annotated[
        Addresses, Prompt("Our addresses", group="recipients", hint="Those besides the user name")
    ] = ()
    """More addresses of ours: they get no answer, and the one that the original was sent to is the default sender."""
    mark_original: Annotated[bool, Prompt("Mark the original", group="delivery", feel="static")] = True
    """Whether the original gets its flag once the mail is out: Answered or $Forwarded."""

    def ours(self, auth: Auth) -> Ours:
        """Ourselves."""
        account = address_of(auth)
        return Ours((*self.from_, *self.our_addresses, *([account] if account else [])))

    def usual_authors(self, auth: Auth, answered: Answered) -> tuple[Mailbox, ...]:
        """Who it is from where the task does not say: the address of ours that the original was sent to."""
        found = answered.written_to(self.ours(auth))
        if found is None and address_of(auth) is None:
            return self.our_addresses[:1]
        return (found,) if found else ()


class AnsweringInput(SmtpInput):
    """Where and as whom; each operation narrows its ``request``."""

    request: Annotated[AnsweringRequest, Prompt("Mail", group="message")]
    """The original, and the mail about it."""

    @model_validator(mode="after")
    def _can_reach_the_original(self) -> AnsweringInput:
        if self.request.original.source is None:
            self.require_mailboxes("`request.original`")
        if self.request.save_to_sent:
            self.require_mailboxes("`request.saveToSent`")
        return self


class AnswerOutput(SendOutput):
    """The mail, and what became of the one it is about."""

    original: OriginalOutcome


@asynccontextmanager
async def the_original(given: AnsweringInput, desk: Desk) -> AsyncIterator[Found]:
    """The mail it is about, for as long as it takes to send the one about it."""
    async with original(given.request.original, given.reachable(desk), desk) as found:
        yield found


async def sent_about(
    found: Found, finish: Finish, given: AnsweringInput, turns: Turns[SmtpSession], attempt: Attempt, desk: Desk
) -> SendOutput:
    """Write the mail, finished with what it takes from the one it is about, and send it."""
    asked = given.request
    usual = asked.usual_authors(given.auth, Answered(found.message))
    async with letter(
        asked,
        given.auth,
        desk,
        token=attempt.token,
        usual_authors=usual,
        required=asked.required_recipients,
        finish=finish,
        mailboxes=given.reachable(desk),
    ) as message:
        return await handed_over(message, asked, given, turns, attempt, desk)


async def told(given: AnsweringInput, desk: Desk, sent: SendOutput, found: Found, flag: str) -> AnswerOutput:
    """Mark the original now that the mail is out, and tell all of it."""
    outcome = await marked(found, flag, partial(given.mailboxes, desk), wanted=given.request.mark_original)
    return AnswerOutput(**dict(sent), original=outcome)


def content_ids(draft: Draft) -> list[str]:
    """Those that a mail has for its own pictures."""
    return [one.content_id for one in draft.attachments if one.content_id]
