"""The Message-ID: as a header has it, as a process names it, and as a server is asked for it.

What lists hand out is what messages are found by, so all of them read it here.
"""

from __future__ import annotations

import re

from zeebe_mail.message.encoded_words import one_line, raw_text
from zeebe_mail.message.header_fields import Header, read_header

_BRACKETED = re.compile(r"<([^<>]{1,990})>")
_BARE = re.compile(r"[^\s<>\x00-\x1f\x7f-\x9f\ud800-\udfff]+(?: [^\s<>\x00-\x1f\x7f-\x9f\ud800-\udfff]+)*")


def read_message_id(value: bytes) -> str | None:
    """The Message-ID in the value of its field: the first in angle brackets, with these; without any, all there is.

    A comment, or whatever else stands around it, is not of it. A fold in it is one blank.
    """
    text = " ".join(one_line(raw_text(value)).split())
    found = _BRACKETED.search(text)
    return (f"<{found[1].strip()}>" if found else text) or None


def message_id_of(header: Header) -> str | None:
    """The Message-ID of a message: that of the topmost field, where there are several."""
    value = header.first("message-id")
    return read_message_id(value) if value is not None else None


def message_id_in(block: bytes) -> str | None:
    """The Message-ID in a header, or in a block of its fields."""
    return message_id_of(read_header(block, 0, len(block)))


def bare_message_id(text: str) -> str:
    """A Message-ID without its angle brackets and the space around it; identity is equality of this.

    Raises:
        ValueError: it is empty, or holds brackets or control characters; or blanks, without brackets around them.
    """
    stripped = text.strip()
    bare = stripped.removeprefix("<").removesuffix(">").strip()
    if not _BARE.fullmatch(bare) or (" " in bare and not (stripped.startswith("<") and stripped.endswith(">"))):
        raise ValueError("is not a Message-ID such as <a1b2@example.org>")
    return bare


def bare_or_none(text: object) -> str | None:
    """The same, and None for what no message can be looked for by: senders write anything into the field."""
    try:
        return bare_message_id(text) if isinstance(text, str) else None
    except ValueError:
        return None


def landmark(bare: str) -> str:
    """The part of a Message-ID that a search for text finds: how a server takes the folds in a field is its own."""
    return max(bare.split(" "), key=len)
