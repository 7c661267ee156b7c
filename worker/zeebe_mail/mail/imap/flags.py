"""Flags of messages (RFC 9051, 2.3.2)."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable

from zeebe_mail import errors

_SYSTEM_FLAGS = {flag.lower(): flag for flag in (r"\Seen", r"\Answered", r"\Flagged", r"\Deleted", r"\Draft")}
_KEYWORD = re.compile(r"[!#$&'+,./0-9:;<=>?@A-Z^_`a-z|}~\[-]{1,100}")  # an atom (RFC 9051, 9: flag-keyword)


class FlagChange(enum.Enum):
    """What becomes of the flags a message has."""

    ADD = "+FLAGS"
    REMOVE = "-FLAGS"
    REPLACE = "FLAGS"


def flag(name: str) -> str:
    r"""A flag that may be set: ``\Seen``, ``\Answered``, ``\Flagged``, ``\Deleted``, ``\Draft`` or a keyword.

    Raises:
        ValueError: it is none.
    """
    if name.startswith("\\"):
        known = _SYSTEM_FLAGS.get(name.lower())
        if known is None:
            raise ValueError(f"must be one of {', '.join(_SYSTEM_FLAGS.values())} where it has a backslash")
        return known
    if not _KEYWORD.fullmatch(name):
        raise ValueError(r"must be one word of ASCII letters, digits and signs, for example \Seen or $Invoice")
    return name


def flag_by_word(word: str) -> str:
    """A flag as people write it: the backslash of a system flag may be left out.

    Raises:
        ValueError: it is none.
    """
    name = word.strip()
    return flag(_SYSTEM_FLAGS.get(f"\\{name.lower()}", name))


def checked_flags(names: Iterable[str]) -> list[str]:
    """Flags that may be set.

    Raises:
        InputError: one is none.
    """
    try:
        return [flag(name) for name in names]
    except ValueError as error:
        raise errors.InputError(f"A flag {error}.") from None
