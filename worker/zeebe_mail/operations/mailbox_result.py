"""What the operations on mailboxes themselves have in common (IMAP)."""

from __future__ import annotations

from typing import Annotated, Self

from zeebe_mail.errors import InputError
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession, MailboxStatus
from zeebe_mail.operations.base import OperationOutput, Request
from zeebe_mail.operations.fields import MailboxName


class OneMailbox(Request):
    """A mailbox."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox", hint="INBOX")] = "INBOX"
    """The mailbox (IMAP folder)."""


class Counts(OperationOutput):
    """Numbers of a mailbox; null where the server does not offer one."""

    messages: int
    unseen: int
    recent: int | None
    uid_next: int
    uid_validity: int
    highest_mod_seq: str | None
    """Text, because it may have 63 bits (RFC 7162)."""
    size: int | None
    """Bytes (RFC 8438)."""

    @classmethod
    def of(cls, status: MailboxStatus) -> Self:
        """As the server told them."""
        return cls(
            messages=status.messages,
            unseen=status.unseen,
            recent=status.recent,
            uid_next=status.uid_next,
            uid_validity=status.uid_validity,
            highest_mod_seq=None if status.highest_mod_seq is None else str(status.highest_mod_seq),
            size=status.size,
        )


async def refuse_special(imap: ImapSession, path: str, *, doing: str) -> None:
    """Leave alone the mailboxes that mail programs rely on.

    Raises:
        InputError: it is the INBOX, or the server has a special use for it (RFC 6154).
    """
    listed = {one.path: one for one in await imap.directory.mailboxes()}
    use = "inbox" if path.upper() == "INBOX" else path in listed and listed[path].special_use
    if use:
        raise InputError(
            f'Mailbox "{path}" is the account\'s mailbox for "{use}" and cannot be {doing}.',
            next_step="Choose another mailbox; mail programs rely on this one.",
            details={"mailbox": path, "specialUse": use},
        )
