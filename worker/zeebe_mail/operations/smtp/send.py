"""Send a mail (SMTP, RFC 5321; message format RFC 5322 and MIME)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, model_validator

from zeebe_mail.errors import RecipientNotAllowed
from zeebe_mail.form import Prompt
from zeebe_mail.mail.faults import Rejection
from zeebe_mail.mail.smtp import Outgoing, Receipt, SmtpSession
from zeebe_mail.message.compose import Message
from zeebe_mail.operations.base import Attempt, Desk, OperationOutput, Turns, operation
from zeebe_mail.operations.composing.letter import LetterRequest, letter
from zeebe_mail.operations.composing.options import DeliveryOptions
from zeebe_mail.operations.invitation_result import SentInvitation, written_invitation
from zeebe_mail.operations.sent_copy import SentCopy, SentCopyOptions, saved
from zeebe_mail.operations.smtp import SmtpInput


class Handover(SentCopyOptions, DeliveryOptions):
    """How a finished mail is handed over, and whether its sender keeps a copy."""


class SendRequest(Handover, LetterRequest):
    """The mail, and how it is handed over."""


class SendInput(SmtpInput):
    """Where, as whom and what to send."""

    request: Annotated[SendRequest, Prompt("Mail", group="message")]
    """The mail to send."""

    @model_validator(mode="after")
    def _can_keep_a_copy(self) -> SendInput:
        if self.request.save_to_sent:
            self.require_mailboxes("`request.saveToSent`")
        return self


class RejectedRecipient(OperationOutput):
    """A recipient that did not get the mail, and the server's answer to it; code 0 is an answer of our own."""

    address: str
    code: int
    enhanced: str
    text: str


class SentEnvelope(OperationOutput):
    """Who the server was told the mail is from and for; headers play no part in that."""

    from_: Annotated[str, Field(alias="from")]
    to: list[str]


class SendOutput(OperationOutput):
    """The server has taken the mail over for the accepted recipients; that is not yet delivery (RFC 5321, 6.1)."""

    message_id: str
    accepted: list[str]
    rejected: list[RejectedRecipient]
    response: str
    envelope: SentEnvelope
    size_bytes: int
    date: datetime
    """The header Date."""
    dsn_requested: bool
    """Whether delivery reports (`dsn`) were asked for: the server may not offer that."""
    mt_priority_requested: bool
    """Whether the server was told `mtPriority`: the same holds."""
    invitation: SentInvitation | None = None
    sent_copy: SentCopy | None = None
    """The copy among sent mail, where one was asked for."""


@operation(title="Send a mail", keywords=("smtp", "email", "e-mail", "notify"))
async def send(given: SendInput, turns: Turns[SmtpSession], attempt: Attempt, desk: Desk) -> SendOutput:
    """Send one mail to all of its recipients.

    Point of no return: the final dot, after which only the server's answer tells what became of the mail.
    """
    request = given.request
    async with letter(
        request,
        given.auth,
        desk,
        token=attempt.token,
        required=request.required_recipients,
        mailboxes=given.reachable(desk),
    ) as message:
        return await handed_over(message, request, given, turns, attempt, desk)


async def handed_over(
    message: Message,
    options: Handover,
    given: SmtpInput,
    turns: Turns[SmtpSession],
    attempt: Attempt,
    desk: Desk,
    *,
    invitation: SentInvitation | None = None,
) -> SendOutput:
    """Hand a finished message over, say what the server said, and keep a copy where that is asked for.

    ``invitation`` is that of a message that was not written here.
    """
    mail = Outgoing(
        sender=message.sender,
        recipients=message.recipients,
        data=message.data,
        message_id=message.message_id,
        needs_smtputf8=message.needs_smtputf8,
        without_8bit=message.without_8bit,
        dsn=options.dsn_request(message.message_id),
        mt_priority=options.mt_priority,
        require_tls=options.require_tls,
    )

    async def commit(expected: Receipt) -> None:
        await attempt.commit(_output(message, expected, invitation))

    async with turns.lease() as smtp:
        receipt = await smtp.send(mail, required=options.required_recipients, commit=commit)
    sent = _output(message, receipt, invitation)
    await attempt.sent(sent)
    copy = await saved(options.save_to_sent, message, given, desk)
    return sent.model_copy(update={"sent_copy": copy}) if copy else sent


def _output(message: Message, receipt: Receipt, invitation: SentInvitation | None) -> SendOutput:
    return SendOutput(
        message_id=message.message_id,
        accepted=list(receipt.accepted),
        rejected=[*map(_left_out, message.left_out), *map(_rejected, receipt.rejected)],
        response=receipt.response,
        envelope=SentEnvelope(from_=message.sender, to=list(message.recipients)),
        size_bytes=receipt.size,
        date=message.date,
        dsn_requested=receipt.dsn_requested,
        mt_priority_requested=receipt.mt_priority_requested,
        invitation=invitation or written_invitation(message.draft.calendar),
    )


def earlier(message: Message, invitation: SentInvitation | None, *, sent_copy: SentCopy | None) -> SendOutput:
    """What is known of a mail that went out earlier and of which no answer is left."""
    return SendOutput(
        message_id=message.message_id,
        accepted=list(message.recipients),
        rejected=[*map(_left_out, message.left_out)],
        response="Sent earlier: the mail is among the sent ones, and was not sent again.",
        envelope=SentEnvelope(from_=message.sender, to=list(message.recipients)),
        size_bytes=len(message.data),
        date=message.date,
        dsn_requested=False,
        mt_priority_requested=False,
        invitation=invitation,
        sent_copy=sent_copy,
    )


def _left_out(address: str) -> RejectedRecipient:
    # X.7.1: delivery not authorized (RFC 3463, 3.8)
    return RejectedRecipient(address=address, code=0, enhanced="5.7.1", text=f"{RecipientNotAllowed.code}: not sent")


def _rejected(one: Rejection) -> RejectedRecipient:
    return RejectedRecipient(address=one.address, code=one.code, enhanced=one.enhanced, text=one.text)
