"""A logged-in IMAP connection (RFC 9051, RFC 3501) with a selected mailbox, async outside and a thread inside."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from zeebe_mail.message.criteria import Criterion


class SortBy(enum.StrEnum):
    """What messages are sorted by (RFC 5256)."""

    RECEIVED = "RECEIVED_DATE"
    SENT = "SENT_DATE"
    SIZE = "SIZE"


class FlagChange(enum.Enum):
    """What becomes of the flags a message has."""

    ADD = "+FLAGS"
    REMOVE = "-FLAGS"
    REPLACE = "FLAGS"


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
        raise NotImplementedError

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
    exists: int
    read_only: bool
    flags: frozenset[str]
    permanent_flags: frozenset[str]
    """``\\*`` among them: keywords of one's own may be made."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One message without its body. Header values are raw bytes as the sender wrote them (unfolded by nobody)."""

    uid: int
    sequence: int
    size: int
    received: datetime
    flags: frozenset[str]
    header: bytes
    """The header fields that :data:`SUMMARY_FIELDS` names, as one block of CRLF lines."""
    attachments: int | None
    """How many parts have a file name or are attachments by their disposition (from BODYSTRUCTURE)."""


SUMMARY_FIELDS = (
    "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Message-ID", "In-Reply-To", "References",
    "Importance", "X-Priority", "Auto-Submitted", "Content-Type",
)  # fmt: skip


class ImapSession:
    """One connection to one IMAP server as one user.

    Every method ends within the server's ``deadline_seconds`` or raises; a fault leaves the session unusable. UIDs go
    in and out as ints, in ranges and batches of our own; flags and mailbox names are checked before they are sent.
    All methods raise the errors of ``mail.imap_faults``.
    """

    # ── what the server can do ───────────────────────────────────────────────────────────────────────────────────

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server offers to the logged-in user, upper case."""
        raise NotImplementedError

    # ── mailboxes ────────────────────────────────────────────────────────────────────────────────────────────────

    async def resolve(self, name: str) -> str:
        """The path of the mailbox that a process names.

        ``INBOX`` in any case; ``\\Sent``, ``\\Trash`` … by special use; the exact path, if it exists; else the path
        with ``.`` or ``/`` between its levels in the server's own way, with the personal namespace's prefix.

        Raises:
            MailboxNotFound: none of these exists; the message names the nearest.
        """
        raise NotImplementedError

    def path_for(self, name: str) -> str:
        """Where a mailbox of this name is to be made: levels joined the server's way, prefix of the namespace."""
        raise NotImplementedError

    async def mailboxes(self, pattern: str = "*", *, with_status: bool = False) -> list[Mailbox]:
        """LIST, with special uses, subscriptions and, where asked, STATUS in as few round trips as the server allows."""
        raise NotImplementedError

    async def status(self, path: str) -> MailboxStatus:
        """STATUS, with the items the server offers."""
        raise NotImplementedError

    async def create_mailbox(self, path: str) -> bool:
        """CREATE and SUBSCRIBE; False when it existed."""
        raise NotImplementedError

    async def rename_mailbox(self, path: str, new_path: str) -> None:
        """RENAME; subscriptions of the mailbox and those below it follow."""
        raise NotImplementedError

    async def delete_mailbox(self, path: str) -> None:
        """DELETE and UNSUBSCRIBE."""
        raise NotImplementedError

    # ── the selected mailbox ─────────────────────────────────────────────────────────────────────────────────────

    async def select(self, path: str, *, writable: bool = False) -> Selected:
        """EXAMINE or SELECT, or NOOP when it is selected already: what follows sees the mailbox as it is now.

        Raises:
            MailboxReadOnly: it is to be written and the server says READ-ONLY.
        """
        raise NotImplementedError

    async def search(self, criterion: Criterion | None = None) -> list[int]:
        """UIDs that match, ascending. Substring semantics are the server's; times of day are not looked at."""
        raise NotImplementedError

    async def count(self, criterion: Criterion | None = None) -> int:
        """How many match (ESEARCH COUNT where offered)."""
        raise NotImplementedError

    async def sorted(
        self, by: SortBy, *, descending: bool, limit: int, criterion: Criterion | None = None
    ) -> list[int]:
        """The first ``limit`` UIDs in this order, ties by UID: UID SORT, or a frugal fall-back of our own."""
        raise NotImplementedError

    async def uids_of_message_id(self, message_id: str) -> list[int]:
        """UIDs of the messages with exactly this Message-ID (bare, without brackets), verified on the client."""
        raise NotImplementedError

    async def uids_of_range(self, ranges: str) -> list[int]:
        """The existing UIDs among ``1,2,4:6``, ``7:*`` or ``*`` (the last message; none in an empty mailbox)."""
        raise NotImplementedError

    async def summaries(self, uids: Sequence[int], *, attachments: bool = True) -> list[Summary]:
        """What is known of messages without their bodies, in the order asked for; missing ones are left out."""
        raise NotImplementedError

    async def size(self, uid: int) -> int | None:
        """RFC822.SIZE, or None when there is no such message."""
        raise NotImplementedError

    async def message(self, uid: int, *, limit: int) -> bytes | None:
        """The raw message (BODY.PEEK[], in partial fetches), or None when there is no such message.

        Raises:
            MessageTooLarge: it has more than ``limit`` bytes.
        """
        raise NotImplementedError

    async def part(self, uid: int, section: str, *, limit: int) -> bytes | None:
        """One part as it was sent, still encoded (BODY.PEEK[1.2]), with :meth:`part_header` for its MIME header."""
        raise NotImplementedError

    async def part_header(self, uid: int, section: str) -> bytes | None:
        """The MIME header of a part (BODY.PEEK[1.2.MIME]; of part ``1`` of a message without parts, its header)."""
        raise NotImplementedError

    async def store_flags(
        self, uids: Sequence[int], change: FlagChange, flags: Iterable[str]
    ) -> dict[int, frozenset[str]]:
        """STORE; the flags that each existing message has now.

        Raises:
            InputError: the mailbox takes no such keyword (PERMANENTFLAGS).
        """
        raise NotImplementedError

    async def copy(self, uids: Sequence[int], path: str) -> dict[int, int]:
        """COPY; old UID → new UID of those that were copied (COPYUID; without UIDPLUS, 0 for the new UID)."""
        raise NotImplementedError

    async def move(self, uids: Sequence[int], path: str) -> dict[int, int]:
        """MOVE; without it COPY, ``\\Deleted`` and UID EXPUNGE. Old UID → new UID of those that were moved.

        Raises:
            Unsupported: neither MOVE nor UIDPLUS is offered: a plain EXPUNGE would remove other clients' mail.
        """
        raise NotImplementedError

    async def expunge(self, uids: Sequence[int]) -> list[int]:
        """``\\Deleted`` and UID EXPUNGE of exactly these; the UIDs that were there before.

        Raises:
            Unsupported: the server has no UIDPLUS.
        """
        raise NotImplementedError

    async def append(
        self, path: str, message: bytes, *, flags: Iterable[str] = (), received: datetime | None = None
    ) -> tuple[int, int] | None:
        """APPEND; (UIDVALIDITY, UID) of the new message where the server says it (APPENDUID)."""
        raise NotImplementedError

    async def wait_for_change(self, seconds: float) -> bool:
        """Wait until the selected mailbox has something new or the time is over: IDLE in short turns, or NOOP polls."""
        raise NotImplementedError
