"""Sending mail."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, model_validator

from zeebe_mail.auth.models import Auth, MailboxAuth, NoAuth
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.mail.server import SmtpServer
from zeebe_mail.operations.after_sending import Lease
from zeebe_mail.operations.base import Desk, OperationInput
from zeebe_mail.operations.imap_access import ImapAccess


class SmtpInput(OperationInput):
    """Where and as whom to send; each operation adds its ``request``."""

    secret_fields: ClassVar[tuple[str, ...]] = (
        *OperationInput.secret_fields,
        "imap.auth",
        "imap.server.tls.clientKey",
    )

    server: Annotated[SmtpServer, Prompt("Server", group="server")]
    """The server that takes the mail."""
    auth: Annotated[Auth, Prompt("Authentication", group="auth")]
    """How to log in."""
    imap: Annotated[
        ImapAccess | None,
        BeforeValidator(lambda value: None if value == "" else value),
        Prompt("Use the account's mailboxes", group="imap"),
    ] = None
    """Where the mailboxes of the account are, for what is read or kept there."""

    @model_validator(mode="after")
    def _can_log_in_to_the_mailboxes(self) -> SmtpInput:
        if self.imap and not self.imap.auth and isinstance(self.auth, NoAuth):
            raise ValueError("`imap.auth` must be given, because the task sends without a login")
        return self

    def require_mailboxes(self, why: str) -> None:
        """Pass when the task says where the mailboxes are.

        Raises:
            ValueError: it does not; ``why`` is the field that needs them.
        """
        if self.imap is None:
            raise ValueError(f"`imap` must be given, because {why} needs the mailboxes of the account")

    def mailboxes(self, desk: Desk) -> AbstractAsyncContextManager[ImapSession]:
        """A session with the account's mailboxes. No other session may be held meanwhile: who waits for a second
        one while he holds the first can wait for ever.

        Raises:
            EndpointSaturated: the endpoint's share is taken.
            WorkerError: no session could be opened.
        """
        assert self.imap is not None
        auth: MailboxAuth | Auth = self.imap.auth or self.auth
        return desk.sessions.lease(ImapSession, self.imap.server, auth)

    def reachable(self, desk: Desk) -> Lease | None:
        """How to get a session with the mailboxes, where the task says where they are."""
        return partial(self.mailboxes, desk) if self.imap else None
