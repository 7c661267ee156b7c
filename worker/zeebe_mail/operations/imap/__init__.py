"""What can be done with mailboxes and their messages over IMAP."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.auth.models import MailboxAuth
from zeebe_mail.form import Prompt
from zeebe_mail.mail.server import ImapServer
from zeebe_mail.operations.base import OperationInput


class ImapInput(OperationInput):
    """Where and as whom; each operation adds its ``request``."""

    server: Annotated[ImapServer, Prompt("Server", group="server")]
    """The server that keeps the mail."""
    auth: Annotated[MailboxAuth, Prompt("Authentication", group="auth")]
    """How to log in."""
