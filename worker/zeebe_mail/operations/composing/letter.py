"""From what a process asks for to the message that is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from zeebe_mail.auth.models import Auth, NoAuth
from zeebe_mail.errors import InputError
from zeebe_mail.message.address import AddressError, Mailbox, mailbox
from zeebe_mail.message.compose import Draft, Message, compose
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
            headers=tuple(self.headers.items()),
        )

    def missing_recipients(self) -> Iterator[str]:
        """What must be given so that somebody gets it."""
        if not (self.to or self.cc or self.bcc):
            yield "`request.to`, `request.cc` or `request.bcc` must have at least one recipient"
        elif not (self.to or self.cc or self.undisclosed_recipients):
            yield "`request.to` or `request.cc` must have a recipient, or `request.undisclosedRecipients` be true"

    def missing_words(self) -> Iterator[str]:
        """What must be given so that it says something."""
        if self.text is None and self.html is None:
            yield (
                "`request.text` or `request.html` must be given, or `request.markdown`, or a `request.template` that "
                "has one of them; it may be empty"
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
    missing = [*request.missing_recipients(), *request.missing_words()]
    if missing:
        raise InputError(f"{' and '.join(missing)}.")


@asynccontextmanager
async def drafted(request: LetterRequest, auth: Auth, desk: Desk) -> AsyncIterator[Draft]:
    """All that the mail says, for as long as it is needed.

    Raises:
        WorkerError: something that it needs cannot be had or must not be sent; nothing was sent.
    """
    request = await worded(request, desk.renderer)
    _require_whole(request)
    yield request.draft(authors_of(request, auth))


@asynccontextmanager
async def letter(request: LetterRequest, auth: Auth, desk: Desk, *, token: str) -> AsyncIterator[Message]:
    """The message, for as long as it takes to send it.

    Raises:
        WorkerError: see ``drafted``.
    """
    async with drafted(request, auth, desk) as draft:
        yield compose(draft, token=token, date=datetime.now(UTC))
