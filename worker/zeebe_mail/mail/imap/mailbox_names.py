"""Names of mailboxes: what a process writes, and what the server calls it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from zeebe_mail import errors
from zeebe_mail.mail.imap.connection import Piece
from zeebe_mail.mail.imap.syntax import astring, encoded_name

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST = 1000
_BETWEEN_LEVELS = " \t/."

SPECIAL_USES = {
    r"\sent": "sent",
    r"\trash": "trash",
    r"\drafts": "drafts",
    r"\archive": "archive",
    r"\junk": "junk",
    r"\flagged": "flagged",
    r"\all": "all",
}
"""Attributes that say what a mailbox is for (RFC 6154), lower case."""


def checked(name: str) -> str:
    """A name that may be sent.

    Raises:
        InputError: it names no level, is too long or has control characters.
    """
    if not name.strip(_BETWEEN_LEVELS):
        raise errors.InputError("The name of a mailbox must name a mailbox.")
    if len(name) > _LONGEST:
        raise errors.InputError(f"The name of a mailbox must not be longer than {_LONGEST} characters.")
    if _CONTROL.search(name):
        raise errors.InputError("The name of a mailbox must not contain control characters such as line breaks.")
    return name


def argument(path: str) -> Piece:
    """A mailbox's path as commands have it (RFC 9051, 5.1; RFC 3501, 5.1.3).

    Raises:
        InputError: no mailbox can have such a name.
    """
    return astring(encoded_name(checked(path)))


def is_inbox(name: str) -> bool:
    """INBOX is the one name whose case does not matter (RFC 9051, 5.1)."""
    return name.upper() == "INBOX"


def levels(name: str, delimiter: str | None) -> list[str]:
    """The levels of a name whose writer does not know the server's delimiter: split at ``/``, else at ``.``."""
    for mark in dict.fromkeys((delimiter or "/", "/", ".")):
        if mark in name:
            return [level for level in name.split(mark) if level]
    return [name]


def in_the_servers_way(name: str, delimiter: str | None, prefix: str) -> str:
    """A name with the server's delimiter between its levels, below the personal namespace."""
    parts = levels(name, delimiter)
    if is_inbox(parts[0]):
        parts[0] = "INBOX"
    path = (delimiter or "").join(parts) if delimiter else name
    inside = not prefix or path.startswith(prefix) or path == "INBOX"
    return path if inside else prefix + path


def candidates(name: str, delimiter: str | None, prefix: str) -> list[str]:
    """The paths that a name may stand for, the likeliest first."""
    if is_inbox(name):
        return ["INBOX"]
    ways = [name, in_the_servers_way(name, delimiter, prefix), prefix + name]
    if delimiter:
        ways += [
            in_the_servers_way(delimiter.join(name.split(mark)), delimiter, prefix) for mark in "/." if mark in name
        ]
    return list(dict.fromkeys(ways))


def nearest(name: str, paths: Iterable[str], count: int = 3) -> list[str]:
    """Paths that look like the name, the likeliest first."""
    by_lower: dict[str, str] = {path.lower(): path for path in paths}
    last = {path.rsplit(mark, 1)[-1].lower(): path for path in by_lower.values() for mark in "/."}
    looked = {**last, **by_lower}
    found = difflib.get_close_matches(name.lower(), list(looked), n=2 * count, cutoff=0.6)
    return list(dict.fromkeys(looked[key] for key in found))[:count]


def quoted_list(paths: Sequence[str]) -> str:
    """Paths for a sentence."""
    return ", ".join(f"“{path}”" for path in paths)
