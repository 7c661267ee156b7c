"""From what a process asks for to the message that is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from zeebe_mail.auth.models import Auth, NoAuth
from zeebe_mail.errors import InputError
from zeebe_mail.message.address import AddressError, Mailbox, mailbox
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.headers import HeaderError
from zeebe_mail.operations.base import Desk
from zeebe_mail.operations.composing.addressing import Authorship, Recipients
from zeebe_mail.operations.composing.content import Content
from zeebe_mail.operations.composing.options import MarkOptions
from zeebe_mail.operations.composing.wording import worded


class LetterRequest(MarkOptions, Content, Recipients, Authorship):
    """A new mail, whatever becomes of it. (Fields come in the order of the bases, the last one first.)"""

    def draft(self, authors: tuple[Mailbox, ...]) -> Draft:
        """The mail as it is to be written."""
        return Draft(
            authors=authors,
            sender=self.sender,
            envelope_sender=self.envelope_from,
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            reply_to=self.reply_to,
            subject=self.subject,
            text=self.text,
            html=self.html,
            headers=tuple((name, value) for name, values in self.headers.items() for value in values),
            marks=self.marks(authors[0], datetime.now(UTC)),
            message_id=self.message_id,
            in_reply_to=self.in_reply_to,
            references=self.references,
        )


def authors_of(request: Authorship, auth: Auth) -> tuple[Mailbox, ...]:
    """Who the mail is from: as given, else the user of the account.

    Raises:
        InputError: neither is there.
    """
    if request.from_:
        return request.from_
    if not isinstance(auth, NoAuth):
        try:
            return (mailbox(auth.username),)
        except AddressError:
            pass
    raise InputError("`request.from` must be given, because the user name is no mail address.")


def _require_whole(request: LetterRequest) -> None:
    """Pass when there is somebody to send to and something to say.

    Raises:
        InputError: names all that is missing.
    """
    missing = []
    if not (request.to or request.cc or request.bcc):
        missing.append("`request.to`, `request.cc` or `request.bcc` must have at least one recipient")
    elif not (request.to or request.cc or request.undisclosed_recipients):
        missing.append("`request.to` or `request.cc` must have a recipient, or `request.undisclosedRecipients` be true")
    if request.text is None and request.html is None:
        missing.append(
            "`request.text` or `request.html` must be given, or `request.markdown`, or a `request.template` that has "
            "one of them; it may be empty"
        )
    if missing:
        raise InputError(f"{' and '.join(missing)}.")


@asynccontextmanager
async def letter(request: LetterRequest, auth: Auth, desk: Desk, *, token: str) -> AsyncIterator[Message]:
    """The message, for as long as it takes to send it.

    Raises:
        WorkerError: something that it needs cannot be had or must not be sent; nothing was sent.
    """
    request = await worded(request, desk.renderer)
    _require_whole(request)
    draft = request.draft(authors_of(request, auth))
    try:
        message = compose(draft, token=token, date=datetime.now(UTC))
    except HeaderError as error:
        raise InputError(f"The mail cannot be written, because a header or name in it {error}.") from error
    yield message
