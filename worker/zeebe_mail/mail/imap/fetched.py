"""What FETCH is answered with (RFC 9051, 7.5.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

from zeebe_mail.mail.imap.connection import ImapViolation, Response
from zeebe_mail.mail.imap.syntax import Node, parse
from zeebe_mail.message.header_fields import SUMMARY_FIELDS

_HEADER_LIMIT = 2**16
SUMMARY_ITEMS = (
    f"UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[HEADER.FIELDS ({' '.join(SUMMARY_FIELDS)})]<0.{_HEADER_LIMIT}>"
).encode()
"""A header without end is cut by the server: senders write headers, and must not be able to spoil a list."""
BYTES_OF_A_SUMMARY = _HEADER_LIMIT + 2**14
"""What a summary may have at most, on average over those that are asked for together."""
MESSAGE_ID = b"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.4096>"

_MAX_WORDS = 2**16
"""Words of a response: the structures of some thousand parts. What takes longer to read holds up others."""
_FETCH = re.compile(rb"\* (\d{1,10}) FETCH \(", re.IGNORECASE)
_DATE = re.compile(
    rb"[ 0-3]?(\d)-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), start=1
    )
}


@dataclass(frozen=True, slots=True)
class Summary:
    """One message without its body. Header values are raw bytes as the sender wrote them (unfolded by nobody)."""

    uid: int
    sequence: int
    size: int
    received: datetime
    flags: frozenset[str]
    header: bytes
    """The header fields that ``SUMMARY_FIELDS`` names, as one block of CRLF lines."""
    attachments: int | None
    """From BODYSTRUCTURE; None where that was not asked for, or tells nothing."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One FETCH response: the message's sequence number and its items, names in upper case."""

    sequence: int
    items: dict[bytes, Node]

    @classmethod
    def of(cls, response: Response) -> Fetched | None:
        """Take a response apart; None when it is another response.

        Raises:
            ImapViolation: it begins like a FETCH and is none.
        """
        found = _FETCH.match(response.text)
        if found is None:
            return None
        words = parse(response, most=_MAX_WORDS)
        listed = words[2] if len(words) == 3 else None
        if not isinstance(listed, list) or len(listed) % 2:
            raise ImapViolation("a FETCH response that is none")
        names, values = listed[::2], listed[1::2]
        if not all(isinstance(name, bytes) for name in names):
            raise ImapViolation("a FETCH response without the names of its items")
        return cls(
            int(found[1]), {cast("bytes", name).upper(): value for name, value in zip(names, values, strict=True)}
        )

    @property
    def uid(self) -> int | None:
        """The UID, where the response has it."""
        return self.number(b"UID")

    def number(self, name: bytes) -> int | None:
        """A number, where the response has it."""
        value = self.items.get(name)
        if value is None:
            return None
        if not isinstance(value, bytes) or not value.isdigit() or len(value) > 19:
            raise ImapViolation(f"{name.decode()} that is no number")
        return int(value)

    @property
    def flags(self) -> frozenset[str] | None:
        """The flags, where the response has them; without \\Recent, which says something of sessions."""
        value = self.items.get(b"FLAGS")
        if not isinstance(value, list):
            return None
        flags = (flag.decode("utf-8", "replace") for flag in value if isinstance(flag, bytes))
        return frozenset(flag for flag in flags if flag.lower() != r"\recent")

    @property
    def mod_seq(self) -> int:
        """The mod-sequence (RFC 7162, 3.1.4).

        Raises:
            ImapViolation: the response has none.
        """
        match self.items.get(b"MODSEQ"):
            case [bytes(number)] if number.isdigit() and len(number) <= 19:
                return int(number)
        raise ImapViolation("a FETCH response without the MODSEQ that was asked for")

    @property
    def body(self) -> bytes | None:
        """The one BODY[…] of the response; empty where the server says NIL, None where it has none."""
        for name, value in self.items.items():
            if name.startswith(b"BODY[") and not isinstance(value, list):
                return value or b""
        return None


class FetchedByUid(dict[int, Fetched]):
    """Takes FETCH responses; what several say of one message counts together."""

    def __call__(self, response: Response) -> None:
        """Look at a response; those that are about something else are passed over.

        Raises:
            ImapViolation: it begins like a FETCH and is none.
        """
        fetched = Fetched.of(response)
        if fetched is None or (uid := fetched.uid) is None:
            return
        if uid in self:
            self[uid].items.update(fetched.items)
        else:
            self[uid] = fetched


def summary(fetched: Fetched) -> Summary | None:
    """A message's summary; None when the response is about something else, as unasked ones are."""
    uid, size, date = fetched.uid, fetched.number(b"RFC822.SIZE"), fetched.items.get(b"INTERNALDATE")
    header, flags = fetched.body, fetched.flags
    if uid is None or size is None or header is None or flags is None or not isinstance(date, bytes):
        return None
    structure = fetched.items.get(b"BODYSTRUCTURE")
    return Summary(
        uid=uid,
        sequence=fetched.sequence,
        size=size,
        received=internal_date(date),
        flags=flags,
        header=header,
        attachments=attachments(structure) if isinstance(structure, list) else None,
    )


def internal_date(text: bytes) -> datetime:
    """An INTERNALDATE with its zone (RFC 9051, 9: date-time).

    Raises:
        ImapViolation: it is none.
    """
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
        east = timedelta(hours=int(hours), minutes=int(minutes))
        moment = datetime(
            int(year),
            _MONTHS[month.lower()],
            int(text[:2]) if text[1:2] != b"-" else int(day),
            int(hour),
            int(minute),
            min(int(second), 59),  # a leap second
            tzinfo=timezone(-east if sign == b"-" else east),
        )
    except ValueError:
        raise ImapViolation("an INTERNALDATE that is no date") from None
    try:
        moment.astimezone(UTC)
    except OverflowError:  # the first or last day of all: in UTC it has no year
        return moment.replace(tzinfo=UTC)
    return moment


def attachments(structure: list[Node]) -> int | None:
    """How many attachments a BODYSTRUCTURE (RFC 9051, 7.5.2) tells of, by the rule of ``message.body``.

    The HTML is not looked into: what has a Content-ID in a multipart/related (RFC 2387) counts as shown in it. None
    when it is no such structure, or nests too deeply.
    """
    count, is_first = 0, True
    rest = [(structure, False)]
    while rest:
        body, is_related = rest.pop()
        if body and isinstance(body[0], list):
            parts = [part for part in body if isinstance(part, list) and part and _is_body(part)]
            if not parts:
                return None
            is_related = is_related or _word(next((one for one in body if isinstance(one, bytes)), None)) == b"related"
            rest += [(part, is_related) for part in reversed(parts)]
        else:
            count += _is_attachment(body, is_related=is_related, is_first=is_first)
            is_first = False
    return count


def octets(structure: list[Node], section: str) -> int | None:
    """The size of a part, encoded as it is, by its number (RFC 9051, 6.4.5); None where the structure tells none."""
    body = structure
    for number in map(int, section.split(".")):
        if body and _word(body[0]) == b"message" and len(body) > 8 and isinstance(body[8], list):
            body = body[8]  # the structure of the message in it
        parts = [part for part in body if isinstance(part, list)] if body and isinstance(body[0], list) else [body]
        if number > len(parts):
            return None
        body = parts[number - 1]
    size = body[6] if len(body) > 6 and isinstance(body[0], bytes) else None
    return int(size) if isinstance(size, bytes) and size.isdigit() and len(size) <= 19 else None


def _is_body(node: list[Node]) -> bool:
    """Whether it is a part: a multipart begins with a part, a leaf with type, subtype and seven fields more."""
    return isinstance(node[0], list) or (len(node) >= 7 and isinstance(node[0], bytes) and isinstance(node[1], bytes))


def _is_attachment(leaf: list[Node], *, is_related: bool, is_first: bool) -> bool:
    if len(leaf) < 7:
        return False
    kind, subtype, parameters, content_id, _, _, size, *more = leaf
    disposition, of_disposition = _disposition(more)
    is_named = _has_name(parameters, b"name") or _has_name(of_disposition, b"filename")
    if disposition == b"attachment":
        return True
    if (is_related and content_id) or (size == b"0" and not is_named):
        return False
    if is_first and _word(kind) == b"text" and _word(subtype) in (b"plain", b"html"):
        return False
    return is_named or _word(kind) not in (b"text", b"message", b"multipart")


def _disposition(fields: list[Node]) -> tuple[bytes, Node]:
    """A disposition is the one list of two whose second is NIL or a list."""
    for field in fields:
        if isinstance(field, list) and len(field) == 2 and isinstance(field[0], bytes) and _is_parameters(field[1]):
            return field[0].lower(), field[1]
    return b"", None


def _word(node: Node) -> bytes:
    return node.lower() if isinstance(node, bytes) else b""


def _is_parameters(node: Node) -> bool:
    return node is None or isinstance(node, list)


def _has_name(parameters: Node, name: bytes) -> bool:
    if not isinstance(parameters, list):
        return False
    return any(isinstance(key, bytes) and key.lower().rstrip(b"*0") == name for key in parameters[::2])
