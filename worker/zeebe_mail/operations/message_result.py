"""What a process gets for a message, over IMAP and POP3 alike: Camunda's keys, and more."""

from __future__ import annotations

import email
from datetime import datetime
from typing import Annotated

from pydantic import Field

from zeebe_mail.operations.base import OperationOutput


class NamedAddress(OperationOutput):
    """An address of a header; ``name`` is the decoded display name."""

    name: str | None
    address: str


class MessagePlace(OperationOutput):
    """What a message can be found by again (IMAP); a member is null where it is not known, or is not of one message."""

    message_id: str | None
    """As the header has it, with its angle brackets."""
    uid: int | None
    uid_validity: int | None
    mailbox: str | None


class MessageSummary(OperationOutput):
    """A message without its body. Dates are UTC, and null where the message has none that can be read."""

    message_id: str | None
    """As the header has it, with its angle brackets."""
    from_address: str | None
    """The first author's address."""
    subject: str | None
    """Decoded."""
    size: int | None
    """Bytes."""
    from_: Annotated[list[NamedAddress], Field(alias="from")]
    to: list[NamedAddress]
    cc: list[NamedAddress]
    sent_date: datetime | None
    """The Date header."""
    received_date_time: datetime | None
    """When the server took it; POP3 does not tell."""
    flags: list[str]
    attachments_count: int | None
    """Null where the server was not asked or does not tell."""


class ImapMessageSummary(MessageSummary, MessagePlace):
    """A message in an IMAP mailbox without its body."""


def message_id_in(header: bytes) -> str | None:
    """The Message-ID of a block of header fields, with its angle brackets."""
    return email.message_from_bytes(header)["Message-ID"]
