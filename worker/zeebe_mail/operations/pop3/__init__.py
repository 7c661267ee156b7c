"""What can be done with the messages of a POP3 mailbox."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.auth.models import MailboxAuth
from zeebe_mail.form import Prompt
from zeebe_mail.mail.server import Pop3Server
from zeebe_mail.operations.base import OperationInput


class Pop3Input(OperationInput):
    """Where and as whom; each operation adds its ``request``."""

    server: Annotated[Pop3Server, Prompt("Server", group="server")]
    """The server that keeps the mail."""
    auth: Annotated[MailboxAuth, Prompt("Authentication", group="auth")]
    """How to log in."""
