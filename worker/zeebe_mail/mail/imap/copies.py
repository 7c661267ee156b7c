"""What is known of copies: the UIDs that the server says (RFC 4315), and what a message and its copy have in common."""

from __future__ import annotations

import re
from typing import NamedTuple

from zeebe_mail.mail.imap import sequence_set
from zeebe_mail.mail.imap.connection import ImapViolation, Reply
from zeebe_mail.mail.imap.fetched import MESSAGE_ID, Fetched
from zeebe_mail.mail.imap.syntax import Node
from zeebe_mail.message.message_id import bare_or_none, message_id_in

_COPY_UID = re.compile(rb"\* OK \[COPYUID \d{1,10} ([\d:,]+) ([\d:,]+)\]", re.IGNORECASE)


def copied(reply: Reply, at_most: int) -> dict[int, int]:
    """Old and new UIDs (RFC 4315, 3); MOVE says them before its OK.

    Raises:
        ImapViolation: there are more than this, or they do not belong together.
    """
    said = [b"* OK [COPYUID %s]" % reply.status.argument] if reply.status.code == "COPYUID" else []
    said += [response.text for response in reply.untagged]
    pairs: dict[int, int] = {}
    for text in said:
        if (found := _COPY_UID.match(text)) is not None:
            try:
                old, new = (sequence_set.expanded(numbers, at_most) for numbers in found.groups())
                pairs |= dict(zip(old, new, strict=True))
            except ValueError:
                raise ImapViolation("a COPYUID that is none") from None
    return pairs


class Identity(NamedTuple):
    """What a message and its copy have in common, as far as it is told quickly. Senders can make two that are alike."""

    message_id: str
    size: int | None
    received: Node


IDENTITY_ITEMS = b"UID FLAGS RFC822.SIZE INTERNALDATE " + MESSAGE_ID
"""What has to be fetched for it."""


def identity(fetched: Fetched) -> Identity | None:
    """A message's identity; None where there is too little to go by."""
    message_id = bare_or_none(message_id_in(fetched.body or b""))
    if message_id is None:
        return None
    return Identity(message_id, fetched.number(b"RFC822.SIZE"), fetched.items.get(b"INTERNALDATE"))
