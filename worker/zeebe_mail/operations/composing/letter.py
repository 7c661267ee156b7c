"""From what a process asks for to the message that is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from zeebe_mail.auth.models import Auth, NoAuth
from zeebe_mail.errors import InputError
from zeebe_mail.message.address import AddressError, Mailbox, mailbox
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.headers import HeaderError
from zeebe_mail.message.invitation import in_words, written
from zeebe_mail.operations.base import Desk
from zeebe_mail.operations.composing.addressing import Authorship, Recipients
from zeebe_mail.operations.composing.content import Content
from zeebe_mail.operations.composing.invitation import InvitationRequest
from zeebe_mail.operations.composing.options import MarkOptions


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
    if request.text is None and request.html is None and request.invitation is None:
        missing.append("`request.text` or `request.html` must be given; it may be empty")
    if missing:
        raise InputError(f"{' and '.join(missing)}.")


@asynccontextmanager
async def letter(
    request: LetterRequest, auth: Auth, desk: Desk, *, token: str, required: Literal["all", "any"] = "all"
) -> AsyncIterator[Message]:
    """The message, for as long as it takes to send it. ``required``: which of its recipients must be allowed to get it.

    Raises:
        WorkerError: something that it needs cannot be had or must not be sent; nothing was sent.
    """
    _require_whole(request)
    now = datetime.now(UTC)
    draft = request.draft(authors_of(request, auth))
    if request.invitation is not None:
        draft = _inviting(draft, request.invitation, token, now)
    admitted = desk.rails.admit(draft, user=_user(auth), required=required)
    try:
        message = compose(admitted.draft, token=token, date=now)
    except HeaderError as error:
        raise InputError(f"The mail cannot be written, because a header or name in it {error}.") from error
    desk.rails.check_size(len(message.data))
    yield replace(message, left_out=admitted.left_out)


def _user(auth: Auth) -> str:
    return "" if isinstance(auth, NoAuth) else auth.username


def _inviting(draft: Draft, appointment: InvitationRequest, token: str, now: datetime) -> Draft:
    """The same mail with an invitation, which it tells in words where it says nothing else."""
    invitation = appointment.invitation(
        subject=draft.subject, author=draft.authors[0], to=draft.to, cc=draft.cc, token=token
    )
    says_nothing = draft.text is None and draft.html is None
    return replace(draft, calendar=written(invitation, now), text=in_words(invitation) if says_nothing else draft.text)
