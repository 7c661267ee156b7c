"""LIST and UIDL (RFC 1939, 5 and 7): which messages there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from zeebe_mail.mail.pop3.protocol import Pop3Violation

MOST_MESSAGES = 500_000
"""How many are taken: each costs half a kilobyte of memory."""
_SIZE_LINE = re.compile(r"^([1-9]\d{0,8})[ \t]+(\d{1,15})(?:[ \t][^\r\n]*)?\r\n", re.ASCII | re.MULTILINE)
# RFC 1939 allows 70 characters of a UIDL; some servers have more.
_UIDL_LINE = re.compile(r"^([1-9]\d{0,8})[ \t]+([!-~]{1,255})[ \t]*\r\n", re.ASCII | re.MULTILINE)


class Listed(NamedTuple):
    """A message as LIST and UIDL show it. ``number`` means something in this session only."""

    number: int
    size: int
    """Bytes as the server counts them; it may be wrong."""
    uidl: str | None
    """None where the server has no UIDL, or gives the same to several messages."""
    header_size: int | None = None
    """Bytes of the header with its empty line, once it was read."""

    @property
    def body_size(self) -> int | None:
        """Bytes without the header, once that was read."""
        return None if self.header_size is None else self.size - self.header_size


def entries(sizes: bytes, names: bytes) -> tuple[Listed, ...]:
    """The messages of LIST with the names of UIDL.

    Raises:
        Pop3Violation: LIST is not one, or UIDL is not.
    """
    numbers, octets = _columns(sizes, _SIZE_LINE)
    named, uidls = _columns(names, _UIDL_LINE)
    if len(set(numbers)) != len(numbers) or len(set(named)) != len(named):
        raise Pop3Violation("LIST or UIDL has a message twice")
    name_of: dict[str, str] = dict(zip(named, uidls, strict=True))
    if len(set(uidls)) != len(uidls):
        times = Counter(uidls)
        name_of = {number: uidl for number, uidl in name_of.items() if times[uidl] == 1}
    listed = map(Listed, map(int, numbers), map(int, octets), map(name_of.get, numbers))
    return tuple(sorted(listed))


def _columns(listing: bytes, line: re.Pattern[str]) -> tuple[Sequence[str], Sequence[str]]:
    lines = listing.count(b"\r\n")
    if lines > MOST_MESSAGES:
        raise Pop3Violation(f"a list of {lines} messages; {MOST_MESSAGES} are taken at most")
    found = line.findall(listing.decode("latin-1"))
    if len(found) != lines:
        raise Pop3Violation("a list that is none")
    return [first for first, _ in found], [second for _, second in found]
