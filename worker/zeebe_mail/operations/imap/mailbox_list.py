"""List mailboxes (IMAP LIST, RFC 9051, 6.3.9; special uses RFC 6154)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession, Mailbox
from zeebe_mail.operations.base import Attempt, OperationOutput, Request, operation
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.mailbox_result import Counts


class MailboxListRequest(Request):
    """Which mailboxes, and how much of each."""

    pattern: Annotated[MailboxName, Prompt("Pattern", group="mailbox", hint="* any, % within one level")] = "*"
    """Which: ``*`` stands for anything, ``%`` for anything within one level. Default all."""
    with_status: Annotated[bool, Prompt("Count the messages", group="mailbox", feel="static")] = False
    """Whether each mailbox has its status: costs the server a look into each."""


class MailboxListInput(ImapInput):
    """Where, as whom, and which mailboxes."""

    request: Annotated[MailboxListRequest, Prompt("Mailboxes", group="mailbox")] = MailboxListRequest()
    """Which mailboxes."""


class ListedMailbox(OperationOutput):
    """A mailbox. ``name`` is the last level of ``path``; ``parent`` the path of the level above."""

    path: str
    name: str
    parent: str | None
    delimiter: str | None
    special_use: str | None
    """sent, trash, drafts, archive, junk, flagged or all."""
    subscribed: bool
    selectable: bool
    """Whether it can hold messages."""
    attributes: list[str]
    status: Counts | None


class MailboxListOutput(OperationOutput):
    """The mailboxes, in the order of their paths."""

    mailboxes: list[ListedMailbox]


@operation(title="List mailboxes", keywords=("imap", "folders"))
async def mailbox_list(given: MailboxListInput, imap: ImapSession, attempt: Attempt) -> MailboxListOutput:
    """List the mailboxes of the account. Changes nothing."""
    found = await imap.directory.mailboxes(given.request.pattern, with_status=given.request.with_status)
    return MailboxListOutput(mailboxes=[_listed(one) for one in sorted(found, key=lambda one: one.path)])


def _listed(one: Mailbox) -> ListedMailbox:
    parent, _, name = one.path.rpartition(one.delimiter) if one.delimiter else ("", "", one.path)
    return ListedMailbox(
        path=one.path,
        name=name,
        parent=parent or None,
        delimiter=one.delimiter,
        special_use=one.special_use,
        subscribed=one.subscribed,
        selectable=one.selectable,
        attributes=sorted(one.attributes),
        status=one.status and Counts.of(one.status),
    )
