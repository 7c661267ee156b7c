"""From what a process asks for to the message that is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar, Literal

from zeebe_mail.auth.models import Auth, NoAuth
from zeebe_mail.errors import InlinePartMissing, InputError
from zeebe_mail.message.address import AddressError, Mailbox, mailbox
from zeebe_mail.message.charsets import printable
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.content import Attachment
from zeebe_mail.message.headers import HeaderError
from zeebe_mail.message.inline_parts import shown
from zeebe_mail.message.invitation import in_words, written
from zeebe_mail.operations.after_sending import Lease
from zeebe_mail.operations.base import Desk
from zeebe_mail.operations.composing.addressing import Authorship, Recipients
from zeebe_mail.operations.composing.attachments import loaded, text_of
from zeebe_mail.operations.composing.content import Content
from zeebe_mail.operations.composing.invitation import InvitationRequest
from zeebe_mail.operations.composing.off_loop import off_loop
from zeebe_mail.operations.composing.options import MarkOptions
from zeebe_mail.operations.composing.wording import worded


class LetterRequest(MarkOptions, Content, Recipients, Authorship):
    """A new mail, whatever becomes of it. (Fields come in the order of the bases, the last one first.)"""

    needs_inline_parts: ClassVar[bool] = True
    """Whether each part that the HTML shows must be there."""

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


Finish = Callable[[Draft], Draft]
"""The last step before a mail is checked and written: an answer adds what it takes from the mail it answers."""


def authors_of(request: Authorship, auth: Auth, usual: tuple[Mailbox, ...] = ()) -> tuple[Mailbox, ...]:
    """Who the mail is from: as given, else as ``usual``, else the user of the account.

    Raises:
        InputError: none of these is there.
    """
    if request.from_ or usual:
        return request.from_ or usual
    if own := address_of(auth):
        return (own,)
    raise InputError("`request.from` must be given, because the user name is no mail address.")


def address_of(auth: Auth) -> Mailbox | None:
    """The address of an account, where its user name is one."""
    if isinstance(auth, NoAuth):
        return None
    try:
        return mailbox(auth.username)
    except AddressError:
        return None


def _require_whole(draft: Draft, request: LetterRequest) -> None:
    """Pass when there is somebody to send to and something to say.

    Raises:
        InputError: names all that is missing.
    """
    missing = []
    if not (draft.to or draft.cc or draft.bcc):
        missing.append("`request.to`, `request.cc` or `request.bcc` must have at least one recipient")
    elif not (draft.to or draft.cc or request.undisclosed_recipients):
        missing.append("`request.to` or `request.cc` must have a recipient, or `request.undisclosedRecipients` be true")
    if draft.text is None and draft.html is None and request.invitation is None:
        missing.append(
            "`request.text` or `request.html` must be given, or `request.markdown`, or a `request.template` that has "
            "one of them; it may be empty"
        )
    if missing:
        raise InputError(f"{' and '.join(missing)}.")


def unfinished(draft: Draft) -> Draft:
    """A mail that somebody will go on writing."""
    return replace(draft, text=draft.text or "", says_undisclosed=False)


@asynccontextmanager
async def letter(
    request: LetterRequest,
    auth: Auth,
    desk: Desk,
    *,
    token: str,
    usual_authors: tuple[Mailbox, ...] = (),
    required: Literal["all", "any"] = "all",
    finish: Finish | None = None,
    mailboxes: Lease | None = None,
) -> AsyncIterator[Message]:
    """The message, for as long as it takes to send it.

    Args:
        usual_authors: who it is from where the task does not say, before the user of the account.
        required: which of its recipients must be allowed to get it.
        finish: adds what the task does not say itself, once all of that is there.
        mailboxes: those that attachments may come from.

    Raises:
        WorkerError: something that it needs cannot be had or must not be sent; nothing was sent.
    """
    authors = authors_of(request, auth, usual_authors)
    request = await worded(await _read(request, desk, mailboxes), desk.renderer)
    draft = request.draft(authors)
    if finish is None:
        _require_whole(draft, request)
    async with loaded(request.attachments, desk, mailboxes) as attachments:
        placed, missing = await off_loop(len(draft.html or ""), partial(shown, draft.html, attachments))
        if missing and request.needs_inline_parts:
            raise _missing(missing, attachments)
        draft = replace(draft, attachments=placed)
        if finish is not None:
            draft = finish(draft)
            if finish is not unfinished:
                _require_whole(draft, request)
        if desk.idempotency_header:
            draft = replace(draft, headers=(*draft.headers, (desk.idempotency_header, token)))
        now = datetime.now(UTC)
        if request.invitation is not None:
            draft = _inviting(draft, request.invitation, token, now)
        admitted = desk.rails.admit(draft, user=user_of(auth), required=required)
        message = await off_loop(_size(admitted.draft), partial(_written, admitted.draft, token, now))
        desk.rails.check_size(len(message.data))
        yield replace(message, left_out=admitted.left_out)


async def _read(request: LetterRequest, desk: Desk, mailboxes: Lease | None) -> LetterRequest:
    """The same with the texts that come from elsewhere."""
    sources = {"text": (request.text_from, "textFrom"), "html": (request.html_from, "htmlFrom")}
    return request.model_copy(
        update={
            name: await text_of(source, field, desk, mailboxes) for name, (source, field) in sources.items() if source
        }
    )


def user_of(auth: Auth) -> str:
    """The account's user name; empty where nobody logs in."""
    return "" if isinstance(auth, NoAuth) else auth.username


def _inviting(draft: Draft, appointment: InvitationRequest, token: str, now: datetime) -> Draft:
    """The same mail with an invitation, which it tells in words where it says nothing else."""
    invitation = appointment.invitation(
        subject=draft.subject, author=draft.authors[0], to=draft.to, cc=draft.cc, token=token
    )
    says_nothing = not draft.text and draft.html is None
    return replace(draft, calendar=written(invitation, now), text=in_words(invitation) if says_nothing else draft.text)


def _written(draft: Draft, token: str, now: datetime) -> Message:
    try:
        return compose(draft, token=token, date=now)
    except HeaderError as error:
        raise InputError(f"The mail cannot be written, because a header or name in it {error}.") from error


def _size(draft: Draft) -> int:
    return len(draft.text or "") + len(draft.html or "") + sum(len(one.data) for one in draft.attachments)


def _missing(names: tuple[str, ...], attachments: tuple[Attachment, ...]) -> InlinePartMissing:
    shown_names = ", ".join(f"cid:{printable(name[:100])}" for name in names)
    known = ", ".join(f'"{part.content_id or part.name}"' for part in attachments) or "none"
    return InlinePartMissing(
        f"The HTML shows {shown_names}, and no attachment has this `contentId` or name; the attachments are {known}.",
        details={"missing": list(names)},
    )
