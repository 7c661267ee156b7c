"""Send a mail (SMTP, RFC 5321; message format RFC 5322 and MIME)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from zeebe_mail.auth.models import Auth
from zeebe_mail.form import Part, Prompt
from zeebe_mail.mail.faults import Rejection
from zeebe_mail.mail.server import SmtpServer
from zeebe_mail.mail.smtp import Outgoing, SmtpSession
from zeebe_mail.message.compose import Draft, compose
from zeebe_mail.operations.base import Attempt, OperationInput, OperationOutput, operation
from zeebe_mail.operations.fields import Address, Addresses, BodyText, CustomHeaders, HeaderText


class SendRequest(Part):
    """The mail."""

    from_: Annotated[
        Address,
        Field(alias="from"),
        Prompt("From", group="message", hint="jane@example.org or Jane Doe <jane@example.org>"),
    ]
    """The author; most servers accept only addresses of the account."""
    to: Annotated[Addresses, Prompt("To", group="message", hint="Several: separated by comma, or a list")] = ()
    """The recipients, visible to all."""
    cc: Annotated[Addresses, Prompt("Cc", group="message")] = ()
    """More recipients, visible to all."""
    bcc: Annotated[Addresses, Prompt("Bcc", group="message")] = ()
    """Recipients that the others do not see."""
    reply_to: Annotated[Addresses, Prompt("Reply to", group="message")] = ()
    """Where answers go when not to the author."""
    subject: Annotated[HeaderText | None, Prompt("Subject", group="message")] = None
    """One line of text."""
    text: Annotated[BodyText | None, Prompt("Text", group="message", hint="Beside HTML: for those who see none")] = None
    """The mail as plain text."""
    html: Annotated[BodyText | None, Prompt("HTML", group="message")] = None
    """The mail as HTML."""
    headers: Annotated[
        CustomHeaders, Prompt("Additional headers", group="message", hint='{"X-Order": "4711"}', feel="required")
    ] = Field(default_factory=dict)
    """Additional headers, name and value; those with a field of their own are refused."""
    required_recipients: Annotated[
        Literal["all", "any"],
        Prompt(
            "Recipients the server must accept", group="delivery", hint="all: or nobody gets the mail", feel="static"
        ),
    ] = "all"
    """all: one refused recipient means that nobody gets the mail. any: it goes to those who are accepted."""

    @model_validator(mode="after")
    def _is_a_mail(self) -> SendRequest:
        missing = []
        if not (self.to or self.cc or self.bcc):
            missing.append("`to`, `cc` or `bcc` must have at least one recipient")
        if self.text is None and self.html is None:
            missing.append("`text` or `html` must be given; it may be empty")
        if missing:
            raise ValueError(" and ".join(missing))
        return self


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


@operation(title="Send a mail", keywords=("smtp", "email", "e-mail", "notify"))
async def send(given: SendInput, smtp: SmtpSession, attempt: Attempt) -> SendOutput:
    """Send one mail to all of its recipients.

    Point of no return: the final dot, after which only the server's answer tells what became of the mail.
    """
    request = given.request
    message = compose(_draft(request), token=attempt.token, date=datetime.now(UTC))
    mail = Outgoing(
        sender=message.sender,
        recipients=message.recipients,
        data=message.data,
        message_id=message.message_id,
        needs_smtputf8=message.needs_smtputf8,
    )
    receipt = await smtp.send(mail, required=request.required_recipients, commit=attempt.commit)
    return SendOutput(
        message_id=message.message_id,
        accepted=list(receipt.accepted),
        rejected=[_rejected(one) for one in receipt.rejected],
        response=receipt.response,
        envelope=SentEnvelope(from_=message.sender, to=list(message.recipients)),
        size_bytes=len(message.data),
    )


def _draft(request: SendRequest) -> Draft:
    return Draft(
        sender=request.from_,
        to=request.to,
        cc=request.cc,
        bcc=request.bcc,
        reply_to=request.reply_to,
        subject=request.subject,
        text=request.text,
        html=request.html,
        headers=request.headers,
    )


def _rejected(one: Rejection) -> RejectedRecipient:
    return RejectedRecipient(address=one.address, code=one.code, enhanced=one.enhanced, text=one.text)
