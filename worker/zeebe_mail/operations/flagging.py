"""What adding, removing and replacing flags have in common (RFC 9051, 2.3.2)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import FlagChange, ImapSession
from zeebe_mail.operations.bulk import Change, Changes, summed_up, worked
from zeebe_mail.operations.fields import Flags
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.selection import SomeMessages, choose


class FlagsRequest(SomeMessages):
    """Which messages, and the flags."""

    flags: Annotated[Flags, Prompt("Flags", group="message", hint="Seen, Flagged, or your own")]
    """One flag or a list: Seen, Answered, Flagged, Deleted, Draft, with or without backslash, or keywords."""


class FlagsInput(ImapInput):
    """Where, as whom, and which flags of which messages."""

    request: Annotated[FlagsRequest, Prompt("Flags", group="message")]
    """The messages and the flags."""


class FlagsOf(Change):
    """A message and the flags it has now."""

    flags: list[str]


class FlagsOutput(Changes):
    """What became of the messages' flags."""

    messages: list[FlagsOf]


async def change_flags(imap: ImapSession, asked: FlagsRequest, change: FlagChange) -> FlagsOutput:
    """Change flags of messages. Doing it again changes nothing more.

    Raises:
        InputError: the mailbox takes no such keyword.
        MailboxNotFound, MailboxReadOnly: there is no such mailbox, or it cannot be changed.
        MessageNotFound, MessageAmbiguous, UidValidityChanged: nothing was done.
    """
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox), writable=True)
    choice = await choose(imap, selected, asked)
    result = await worked(lambda uids: imap.filing.store_flags(uids, change, asked.flags), choice.uids)
    messages = [
        FlagsOf(
            message_id=one.message_id,
            uid=one.uid,
            flags=sorted(result.done.get(one.uid or 0, ())),
            uid_validity=selected.uid_validity,
            mailbox=selected.path,
            **result.outcome(one),
        )
        for one in choice.messages
    ]
    return FlagsOutput(
        messages=messages, **summed_up(messages, choice, mailbox=selected.path, uid_validity=selected.uid_validity)
    )
