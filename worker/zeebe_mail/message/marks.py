"""What a mail says about itself: importance, sensitivity, receipts, follow-up, how to unsubscribe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Literal

from zeebe_mail.message.address import Mailbox
from zeebe_mail.message.headers import address_list, structured, unstructured

Importance = Literal["high", "normal", "low"]
Sensitivity = Literal["normal", "personal", "private", "confidential"]
Priority = Literal["urgent", "normal", "non-urgent"]
AutoSubmitted = Literal["auto-generated", "auto-replied", "no"]

_IMPORTANCE = {
    "high": (("Importance", "high"), ("X-Priority", "1 (Highest)"), ("X-MSMail-Priority", "High")),
    "low": (("Importance", "low"), ("X-Priority", "5 (Lowest)"), ("X-MSMail-Priority", "Low")),
}
"""RFC 4021, and what older programs look at; normal is what a mail without any of them is."""

_SENSITIVITY = {"personal": "Personal", "private": "Private", "confidential": "Company-Confidential"}
"""RFC 4021; there is no word for normal."""

_RECEIPTS = ("Disposition-Notification-To", "Return-Receipt-To", "X-Confirm-Reading-To")
"""RFC 8098, and the two ways before it."""


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
    tls_optional: bool = False
    """TLS-Required: No (RFC 8689, 5): delivery matters more than how it comes about."""

    def headers(self) -> Iterator[tuple[str, bytes]]:
        """Name and whole header of each mark.

        Raises:
            HeaderError: a text in it must not be in a header.
        """
        for name, value in self._words():
            yield name, structured(name, value)
        if self.receipt_to:
            for name in _RECEIPTS if self.legacy_receipt else _RECEIPTS[:1]:
                yield name, address_list(name, (self.receipt_to,))
        if self.follow_up:
            # Outlook heeds Reply-By only beside a flag with a text.
            yield "X-Message-Flag", unstructured("X-Message-Flag", self.follow_up.text)
            yield "Reply-By", structured("Reply-By", format_datetime(self.follow_up.due))

    def _words(self) -> Iterator[tuple[str, str]]:
        if self.auto_submitted != "no":
            yield "Auto-Submitted", self.auto_submitted
        if self.importance != "normal":
            yield from _IMPORTANCE[self.importance]
        if self.priority:
            yield "Priority", self.priority
        if self.sensitivity != "normal":
            yield "Sensitivity", _SENSITIVITY[self.sensitivity]
        if self.tls_optional:
            yield "TLS-Required", "No"
        if self.language:
            yield "Content-Language", self.language
        if self.unsubscribe:
            yield "List-Unsubscribe", ", ".join(f"<{uri}>" for uri in self.unsubscribe.uris)
            if self.unsubscribe.one_click:
                yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
