"""Send a mail (SMTP, RFC 5321; message format RFC 5322 and MIME)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from zeebe_mail.auth.models import Auth
from zeebe_mail.form import Prompt
from zeebe_mail.mail.faults import Rejection
from zeebe_mail.mail.server import SmtpServer
from zeebe_mail.mail.smtp import Outgoing, SmtpSession
from zeebe_mail.message.compose import Message
from zeebe_mail.operations.base import Attempt, Desk, OperationInput, OperationOutput, Turns, operation
from zeebe_mail.operations.composing.letter import LetterRequest, letter
from zeebe_mail.operations.composing.options import DeliveryOptions


class SendRequest(DeliveryOptions, LetterRequest):
    """The mail, and how it is handed over."""


class SendInput(OperationInput):
    """Where, as whom and what to send."""

    server: Annotated[SmtpServer, Prompt("Server", group="server")]
    """The server that takes the mail."""
    auth: Annotated[Auth, Prompt("Authentication", group="auth")]
    """How to log in."""
    request: Annotated[SendRequest, Prompt("Mail", group="message")]
    """The mail to send."""


class RejectedRecipient(OperationOutput):
    """A recipient that did not get the mail, and the server's answer to it."""

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


@operation(title="Send a mail", keywords=("smtp", "email", "e-mail", "notify"))
async def send(given: SendInput, turns: Turns[SmtpSession], attempt: Attempt, desk: Desk) -> SendOutput:
    """Send one mail to all of its recipients.

    Point of no return: the final dot, after which only the server's answer tells what became of the mail.
    """
    async with letter(given.request, given.auth, desk, token=attempt.token) as message:
        return await handed_over(message, given.request, turns, attempt)


async def handed_over(
    message: Message, options: DeliveryOptions, turns: Turns[SmtpSession], attempt: Attempt
) -> SendOutput:
    """Hand a finished message over, and say what the server said."""
    mail = Outgoing(
        sender=message.sender,
        recipients=message.recipients,
        data=message.data,
        message_id=message.message_id,
        needs_smtputf8=message.needs_smtputf8,
        without_8bit=message.without_8bit,
        dsn=options.dsn_request(message.message_id),
    )
    async with turns.lease() as smtp:
        receipt = await smtp.send(mail, required=options.required_recipients, commit=attempt.commit)
    return SendOutput(
        message_id=message.message_id,
        accepted=list(receipt.accepted),
        rejected=[_rejected(one) for one in receipt.rejected],
        response=receipt.response,
        envelope=SentEnvelope(from_=message.sender, to=list(message.recipients)),
        size_bytes=receipt.size,
        date=message.date,
        dsn_requested=receipt.dsn_requested,
    )


def _rejected(one: Rejection) -> RejectedRecipient:
    return RejectedRecipient(address=one.address, code=one.code, enhanced=one.enhanced, text=one.text)
