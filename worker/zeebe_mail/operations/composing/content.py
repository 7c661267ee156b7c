"""What a mail says."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.form import Prompt
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.composing.invitation import InvitationRequest
from zeebe_mail.operations.fields import BodyText, HeaderText


class Content(MailPart):
    """Subject, texts, and what comes with them."""

    subject: Annotated[HeaderText | None, Prompt("Subject", group="message")] = None
    """One line of text."""
    text: Annotated[BodyText | None, Prompt("Text", group="message", hint="Beside HTML: for those who see none")] = None
    """The mail as plain text."""
    html: Annotated[BodyText | None, Prompt("HTML", group="message")] = None
    """The mail as HTML."""
    invitation: Annotated[
        InvitationRequest | None,
        Prompt(
            "Invitation",
            group="message",
            hint='{method: "request", start: "2026-01-31T08:30:00@Europe/Berlin", duration: "PT1H"}',
            feel="required",
        ),
    ] = None
    """An appointment that the recipients are invited to, or that is taken back. A mail without `text` and `html` tells
    it in words."""
