"""From whom and what about: a header as Java's mail library sees it."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from zeebe_mail.message import charsets, encoded_words
from zeebe_mail.message.envelope import addresses_of
from zeebe_mail.message.header_fields import Header, read_header
from zeebe_mail.operations.message_result import MessageSummary

ShownMessage = TypeVar("ShownMessage", bound=MessageSummary)

_LINE = re.compile(r"\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_BLANKS = re.compile(r"[ \t\r\n]+")
_CHARSET = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?[bBqQ]\?")


def as_seen(one: ShownMessage, block: bytes, *, unfolded: bool) -> ShownMessage:
    """A message of a list; ``block`` has its header fields. For ``unfolded`` see :func:`envelope`."""
    seen = envelope(read_header(block, 0, len(block)), one.from_address, one.subject, unfolded=unfolded)
    return one.model_copy(update={"from_address": seen["fromAddress"], "subject": seen["subject"]})


def envelope(header: Header, author: str | None, subject: str | None, *, unfolded: bool) -> dict[str, Any]:
    """``fromAddress`` and ``subject``, which are given as we read them.

    Without an author it is the sender that counts, and a subject in a charset that nobody knows stays as it is. An IMAP
    server hands it out ``unfolded``, one blank for many; over POP3 the blanks at a line break stay.
    """
    written = header.first("subject")
    senders = () if author else addresses_of(header.all("sender"))
    return {
        "fromAddress": author or next((one.address for one in senders if one.address), None),
        "subject": _subject(written, unfolded=unfolded) if written is not None and written.isascii() else subject,
    }


def as_written(raw: bytes) -> str:
    """A header's value with its encoded words and line breaks."""
    return _LINE.sub("\r\n", charsets.decode(raw, None).text.lstrip(" \t\r\n"))


def _subject(raw: bytes, *, unfolded: bool) -> str:
    written = raw.decode("ascii")
    text = (_BLANKS.sub(" ", written) if unfolded else _FOLD.sub("", written)).strip(" \t\r\n")
    known = all(charsets.codec(label) for label in _CHARSET.findall(text))
    return encoded_words.decode(text) if known else text
