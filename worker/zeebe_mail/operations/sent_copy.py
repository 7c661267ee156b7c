"""The copy of a sent mail that its sender finds among the sent ones (IMAP APPEND to the mailbox ``\\Sent``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.message.compose import Message
from zeebe_mail.operations.after_sending import NotDone, done
from zeebe_mail.operations.base import Desk, OperationOutput, Request
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.selection import uids_with
from zeebe_mail.operations.smtp import SmtpInput

SENT = "\\Sent"


_KEEP_COPIES = {
    "Gmail": ({"smtp.gmail.com", "smtp.googlemail.com"}, {"imap.gmail.com", "imap.googlemail.com"}),
    "Microsoft 365": (
        {"smtp.office365.com", "smtp-mail.outlook.com", "outlook.office365.com"},
        {"outlook.office365.com", "imap-mail.outlook.com"},
    ),
}
"""Providers that keep a copy themselves of what is sent with a login: their hosts for sending and for mailboxes.

Gmail: support.google.com/mail/answer/78892. Microsoft: Exchange Team Blog of 2018-04-20, since June 2018.
"""


def _switch(value: Any) -> Any:
    """``true`` is all defaults, ``false`` and blank are none."""
    if value is True or (isinstance(value, str) and value.strip().lower() == "true"):
        return {}
    if value is False or value is None or (isinstance(value, str) and value.strip().lower() in ("", "false")):
        return None
    return value


class SentCopyRequest(Request):
    """Where the copy goes."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="message", hint="\\Sent")] = SENT
    """The mailbox (IMAP folder) for the copy; by default the one that the server has for sent mail."""


class SentCopyOptions(MailPart):
    """Whether the sender keeps a copy."""

    save_to_sent: Annotated[
        SentCopyRequest | None,
        BeforeValidator(_switch),
        WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "object"}]}),
        Prompt("Save among sent mail", group="delivery", hint="As an expression: {mailbox: …} for another mailbox"),
    ] = None
    """Whether a copy is put into the mailbox for sent mail (`true`), or into the one that is named (`{mailbox}`)."""


class SentCopy(OperationOutput):
    """What became of the copy."""

    saved: bool
    """Whether it is in the mailbox, by this try or an earlier one."""
    mailbox: str | None
    uid: int | None
    uid_validity: int | None
    reason: str | None
    """Why it was not saved, or why there was nothing to save."""


async def saved(asked: SentCopyRequest | None, message: Message, given: SmtpInput, desk: Desk) -> SentCopy | None:
    """Keep a copy with Bcc, unless a mail with its Message-ID is there. The mail is out: nothing here is an error."""
    if asked is None or given.imap is None:
        return None
    if asked.mailbox.lower() == SENT.lower() and (name := _provider_of(given.server.host, given.imap.server.host)):
        return _unsaved(f"{name} keeps a copy of what is sent by itself; a second one was not saved.")
    try:
        place = await done(partial(given.mailboxes, desk), partial(_appended, name=asked.mailbox, message=message))
    except NotDone as trouble:
        return _unsaved(str(trouble))
    return SentCopy(saved=True, reason=None, **place)


async def is_among_sent(message_id: str, given: SmtpInput, desk: Desk) -> bool:
    """Whether the mailbox for sent mail has it: providers put there what they have sent. That it has not, or cannot be
    asked, says nothing."""
    if given.imap is None:
        return False
    try:
        return await done(partial(given.mailboxes, desk), partial(_is_there, message_id=message_id))
    except NotDone:
        return False


async def _is_there(imap: ImapSession, *, message_id: str) -> bool:
    await imap.mailboxes.select(await imap.directory.resolve(SENT))
    return bool(await uids_with(imap, message_id))


def _provider_of(smtp: str, imap: str) -> str | None:
    """Who keeps a copy by himself, in the mailbox where ours would go."""
    return next((name for name, (sends, keeps) in _KEEP_COPIES.items() if smtp in sends and imap in keeps), None)


async def _appended(imap: ImapSession, *, name: str, message: Message) -> Mapping[str, Any]:
    selected = await imap.mailboxes.select(await imap.directory.resolve(name))
    known, validity = await uids_with(imap, message.message_id), selected.uid_validity
    if not known:
        place = await imap.filing.append(selected.path, message.sender_copy, flags=("\\Seen",))
        if place:
            validity, uid = place
            known = [uid]
        else:  # the server does not say (it has no UIDPLUS, RFC 4315)
            await imap.mailboxes.select(selected.path)
            known = await uids_with(imap, message.message_id)
    return {"mailbox": selected.path, "uid": known[0] if len(known) == 1 else None, "uid_validity": validity}


def _unsaved(reason: str) -> SentCopy:
    return SentCopy(saved=False, mailbox=None, uid=None, uid_validity=None, reason=reason)
