"""Flags of messages (RFC 9051, 2.3.2)."""

from __future__ import annotations

import enum
import re

from zeebe_mail import errors

_SYSTEM_FLAGS = {flag.lower(): flag for flag in (r"\Seen", r"\Answered", r"\Flagged", r"\Deleted", r"\Draft")}
_KEYWORD = re.compile(r"[!#$&'+,./0-9:;<=>?@A-Z^_`a-z|}~\[-]{1,100}")  # an atom (RFC 9051, 9: flag-keyword)


class FlagChange(enum.Enum):
    """What becomes of the flags a message has."""

    ADD = "+FLAGS"
    REMOVE = "-FLAGS"
    REPLACE = "FLAGS"


def checked_flag(flag: str) -> str:
    r"""A flag that may be set: ``\Seen``, ``\Answered``, ``\Flagged``, ``\Deleted``, ``\Draft`` or a keyword.

    Raises:
        InputError: it is none.
    """
    if flag.startswith("\\"):
        known = _SYSTEM_FLAGS.get(flag.lower())
        if known is None:
            raise errors.InputError(f"A flag with a backslash must be one of {', '.join(_SYSTEM_FLAGS.values())}.")
        return known
    if not _KEYWORD.fullmatch(flag):
        raise errors.InputError("A keyword must have letters, digits and signs such as $ - _ only, at most 100.")
    return flag
