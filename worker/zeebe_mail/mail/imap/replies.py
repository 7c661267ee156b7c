"""What replies say beside their OK: the numbers of SEARCH and SORT, the UIDs of copies, what a copy is known by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from zeebe_mail.mail.imap import sequence_set
from zeebe_mail.mail.imap.connection import ImapViolation, Reply
from zeebe_mail.mail.imap.fetched import Fetched
from zeebe_mail.mail.imap.syntax import Node, parse
from zeebe_mail.message.references import bare_message_id

_COPY_UID = re.compile(rb"\* OK \[COPYUID \d{1,10} ([\d:,]+) ([\d:,]+)\]", re.IGNORECASE)


def esearch(reply: Reply) -> Mapping[bytes, Any]:
    """What an ESEARCH response says (RFC 4731), names in upper case."""
    for response in reply.untagged:
        if response.text[:10].upper() == b"* ESEARCH ":
            words = parse(response)[1:]
            if words and isinstance(words[0], list):
                words = words[1:]
            if words and words[0] == b"UID":
                words = words[1:]
            return {
                name.upper(): value
                for name, value in zip(words[::2], words[1::2], strict=False)
                if isinstance(name, bytes)
            }
    return {}


def _sort(reply: Reply) -> tuple[bytes, bytes | None]:
    """The numbers that SORT was answered with, and the comma between them where they are a set."""
    extended = esearch(reply).get(b"ALL")
    if isinstance(extended, bytes):
        return extended, b","
    return b" ".join(one.text[7:].strip() for one in reply.untagged if one.text[:7].upper() == b"* SORT "), None


def first_sorted(reply: Reply, limit: int) -> list[int]:
    """The first so many of a SORT; a mailbox's other numbers are not even looked at."""
    numbers, comma = _sort(reply)
    return _some(numbers.split(comma, limit)[:limit], limit)


def last_sorted(reply: Reply, limit: int) -> list[int]:
    """The last so many of a SORT, the last first."""
    numbers, comma = _sort(reply)
    return _some(
        [b":".join(reversed(one.split(b":"))) for one in reversed(numbers.rsplit(comma, limit)[-limit:])], limit
    )


def _some(parts: list[bytes], limit: int) -> list[int]:
    try:
        uids: list[int] = []
        for part in filter(None, parts):
            uids += sequence_set.expanded(part, limit - len(uids), cut=True)
            if len(uids) >= limit:
                break
        return uids
    except ValueError as error:
        raise ImapViolation(f"numbers of messages that are none ({error})") from None


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


def message_id_in(header: bytes) -> str | None:
    """The bare Message-ID of a header that has nothing else."""
    value = header.decode("utf-8", "replace").partition(":")[2]
    try:
        return bare_message_id("".join(value.split()))
    except ValueError:
        return None


class Identity(NamedTuple):
    """What a message and its copy have in common. Senders choose the Message-ID, so that alone says nothing."""

    message_id: str
    size: int | None
    received: Node


def identity(fetched: Fetched) -> Identity | None:
    """A message's identity; None where there is too little to go by."""
    message_id = message_id_in(fetched.body or b"")
    if message_id is None:
        return None
    return Identity(message_id, fetched.number(b"RFC822.SIZE"), fetched.items.get(b"INTERNALDATE"))
