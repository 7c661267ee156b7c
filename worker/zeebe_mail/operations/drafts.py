"""Stored drafts: where they are, how one is told from other mail, and how one is removed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from zeebe_mail.errors import NotADraft, Unsupported
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import FlagChange, ImapSession
from zeebe_mail.operations.composing.original import Place, StoredMail, opened
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.selection import named_by
from zeebe_mail.operations.target import existing

DRAFTS = "\\Drafts"


class StoredDraft(StoredMail):
    """A draft of a mailbox."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="message", hint="\\Drafts")] = DRAFTS
    """The mailbox (IMAP folder) it is in; by default the one that the server has for drafts."""


DraftReference = Annotated[StoredDraft, BeforeValidator(named_by)]
"""A draft as a task gives it, its Message-ID, or its UID."""


async def require_draft(imap: ImapSession, place: Place) -> None:
    r"""Pass when a mail is a draft: it has the flag ``\Draft`` or is in the mailbox for drafts.

    Raises:
        NotADraft: it is neither.
    """
    if any(one.lower() == r"\draft" for one in place.flags) or await existing(imap, DRAFTS) == place.mailbox:
        return
    raise NotADraft(
        f'The mail with UID {place.uid} in mailbox "{place.mailbox}" is no draft.',
        details={"mailbox": place.mailbox, "uid": place.uid, "uidValidity": place.uid_validity},
    )


async def removed(imap: ImapSession, place: Place) -> bool:
    r"""Remove a draft for good; false where the server can only mark it as deleted (it has no UIDPLUS).

    Raises:
        UidValidityChanged: the mailbox was made anew; nothing was removed.
    """
    await opened(imap, place, writable=True)
    try:
        await imap.filing.expunge([place.uid])
    except Unsupported:
        await imap.filing.store_flags([place.uid], FlagChange.ADD, (r"\Deleted",))
        return False
    return True
