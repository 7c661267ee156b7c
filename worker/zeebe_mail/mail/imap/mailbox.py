"""Mailboxes as a server describes them (RFC 9051, 7.2 to 7.4): LIST, STATUS, SELECT."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from zeebe_mail.mail.imap.connection import ImapViolation, Reply, Response, Status
from zeebe_mail.mail.imap.mailbox_names import SPECIAL_USES
from zeebe_mail.mail.imap.syntax import Node, decoded_name, parse

_FLAGS = re.compile(rb"\* FLAGS \(", re.IGNORECASE)
_OK = re.compile(rb"\* OK \[", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as LIST shows it. ``path`` is decoded text; ``attributes`` are lower case, with backslash."""

    path: str
    delimiter: str | None
    attributes: frozenset[str]
    subscribed: bool
    status: MailboxStatus | None = None

    @property
    def special_use(self) -> str | None:
        """``sent``, ``trash``, ``drafts``, ``archive``, ``junk``, ``flagged`` or ``all`` (RFC 6154)."""
        return next((use for attribute, use in SPECIAL_USES.items() if attribute in self.attributes), None)

    @property
    def selectable(self) -> bool:
        """Whether it can hold messages."""
        return not self.attributes & {r"\noselect", r"\nonexistent"}


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """STATUS of a mailbox; what the server does not offer is None. Sizes in bytes."""

    messages: int
    unseen: int
    recent: int | None
    uid_next: int
    uid_validity: int
    highest_mod_seq: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """The selected mailbox."""

    path: str
    uid_validity: int
    uid_next: int
    """0 where the server does not say it."""
    exists: int
    read_only: bool
    flags: frozenset[str]
    permanent_flags: frozenset[str]
    """``\\*`` among them: keywords of one's own may be made."""

    def keeps(self, flag: str) -> bool:
        """Whether a flag lasts when it is set."""
        known = {one.lower() for one in self.permanent_flags}
        return flag.lower() in known or (not flag.startswith("\\") and r"\*" in known)


def status_items(can: Callable[[str], bool]) -> bytes:
    """What STATUS is asked for; items that a server does not know are an error to it."""
    items = ["MESSAGES", "UNSEEN", "UIDNEXT", "UIDVALIDITY"]
    items += ["RECENT"] if can("IMAP4REV1") else []
    items += ["HIGHESTMODSEQ"] if can("CONDSTORE") else []
    items += ["SIZE"] if can("STATUS=SIZE") else []
    return f"({' '.join(items)})".encode()


def listed(untagged: Iterable[Response], command: bytes = b"LIST") -> list[tuple[frozenset[str], str | None, str]]:
    """The attributes, delimiter and path of each LIST or LSUB response.

    Raises:
        ImapViolation: one of them is none.
    """
    found = []
    for response in _of_kind(command, untagged):
        match parse(response):
            case [_, list(attributes), (bytes() | None) as delimiter, bytes(name), *_]:
                lower = frozenset(
                    one.decode("ascii", "replace").lower() for one in attributes if isinstance(one, bytes)
                )
                mark = delimiter.decode("ascii", "replace") if delimiter else None
                path = decoded_name(name)
                found.append((lower, mark, "INBOX" if path.upper() == "INBOX" else path))
            case _:
                raise ImapViolation("a LIST response that is none")
    return found


def statuses(untagged: Iterable[Response]) -> dict[str, MailboxStatus]:
    """The STATUS responses, by path.

    Raises:
        ImapViolation: one of them is none.
    """
    found = {}
    for response in _of_kind(b"STATUS", untagged):
        match parse(response):
            case [_, bytes(name), list(items), *_]:
                path = decoded_name(name)
                found["INBOX" if path.upper() == "INBOX" else path] = _status(items)
            case _:
                raise ImapViolation("a STATUS response that is none")
    return found


def _status(items: list[Node]) -> MailboxStatus:
    values = {
        key.upper(): int(value)
        for key, value in zip(items[::2], items[1::2], strict=False)
        if isinstance(key, bytes) and isinstance(value, bytes) and value.isdigit() and len(value) < 20
    }
    try:
        return MailboxStatus(
            messages=values[b"MESSAGES"],
            unseen=values[b"UNSEEN"],
            recent=values.get(b"RECENT"),
            uid_next=values[b"UIDNEXT"],
            uid_validity=values[b"UIDVALIDITY"],
            highest_mod_seq=values.get(b"HIGHESTMODSEQ"),
            size=values.get(b"SIZE"),
        )
    except KeyError as missing:
        raise ImapViolation(f"a STATUS response without {missing.args[0].decode()}") from None


def selected(path: str, reply: Reply, exists: int | None, *, examined: bool) -> Selected:
    """What SELECT or EXAMINE was answered.

    Raises:
        ImapViolation: without the number of messages or UIDVALIDITY no UID can be trusted.
    """
    codes: dict[str, bytes] = {}
    flags: frozenset[str] = frozenset()
    for response in reply.untagged:
        if _OK.match(response.text):
            status = Status.of(response.text[2:])
            codes[status.code] = status.argument
        elif _FLAGS.match(response.text):
            match parse(response):
                case [_, list(words)]:
                    flags = _texts(words)
    uid_validity = codes.get("UIDVALIDITY", b"")
    if exists is None or not uid_validity.isdigit() or not 0 < int(uid_validity[:20]) < 2**32:
        raise ImapViolation("a mailbox without its number of messages or UIDVALIDITY")
    uid_next = codes.get("UIDNEXT", b"0")
    permanent = codes.get("PERMANENTFLAGS")
    return Selected(
        path=path,
        uid_validity=int(uid_validity),
        uid_next=int(uid_next[:20]) if uid_next.isdigit() else 0,
        exists=exists,
        read_only=examined or reply.status.code == "READ-ONLY",
        flags=flags,
        # Without PERMANENTFLAGS all flags are permanent (RFC 9051, 6.3.2).
        permanent_flags=flags | {r"\*"} if permanent is None else _permanent(permanent),
    )


def _permanent(argument: bytes) -> frozenset[str]:
    return frozenset(argument.strip(b"() ").decode("utf-8", "replace").split())


def _texts(words: list[Node]) -> frozenset[str]:
    return frozenset(word.decode("utf-8", "replace") for word in words if isinstance(word, bytes))


def _of_kind(command: bytes, untagged: Iterable[Response]) -> Iterable[Response]:
    beginning = b"* " + command + b" "
    return (response for response in untagged if response.text[: len(beginning)].upper() == beginning)
