"""The groups of the properties panel, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together."""

    id: str
    label: str
    is_open: bool = False
    """Whether its fields are seen at once."""


GROUPS = (
    Group("operation", "Operation", is_open=True),
    Group("server", "Server", is_open=True),
    Group("auth", "Authentication", is_open=True),
    Group("original", "Original mail", is_open=True),
    Group("draft", "Draft", is_open=True),
    Group("recipients", "Sender and recipients", is_open=True),
    Group("content", "Mail", is_open=True),
    Group("template", "Mail template", is_open=True),
    Group("mailbox", "Mailbox", is_open=True),
    Group("message", "Message", is_open=True),
    Group("reading", "What comes back", is_open=True),
    Group("invitation", "Invitation"),
    Group("delivery", "Delivery and copies"),
    Group("marks", "Importance, receipts, follow-up"),
    Group("thread", "Thread and headers"),
    Group("imap", "Mailboxes of the account (IMAP)"),
    Group("limits", "Limits"),
    Group("tls", "TLS"),
    Group("imapTls", "TLS of the IMAP server"),
    Group("output", "Output mapping", is_open=True),
    Group("error", "Error handling"),
    Group("retries", "Retries"),
)

INSIDE: Mapping[str, Mapping[str, str]] = {
    "imap": {"server": "imap", "auth": "imap", "limits": "imap", "tls": "imapTls"}
}
"""Where fields go that stand inside a group with a second server: by that group, and their own."""
