"""Message-IDs, and the headers that tie a message to others (RFC 5322, 3.6.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zeebe_mail.message.headers import HeaderError, structured

KEPT = 20
"""Message-IDs that References keeps besides the first: more would help nobody, and some servers limit a header."""

_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_DOT_ATOM = rf"{_ATOM}(?:\.{_ATOM})*"
_OWN = re.compile(rf"<{_DOT_ATOM}@(?:{_DOT_ATOM}|\[[!-Z^-~]*\])>")
_OTHERS = re.compile(r"<[!-;=?-~]+>")
_LIMIT = 250  # characters; longer ones are cut or folded by some servers
_BEARABLE = 900  # characters of others' Message-IDs: a line of a header has at most 998


def message_id(value: str) -> str:
    """A Message-ID for a mail of our own, with its angle brackets; they may be left out.

    Raises:
        HeaderError: RFC 5322 does not allow it so, or it is too long to get through everywhere.
    """
    whole = f"<{value.strip().removeprefix('<').removesuffix('>')}>"
    if len(whole) > _LIMIT or not _OWN.fullmatch(whole):
        raise HeaderError(f"must be a Message-ID such as <a1b2@example.org>, at most {_LIMIT} characters")
    return whole


def in_reply_to(parents: Iterable[str]) -> bytes:
    """The header In-Reply-To, or nothing."""
    return _ids("In-Reply-To", parents)


def references(earlier: Iterable[str], parents: Iterable[str]) -> bytes:
    """The header References, or nothing: the thread from its beginning, and in a long one its end."""
    thread = list(dict.fromkeys((*earlier, *parents)))
    return _ids("References", thread if len(thread) <= KEPT + 1 else [thread[0], *thread[-KEPT:]])


def _ids(name: str, values: Iterable[str]) -> bytes:
    """What others called their mails. What cannot be written is left out: for that no answer must fail."""
    words = [one for one in values if _OTHERS.fullmatch(one) and len(one) <= _BEARABLE]
    return structured(name, " ".join(words)) if words else b""
