"""What a mail says about itself: importance, sensitivity, receipts, follow-up, how to unsubscribe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from zeebe_mail.message.address import Mailbox

Importance = Literal["high", "normal", "low"]
Sensitivity = Literal["normal", "personal", "private", "confidential"]
Priority = Literal["urgent", "normal", "non-urgent"]
AutoSubmitted = Literal["auto-generated", "auto-replied", "no"]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A flag that Outlook shows, and when it is due (MS-OXCMAIL, Reply-By)."""

    due: datetime
    text: str = "Follow up"


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Ways to leave a list (RFC 2369); with ``one_click`` a POST to the first URL is enough (RFC 8058)."""

    uris: tuple[str, ...]
    one_click: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """Each is optional; the defaults write no header but Auto-Submitted."""

    importance: Importance = "normal"
    sensitivity: Sensitivity = "normal"
    priority: Priority | None = None
    receipt_to: Mailbox | None = None
    """Who is told that the mail was read (RFC 8098)."""
    legacy_receipt: bool = False
    """Ask in the two older ways too."""
    follow_up: FollowUp | None = None
    auto_submitted: AutoSubmitted = "auto-generated"
    """RFC 3834."""
    unsubscribe: Unsubscribe | None = None
    language: str | None = None
    """Content-Language (RFC 3282)."""
