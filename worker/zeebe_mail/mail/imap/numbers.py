"""Numbers of messages, as SEARCH and SORT are answered with them: words of a line, or a set (RFC 4731, RFC 5267)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zeebe_mail.mail.imap import sequence_set
from zeebe_mail.mail.imap.connection import ImapViolation, Reply
from zeebe_mail.mail.imap.syntax import Node, parse


def esearch(reply: Reply) -> Mapping[bytes, Node]:
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


def numbers(reply: Reply, command: bytes, at_most: int) -> list[int]:
    """All that SEARCH or SORT was answered with, in their order.

    Raises:
        ImapViolation: there are more than this, or one is none.
    """
    beginning = b"* " + command
    found: list[int] = []
    try:
        for response in reply.untagged:
            if response.text[: len(beginning)].upper() == beginning:
                words = response.text[len(beginning) :].partition(b"(")[0].split()  # (MODSEQ …) may follow
                found += map(int, words)
        if not found and isinstance(extended := esearch(reply).get(b"ALL"), bytes):
            found = sequence_set.expanded(extended, at_most)
    except ValueError as error:
        raise ImapViolation(f"numbers of messages that are none ({error})") from None
    if len(found) > at_most or not all(0 < number <= sequence_set.LARGEST for number in found):
        raise ImapViolation("numbers of more messages than there are")
    return found


def first_sorted(reply: Reply, limit: int) -> list[int]:
    """The first so many of a SORT; a mailbox's other numbers are not even looked at."""
    sorted_, comma = _sort(reply)
    return _some(sorted_.split(comma, limit)[:limit], limit)


def last_sorted(reply: Reply, limit: int) -> list[int]:
    """The last so many of a SORT, the last first."""
    sorted_, comma = _sort(reply)
    last = reversed(sorted_.rsplit(comma, limit)[-limit:])
    return _some((b":".join(reversed(one.split(b":"))) for one in last), limit)


def _sort(reply: Reply) -> tuple[bytes, bytes | None]:
    """The numbers that SORT was answered with, and the comma between them where they are a set."""
    extended = esearch(reply).get(b"ALL")
    if isinstance(extended, bytes):
        return extended, b","
    return b" ".join(one.text[7:].strip() for one in reply.untagged if one.text[:7].upper() == b"* SORT "), None


def _some(parts: Iterable[bytes], limit: int) -> list[int]:
    try:
        uids: list[int] = []
        for part in filter(None, parts):
            uids += sequence_set.expanded(part, limit - len(uids), cut=True)
            if len(uids) >= limit:
                break
        return uids
    except ValueError as error:
        raise ImapViolation(f"numbers of messages that are none ({error})") from None
