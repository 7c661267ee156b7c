"""The mailboxes of an account that sends: where they are, for operations that also read and file mail."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from zeebe_mail.auth.models import MailboxAuth
from zeebe_mail.form import Part, Prompt
from zeebe_mail.mail.server import ImapServer


def _none_if_blank(value: object) -> object:
    return None if value == "" else value


class ImapAccess(Part):
    """An IMAP server, and how to log in there."""

    server: Annotated[ImapServer, Prompt("IMAP server", group="imap")]
    """The server that keeps the mailboxes of the account."""
    auth: Annotated[
        MailboxAuth | None,
        BeforeValidator(_none_if_blank),
        Prompt("Authentication", group="imap", hint="Blank: as for sending"),
    ] = None
    """How to log in there; without it, as for sending."""
