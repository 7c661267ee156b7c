"""Header texts that are encoded words already (RFC 2047)."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header

_ENCODED_WORD = re.compile(r"=\?[!->@-~]+\?[bqBQ]\?[!->@-~]*\?=")


def as_read(text: str) -> str:
    """What a reader sees of a header text.

    Java's mail library passes ASCII on as it is, so an author could encode a text himself; ours encodes what it is
    given. Decoding first gives the reader the same.
    """
    if not text.isascii() or not _ENCODED_WORD.search(text):
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return text
