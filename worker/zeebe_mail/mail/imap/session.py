"""A logged-in IMAP connection (RFC 9051, RFC 3501) with a selected mailbox.

What the server can do decides how a thing is done; where the safe way is missing, nothing is done. UTF8=ACCEPT (RFC
6855) is not enabled: literals carry every text to search for, and mailbox names have their own encoding. Nor is
COMPRESS (RFC 4978): what is read in bulk are short lines that arrive faster than they could be inflated, and mails
whose bulk is compressed or base64 already.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zeebe_mail import errors
from zeebe_mail.auth.models import Auth, MailboxAuth
from zeebe_mail.mail.egress import EgressPolicy
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.imap import mailbox_names, sequence_set
from zeebe_mail.mail.imap.connection import ImapClosed, ImapRefusal, ImapViolation, Literal, Piece, Reply, Response
from zeebe_mail.mail.imap.dialogue import ImapDialogue, ImapTimeouts
from zeebe_mail.mail.imap.fetched import (
    BYTES_OF_A_SUMMARY,
    MESSAGE_ID,
    SUMMARY_ITEMS,
    Fetched,
    Summary,
    checked_section,
    summary,
)
from zeebe_mail.mail.imap.flags import FlagChange, checked_flag
from zeebe_mail.mail.imap.mailbox import Mailbox, MailboxStatus, Selected, listed, selected, status_items, statuses
from zeebe_mail.mail.imap.replies import Identity, copied, esearch, first_sorted, identity, last_sorted, message_id_in
from zeebe_mail.mail.imap.search_keys import charset, day, needed, search_keys
from zeebe_mail.mail.imap.sorting import ITEMS, SORT_KEYS, Foremost, SortBy, within
from zeebe_mail.mail.imap.syntax import astring, decoded_name, encoded_name, parse
from zeebe_mail.mail.server import ImapServer
from zeebe_mail.mail.tls import TlsPolicy
from zeebe_mail.message.criteria import Criterion

_CHUNK = 2**20  # bytes of a message in one FETCH
_SLACK = 2**16  # bytes of what stands around it
_BATCH = 1000  # messages in one command
_A_LINE = 512  # bytes of a FETCH response that has numbers and dates only
_A_MESSAGE_ID = 8192  # bytes of one that has a Message-ID too
_STRUCTURES = 2**23  # bytes of BODYSTRUCTUREs that are out of proportion
_MANY_NUMBERS = 2**25  # bytes of all UIDs of the largest mailbox
_IDLE_TURN_S = 20.0  # some servers announce IDLE and are silent: after each turn NOOP asks
_POLL_S = 5.0
_LINE_END = re.compile(rb"\r\n|\r|\n")
_USUAL_NAMES = {
    r"\sent": ("Sent", "Sent Items", "Sent Messages", "Sent Mail"),
    r"\trash": ("Trash", "Deleted Items", "Deleted Messages", "Bin"),
    r"\drafts": ("Drafts",),
    r"\archive": ("Archive", "Archives"),
    r"\junk": ("Junk", "Spam", "Junk E-mail", "Bulk Mail"),
}
"""What mailboxes are called at servers that do not say what they are for."""


class ImapSession:
    """One connection to one IMAP server as one user.

    Every method ends within the server's ``deadline_seconds`` or raises; after a fault of the connection, a time-out
    or a cancellation the session is of no more use. UIDs go in and out as ints, in ranges and batches of our own; flags
    and mailbox names are checked before they are sent. All methods raise the errors of ``mail.imap.faults``.
    """

    def __init__(
        self,
        server: ImapServer,
        auth: Auth,
        policy: TlsPolicy,
        timeouts: ImapTimeouts,
        egress: EgressPolicy,
        turn: asyncio.Lock,
    ) -> None:
        """``turn`` is shared by all that read at the same time: one after the other has the loop for a moment."""
        self._dialogue = ImapDialogue(server, auth, policy, timeouts, egress, turn)
        self._selected: Selected | None = None
        self._namespace: tuple[str, str | None] | None = None

    # ── what the pool calls ──────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, encrypt as asked, log in.

        Raises:
            WorkerError: as ``mail.imap.faults`` says; the connection is closed.
        """
        self._selected = None
        await self._dialogue.open()

    @property
    def is_usable(self) -> bool:
        """Whether it is whole and free for another use."""
        return self._dialogue.is_usable

    async def check(self) -> bool:
        """Ask the server whether it is still there (NOOP)."""
        return await self._dialogue.is_there()

    def close(self) -> None:
        """Hang up, with LOGOUT where the server expects a command; nothing is waited for."""
        self._dialogue.close()

    # ── what a probe looks at ────────────────────────────────────────────────────────────────────────────────────

    @property
    def phase(self) -> Phase:
        """The last step that was begun."""
        return self._dialogue.phase

    @property
    def encryption(self) -> ssl.SSLObject | None:
        """The connection's TLS, where there is one."""
        return self._dialogue.encryption

    @property
    def offers(self) -> list[str]:
        """The capabilities, sorted."""
        return sorted(self.capabilities)

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server offers, upper case; to the logged-in user once there is one."""
        return self._dialogue.capabilities

    # ── mailboxes ────────────────────────────────────────────────────────────────────────────────────────────────

    async def resolve(self, name: str) -> str:
        """The path of the mailbox that a process names.

        ``INBOX`` in any case; ``\\Sent``, ``\\Trash`` … by special use; the exact path, if it exists; else the path
        with ``.`` or ``/`` between its levels in the server's own way, with the personal namespace's prefix.

        Raises:
            MailboxNotFound: none of these exists; the message names the nearest.
            InputError: no mailbox can have such a name.
        """
        name = _checked_name(name)
        if mailbox_names.is_inbox(name):
            return "INBOX"
        with self._dialogue.step(Phase.MAILBOXES, mailbox=name):
            if name.startswith("\\"):
                return await self._of_special_use(name)
            prefix, delimiter = await self._personal_namespace()
            for path in mailbox_names.candidates(name, delimiter, prefix):
                if await self._exists(path):
                    return path
            raise self._not_found(name, [mailbox.path for mailbox in await self.mailboxes() if mailbox.selectable])

    async def path_for(self, name: str) -> str:
        """Where a mailbox of this name is to be made: levels joined the server's way, prefix of the namespace.

        Raises:
            InputError: no mailbox can have such a name.
        """
        name = _checked_name(name)
        with self._dialogue.step(Phase.MAILBOXES, mailbox=name):
            prefix, delimiter = await self._personal_namespace()
            return mailbox_names.in_the_servers_way(name, delimiter, prefix)

    async def mailboxes(self, pattern: str = "*", *, with_status: bool = False) -> list[Mailbox]:
        """LIST, with special uses, subscriptions and, where asked, STATUS, in few round trips."""
        quoted = astring(encoded_name(_checked_name(pattern)))
        with self._dialogue.step(Phase.MAILBOXES):
            found, known = await self._list(quoted, with_status=with_status)
            if with_status:
                for one in found:
                    if one.selectable and one.path not in known:
                        known[one.path] = await self.status(one.path)
            return [dataclasses.replace(one, status=known.get(one.path)) for one in found]

    async def status(self, path: str) -> MailboxStatus:
        """STATUS, with the items the server offers."""
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path):
            try:
                reply = await self._ask(b"STATUS ", _quoted(path), b" ", status_items(self._dialogue.can))
            except ImapRefusal as refusal:
                raise await self._explained(refusal, path) from refusal
            found = statuses(reply.untagged)
            if path not in found:
                raise ImapViolation("STATUS without its response")
            return found[path]

    async def create_mailbox(self, path: str) -> bool:
        """CREATE and SUBSCRIBE; False when it existed."""
        quoted = _quoted(path)
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path):
            try:
                await self._ask(b"CREATE ", quoted)
            except ImapRefusal as refusal:
                # Not all servers say ALREADYEXISTS.
                if refusal.status.code != "ALREADYEXISTS" and not await self._exists(path):
                    raise
                return False
            await self._tried(b"SUBSCRIBE ", quoted)
            return True

    async def rename_mailbox(self, path: str, new_path: str) -> None:
        """RENAME; subscriptions of the mailbox and those below it follow.

        Raises:
            MailboxNotFound: there is no such mailbox.
            MailboxExists: there is one of the new name.
        """
        old, new = _quoted(path), _quoted(new_path)
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path, newMailbox=new_path):
            _, delimiter = await self._personal_namespace()
            below = path + (delimiter or "/")
            followers = [
                one for one in await self._subscribed() if one == path or (delimiter and one.startswith(below))
            ]
            await self._leave(path)
            try:
                await self._ask(b"RENAME ", old, b" ", new)
            except ImapRefusal as refusal:
                if not refusal.status.code and await self._exists(new_path):
                    raise errors.MailboxExists(
                        f"{self._dialogue.where} has a mailbox {new_path} already.",
                        details=self._dialogue.where.details | {"mailbox": new_path},
                    ) from refusal
                raise await self._explained(refusal, path) from refusal
            for one in followers:
                await self._tried(b"UNSUBSCRIBE ", _quoted(one))
                await self._tried(b"SUBSCRIBE ", _quoted(new_path + one.removeprefix(path)))

    async def delete_mailbox(self, path: str) -> None:
        """DELETE and UNSUBSCRIBE.

        Raises:
            MailboxNotFound: there is no such mailbox.
        """
        quoted = _quoted(path)
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path):
            await self._leave(path)
            try:
                await self._ask(b"DELETE ", quoted)
            except ImapRefusal as refusal:
                raise await self._explained(refusal, path) from refusal
            await self._tried(b"UNSUBSCRIBE ", quoted)

    # ── the selected mailbox ─────────────────────────────────────────────────────────────────────────────────────

    async def select(self, path: str, *, writable: bool = False) -> Selected:
        """EXAMINE or SELECT, or NOOP when it is selected already: what follows sees the mailbox as it is now.

        Raises:
            MailboxReadOnly: it is to be written and the server says READ-ONLY.
        """
        with self._dialogue.step(Phase.SELECT, mailbox=path):
            current = self._selected
            if current is None or current.path != path or (writable and current.read_only):
                return await self._open_mailbox(path, writable=writable)
            try:
                refreshed = await self._refreshed(current)
            except ImapClosed:
                # The mailbox was deleted, or the server had enough of an old connection; nothing was begun on it.
                await self.open()
                refreshed = None
            return refreshed or await self._open_mailbox(path, writable=writable)

    async def search(self, criterion: Criterion | None = None) -> list[int]:
        """UIDs that match, ascending.

        Substring semantics are the server's. Moments and whole values (``Dated`` with a time, ``HeaderIs``) are asked
        for as days and substrings, so more may be found: whoever wants exactly these looks again.

        Raises:
            Unsupported: the server does not know one of the keys.
        """
        with self._dialogue.step(Phase.SEARCH):
            keys = self._search_keys(criterion)
            returns = b"RETURN (ALL) " if self._dialogue.can("ESEARCH") else b""
            reply = await self._ask(b"UID SEARCH ", returns, *_charset(keys), *keys, allowance=_MANY_NUMBERS)
            return sorted(set(self._numbers(reply, b"SEARCH")))

    async def count(self, criterion: Criterion | None = None) -> int:
        """How many match (ESEARCH COUNT where offered); for what ``search`` finds too much of, the same holds."""
        with self._dialogue.step(Phase.SEARCH):
            if not self._dialogue.can("ESEARCH"):
                return len(await self.search(criterion))
            keys = self._search_keys(criterion)
            reply = await self._ask(b"UID SEARCH RETURN (COUNT) ", *_charset(keys), *keys)
            found = esearch(reply).get(b"COUNT")
            if not isinstance(found, bytes) or not found.isdigit():
                raise ImapViolation("SEARCH RETURN (COUNT) without a count")
            return int(found)

    async def sorted(
        self, by: SortBy, *, descending: bool, limit: int, criterion: Criterion | None = None
    ) -> list[int]:
        """The first ``limit`` UIDs in this order: UID SORT, or a frugal fall-back of our own.

        Messages that are equal come by UID, in the same direction: of those that arrived within the same second, the
        newest first when descending. SENT is the Date header's moment; without one, the arrival (RFC 5256, 2.2).
        """
        with self._dialogue.step(Phase.SEARCH):
            if not self._dialogue.can("SORT"):
                return await self._sorted_here(by, descending, limit, criterion)
            keys = self._search_keys(criterion)
            extended = self._dialogue.can("ESORT")
            command = (b"UID SORT ", b"RETURN (ALL) " if extended else b"", b"(", SORT_KEYS[by], b") ", charset(keys))
            reply = await self._ask(*command, b" ", *keys, allowance=_MANY_NUMBERS)
            # REVERSE leaves equal messages in ascending order (RFC 5256, 3), so the end is taken, backwards.
            if extended:
                return last_sorted(reply, limit) if descending else first_sorted(reply, limit)
            ordered = self._numbers(reply, b"SORT")
            return await self._settled(by, ordered[::-1] if descending else ordered, limit, descending)

    async def uids_of_message_id(self, message_id: str) -> list[int]:
        """UIDs of the messages with exactly this Message-ID (bare, without brackets), verified on the client."""
        with self._dialogue.step(Phase.SEARCH):
            key: Piece = astring(message_id.encode())
            reply = await self._ask(
                b"UID SEARCH ", *_charset([key]), b"HEADER Message-ID ", key, allowance=_MANY_NUMBERS
            )
            candidates = self._numbers(reply, b"SEARCH")
            headers = await self._fetched(candidates, b"UID " + MESSAGE_ID, _A_MESSAGE_ID)
            return sorted(uid for uid, one in headers.items() if message_id_in(one.body or b"") == message_id)

    async def uids_of_range(self, ranges: str) -> list[int]:
        """The existing UIDs among ``1,2,4:6``, ``7:*`` or ``*`` (the last message; none in an empty mailbox).

        ``7:*`` has no message when all UIDs are lower, where IMAP itself would give the last one.

        Raises:
            InputError: it is no such range.
        """
        try:
            checked = sequence_set.checked(ranges)
        except ValueError as error:
            raise errors.InputError(f"range {error}.") from None
        with self._dialogue.step(Phase.SEARCH):
            reply = await self._ask(b"UID SEARCH UID ", checked.encode(), allowance=_MANY_NUMBERS)
            found = sorted(set(self._numbers(reply, b"SEARCH")))
            return [uid for uid in found if sequence_set.contains(checked, uid, found[-1])]

    async def summaries(self, uids: Sequence[int], *, attachments: bool = True) -> list[Summary]:
        """What is known of messages without their bodies, in the order asked for; missing ones are left out."""
        with self._dialogue.step(Phase.FETCH):
            items = SUMMARY_ITEMS + (b" BODYSTRUCTURE" if attachments else b"")
            known: dict[int, Summary] = {}

            def take(response: Response) -> None:
                fetched = Fetched.of(response)
                if fetched is not None and (made := summary(fetched)) is not None:
                    known[made.uid] = made

            for batch, count in sequence_set.batches(uids, _BATCH):
                command = b"UID FETCH %s (%s)" % (batch, items)
                await self._ask(command, allowance=_STRUCTURES + count * BYTES_OF_A_SUMMARY, take=take)
            return [known[uid] for uid in uids if uid in known]

    async def size(self, uid: int) -> int | None:
        """RFC822.SIZE, or None when there is no such message."""
        with self._dialogue.step(Phase.FETCH, uid=uid):
            found = (await self._fetched([uid], b"UID RFC822.SIZE", _A_LINE)).get(uid)
            return found.number(b"RFC822.SIZE") if found else None

    async def message(self, uid: int, *, limit: int) -> bytes | None:
        """The raw message (BODY.PEEK[], in partial fetches), or None when there is no such message.

        Raises:
            MessageTooLarge: it has more than ``limit`` bytes.
        """
        with self._dialogue.step(Phase.FETCH, uid=uid):
            return await self._section(uid, b"", limit)

    async def header(self, uid: int, *, limit: int) -> bytes | None:
        """The header of a message (BODY.PEEK[HEADER]), or None when there is no such message.

        Raises:
            MessageTooLarge: it has more than ``limit`` bytes.
        """
        with self._dialogue.step(Phase.FETCH, uid=uid):
            return await self._section(uid, b"HEADER", limit)

    async def part(self, uid: int, section: str, *, limit: int) -> bytes | None:
        """One part as it was sent, still encoded (BODY.PEEK[1.2]), with :meth:`part_header` for its MIME header.

        Raises:
            MessageTooLarge: it has more than ``limit`` bytes.
            InputError: ``section`` is not the number of a part.
        """
        number = _checked_section(section)
        with self._dialogue.step(Phase.FETCH, uid=uid, part=section):
            return await self._section(uid, number, limit)

    async def part_header(self, uid: int, section: str) -> bytes | None:
        """The MIME header of a part (BODY.PEEK[1.2.MIME]; of part ``1`` of a message without parts, its header).

        Raises:
            InputError: ``section`` is not the number of a part.
        """
        number = _checked_section(section)
        with self._dialogue.step(Phase.FETCH, uid=uid, part=section):
            header = await self._section(uid, number + b".MIME", _CHUNK)
            if header is not None and not header.strip() and section == "1":
                return await self._section(uid, b"HEADER", _CHUNK)
            return header

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def store_flags(
        self, uids: Sequence[int], change: FlagChange, flags: Iterable[str]
    ) -> dict[int, frozenset[str]]:
        """STORE; the flags that each existing message has now.

        Raises:
            InputError: it is no flag, or the mailbox takes no such keyword (PERMANENTFLAGS).
            MailboxReadOnly: the mailbox cannot be changed.
        """
        named = [checked_flag(flag) for flag in flags]
        with self._dialogue.step(Phase.FILE):
            mailbox = await self._writable()
            refused = [flag for flag in named if not mailbox.keeps(flag)]
            if refused and change is not FlagChange.REMOVE:
                raise errors.InputError(
                    f"The mailbox {mailbox.path} does not keep the flag {refused[0]}.",
                    next_step="Use one of the mailbox's own flags, which the details name.",
                    details={"flag": refused[0], "permanentFlags": sorted(mailbox.permanent_flags)},
                )
            listed_flags = f" ({' '.join(named)})".encode()
            known: dict[int, Fetched] = {}
            for batch, count in sequence_set.batches(uids, _BATCH):
                await self._fetch(
                    b"UID STORE " + batch + b" " + change.value.encode() + listed_flags, count * _A_LINE, known
                )
            # Servers need not repeat what did not change (RFC 9051, 7.5.2).
            silent = [uid for uid in uids if uid not in known or known[uid].flags is None]
            known |= await self._fetched(silent, b"UID FLAGS", _A_LINE)
            return {uid: one.flags for uid, one in known.items() if one.flags is not None and uid in set(uids)}

    async def copy(self, uids: Sequence[int], path: str) -> dict[int, int]:
        """COPY; old UID → new UID of those that were copied (COPYUID; without UIDPLUS, 0 for the new UID).

        Raises:
            MailboxNotFound: there is no such mailbox.
        """
        with self._dialogue.step(Phase.FILE, target=path):
            return await self._transferred(b"UID COPY ", uids, path)

    async def copied_earlier(self, uids: Sequence[int], path: str) -> dict[int, int]:
        """Those of which a mailbox has an equal copy, and its UID: same Message-ID, size and arrival.

        The Message-ID alone says nothing, because senders choose it.
        """
        with self._dialogue.step(Phase.FILE, target=path):
            return await self._copied_earlier(uids, path)

    async def move(self, uids: Sequence[int], path: str) -> dict[int, int]:
        """MOVE; without it COPY, ``\\Deleted`` and UID EXPUNGE. Old UID → new UID of those that were moved.

        Without MOVE a message of which the target has an equal copy already (same Message-ID, size and arrival) is not
        copied again: an earlier try may have come so far.

        Raises:
            Unsupported: neither MOVE nor UIDPLUS is offered: a plain EXPUNGE would remove other clients' mail.
            MailboxNotFound: there is no such mailbox.
            MailboxReadOnly: the mailbox cannot be changed.
        """
        with self._dialogue.step(Phase.FILE, target=path):
            await self._writable()
            if self._dialogue.can("MOVE"):
                return await self._transferred(b"UID MOVE ", uids, path)
            self._require_uidplus("move messages")
            moved = await self.copied_earlier(uids, path)
            moved |= await self._transferred(b"UID COPY ", [uid for uid in uids if uid not in moved], path)
            await self._removed(list(moved))
            return moved

    async def expunge(self, uids: Sequence[int]) -> list[int]:
        """``\\Deleted`` and UID EXPUNGE of exactly these; the UIDs that were there before.

        Raises:
            Unsupported: the server has no UIDPLUS.
            MailboxReadOnly: the mailbox cannot be changed.
        """
        with self._dialogue.step(Phase.FILE):
            self._require_uidplus("delete messages for good")
            await self._writable()
            present = await self._present(uids)
            await self._removed(present)
            return present

    async def append(
        self, path: str, message: bytes, *, flags: Iterable[str] = (), received: datetime | None = None
    ) -> tuple[int, int] | None:
        """APPEND; (UIDVALIDITY, UID) of the new message where the server says it (APPENDUID).

        Line ends become CRLF. ``received`` is the arrival with its zone.

        Raises:
            InputError: the message has the character NUL, which IMAP cannot carry, or a flag is none.
            MessageTooLarge: it has more than the server's APPENDLIMIT.
            MailboxNotFound: there is no such mailbox.
        """
        named = " ".join(checked_flag(flag) for flag in flags)
        if b"\0" in message:
            raise errors.InputError("The message has the character NUL, which no mail may have.")
        ends = message.count(b"\r\n")
        if message.count(b"\n") != ends or message.count(b"\r") != ends:
            message = _LINE_END.sub(b"\r\n", message)
        with self._dialogue.step(Phase.APPEND, mailbox=path):
            self._require_room(len(message))
            arrival = _internal_date(received) if received else b""
            options = (f"({named}) ".encode() if named else b"") + arrival
            command = (b"APPEND ", _quoted(path), b" ", options, Literal(message))
            try:
                reply = await self._ask(*command)
            except ImapRefusal as refusal:
                if refusal.status.code or self._selected is None or not self._selected.read_only:
                    raise
                # Courier adds nothing to a mailbox that this connection has open for reading.
                await self._leave(self._selected.path)
                reply = await self._ask(*command)
            if reply.status.code != "APPENDUID":
                return None
            match reply.status.argument.split():
                case [validity, uid] if validity.isdigit() and uid.isdigit():
                    return int(validity), int(uid)
            return None

    async def wait_for_change(self, seconds: float) -> bool:
        """Wait until the selected mailbox has changed since ``select``, or the time is over.

        IDLE in short turns where the server has it, else polls; after each turn NOOP asks, since some servers are
        silent. False when the time is over.
        """
        with self._dialogue.step(Phase.WAIT):
            loop = asyncio.get_running_loop()
            until = loop.time() + seconds
            while True:
                flags_changed = any(map(Fetched.of, (await self._ask(b"NOOP")).untagged))
                left = until - loop.time()
                if flags_changed or self._dialogue.connection.changed or left <= 0:
                    return flags_changed or self._dialogue.connection.changed
                if self._dialogue.can("IDLE"):
                    await self._dialogue.idle(min(left, _IDLE_TURN_S))
                else:
                    await asyncio.sleep(min(left, _POLL_S))
                self._dialogue.extend()

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(self, *pieces: Piece, **bounds: Any) -> Reply:
        return await self._dialogue.ask(*pieces, **bounds)

    async def _tried(self, *pieces: Piece) -> None:
        """Do what is no harm when it is refused."""
        with contextlib.suppress(ImapRefusal):
            await self._ask(*pieces)

    async def _fetch(self, command: bytes, allowance: int, into: dict[int, Fetched]) -> None:
        """Send a command that answers with FETCH responses; what several say of one message counts together."""

        def take(response: Response) -> None:
            fetched = Fetched.of(response)
            if fetched is not None and (uid := fetched.uid) is not None:
                if uid in into:
                    into[uid].items.update(fetched.items)
                else:
                    into[uid] = fetched

        await self._ask(command, allowance=allowance + _SLACK, take=take)

    async def _fetched(self, uids: Sequence[int], items: bytes, bytes_of_one: int) -> dict[int, Fetched]:
        """FETCH in batches: what each message that exists is answered with."""
        known: dict[int, Fetched] = {}
        for batch, count in sequence_set.batches(uids, _BATCH):
            await self._fetch(b"UID FETCH %s (%s)" % (batch, items), count * bytes_of_one, known)
        return known

    async def _section(self, uid: int, section: bytes, limit: int) -> bytes | None:
        """A section in pieces, so that nobody can hand us more than is asked for."""
        whole = bytearray()
        while True:
            known: dict[int, Fetched] = {}
            piece = b"BODY.PEEK[%s]<%d.%d>" % (section, len(whole), _CHUNK)
            size = b" RFC822.SIZE" if not section and not whole else b""
            await self._fetch(b"UID FETCH %d (UID%s %s)" % (uid, size, piece), _CHUNK, known)
            found = known.get(uid)
            body = found.body if found else None
            if found is None or body is None:
                return None
            whole += body
            announced = (found.number(b"RFC822.SIZE") or 0) if size else 0
            if max(len(whole), announced) > limit:
                raise self._too_large(uid, max(len(whole), announced), limit)
            if len(body) < _CHUNK:
                return bytes(whole)

    # ── mailboxes: their names ───────────────────────────────────────────────────────────────────────────────────

    async def _personal_namespace(self) -> tuple[str, str | None]:
        """Prefix and delimiter of the user's own mailboxes (RFC 2342), asked for once."""
        if self._namespace is None:
            self._namespace = await self._asked_namespace()
        return self._namespace

    async def _asked_namespace(self) -> tuple[str, str | None]:
        if self._dialogue.can("NAMESPACE"):
            for response in (await self._ask(b"NAMESPACE")).untagged:
                if response.text[:12].upper() == b"* NAMESPACE ":
                    match parse(response):
                        case [_, [[bytes(prefix), bytes(delimiter), *_], *_], *_]:
                            return decoded_name(prefix), decoded_name(delimiter)
        root = listed((await self._ask(b'LIST "" ""')).untagged)
        return "", root[0][1] if root else "/"

    async def _exists(self, path: str) -> bool:
        """Whether LIST shows this mailbox, as one that can be selected or that others are below of."""
        found = listed((await self._ask(b'LIST "" ', _quoted(path))).untagged)
        return any(one == path and r"\nonexistent" not in attributes for attributes, _, one in found)

    async def _of_special_use(self, name: str) -> str:
        attribute = name.lower()
        if attribute not in mailbox_names.SPECIAL_USES:
            known = ", ".join(rf"\{use.title()}" for use in mailbox_names.SPECIAL_USES.values())
            raise errors.MailboxNotFound(f"{name} is no special use of a mailbox; known are {known}.")
        everything = await self.mailboxes()
        for one in everything:
            if attribute in one.attributes and one.selectable:
                return one.path
        prefix, _ = await self._personal_namespace()
        by_name = {one.path.removeprefix(prefix).lower(): one.path for one in everything if one.selectable}
        for usual in _USUAL_NAMES.get(attribute, ()):
            if usual.lower() in by_name:
                return by_name[usual.lower()]
        raise self._not_found(name, sorted(one.path for one in everything if one.selectable))

    def _not_found(self, name: str, paths: list[str]) -> errors.MailboxNotFound:
        near = mailbox_names.nearest(name, paths)
        where = self._dialogue.where
        return errors.MailboxNotFound(
            f"{where} has no mailbox {mailbox_names.quoted_list([name])}.",
            next_step=f"Did you mean {mailbox_names.quoted_list(near)}?" if near else None,
            details=where.details | {"mailbox": name, "nearest": near},
        )

    async def _explained(self, refusal: ImapRefusal, path: str) -> Exception:
        """Why the server refused something about a mailbox, when it does not say so itself: often there is none."""
        if refusal.status.code or refusal.status.condition != "NO" or await self._exists(path):
            return refusal
        return self._not_found(path, [one.path for one in await self.mailboxes()])

    async def _list(self, pattern: Piece, *, with_status: bool) -> tuple[list[Mailbox], dict[str, MailboxStatus]]:
        if not self._dialogue.can("LIST-EXTENDED"):
            found = listed((await self._ask(b'LIST "" ', pattern, allowance=_MANY_NUMBERS)).untagged)
            subscribed = set(await self._subscribed())
            return [Mailbox(path, mark, has, path in subscribed) for has, mark, path in found], {}
        returns = [b"SUBSCRIBED", b"CHILDREN"]
        returns += [b"SPECIAL-USE"] if self._dialogue.can("SPECIAL-USE") else []
        if with_status and self._dialogue.can("LIST-STATUS"):
            returns.append(b"STATUS " + status_items(self._dialogue.can))
        command = (b'LIST "" ', pattern, b" RETURN (", b" ".join(returns), b")")
        untagged = (await self._ask(*command, allowance=_MANY_NUMBERS)).untagged
        mailboxes = [
            Mailbox(path, mark, has - {r"\subscribed"}, r"\subscribed" in has) for has, mark, path in listed(untagged)
        ]
        return mailboxes, statuses(untagged)

    async def _subscribed(self) -> list[str]:
        reply = await self._ask(b'LSUB "" "*"', allowance=_MANY_NUMBERS)
        return [path for has, _, path in listed(reply.untagged, b"LSUB") if r"\noselect" not in has]

    # ── the selected mailbox: opening ────────────────────────────────────────────────────────────────────────────

    async def _open_mailbox(self, path: str, *, writable: bool) -> Selected:
        self._selected = None
        connection = self._dialogue.connection
        connection.exists = None
        command = b"SELECT " if writable else b"EXAMINE "
        try:
            reply = await self._ask(command, _quoted(path))
        except ImapRefusal as refusal:
            raise await self._explained(refusal, path) from refusal
        connection.changed = False
        opened = selected(path, reply, connection.exists, examined=not writable)
        self._selected = opened
        if writable and opened.read_only:
            raise errors.MailboxReadOnly(
                f"{self._dialogue.where} lets this user only read {path}.",
                details=self._dialogue.where.details | {"mailbox": path},
            )
        return opened

    async def _refreshed(self, current: Selected) -> Selected | None:
        """The mailbox as NOOP shows it; None when the server has lost it, as one that was deleted and made anew."""
        reply = await self._ask(b"NOOP")
        for response in reply.untagged:
            if response.text[:5].upper() in (b"* NO ", b"* BAD") or b"[UIDVALIDITY " in response.text[:20].upper():
                return None
        self._dialogue.connection.changed = False
        exists = self._dialogue.connection.exists
        if exists is None:
            return None
        if exists != current.exists:
            status = await self.status(current.path)
            if status.uid_validity != current.uid_validity:
                return None
            current = dataclasses.replace(current, exists=exists, uid_next=status.uid_next)
        self._selected = current
        return current

    async def _writable(self) -> Selected:
        """The selected mailbox, opened for writing."""
        mailbox = self._open
        if not mailbox.read_only:
            return mailbox
        again = await self._open_mailbox(mailbox.path, writable=True)
        self._require_same(mailbox, again)
        return again

    @property
    def _open(self) -> Selected:
        if self._selected is None:
            raise errors.InternalError("No mailbox is selected.")
        return self._selected

    def _require_same(self, before: Selected, now: Selected) -> None:
        if now.uid_validity != before.uid_validity:
            raise errors.UidValidityChanged(
                f"The mailbox {now.path} was made anew while it was worked in: its UIDVALIDITY was "
                f"{before.uid_validity} and is {now.uid_validity}.",
                details={"mailbox": now.path, "uidValidity": now.uid_validity},
            )

    async def _leave(self, path: str) -> None:
        """Have it no longer selected, so that it can be renamed, deleted or appended to."""
        if self._selected is None or self._selected.path != path:
            return
        self._selected = None
        # CLOSE would expunge (RFC 9051, 6.4.1); EXAMINE of a mailbox that there is not leaves none selected.
        await self._tried(b"UNSELECT" if self._dialogue.can("UNSELECT") else b'EXAMINE ""')

    # ── the selected mailbox: searching ──────────────────────────────────────────────────────────────────────────

    def _search_keys(self, criterion: Criterion | None) -> list[Piece]:
        for capability in needed(criterion) if criterion is not None else ():
            if not self._dialogue.can(capability):
                raise errors.Unsupported(
                    f"{self._dialogue.where} does not offer {capability}, which one of the criteria needs.",
                    details=self._dialogue.where.details | {"capability": capability},
                )
        return search_keys(criterion)

    def _numbers(self, reply: Reply, command: bytes) -> list[int]:
        """The UIDs that SEARCH or SORT was answered with, in their order; no more than there can be messages."""
        at_most = (self._dialogue.connection.exists or 0) + _BATCH
        numbers: list[int] = []
        try:
            for response in reply.untagged:
                text = response.text
                if text[: len(command) + 2].upper() == b"* " + command:
                    words = text[len(command) + 2 :].partition(b"(")[0].split()  # (MODSEQ …) may follow
                    numbers += list(map(int, words))
            if not numbers and isinstance(extended := esearch(reply).get(b"ALL"), bytes):
                numbers = sequence_set.expanded(extended, at_most)
        except ValueError as error:
            raise ImapViolation(f"numbers of messages that are none ({error})") from None
        if len(numbers) > at_most or not all(0 < number <= sequence_set.LARGEST for number in numbers):
            raise ImapViolation("numbers of more messages than there are")
        return numbers

    async def _sorted_here(self, by: SortBy, descending: bool, limit: int, criterion: Criterion | None) -> list[int]:
        uids = await self.search(criterion)
        if by is SortBy.RECEIVED and len(uids) > limit:
            # Mail comes in the order of its UIDs but for what was filed later. So the last ones tell a moment from
            # which on all of the newest must be, and SEARCH knows who else is.
            likely = await self._foremost(uids[-limit:] if descending else uids[:limit], by, limit, descending)
            if likely.bound is not None:
                uids = await self.search(within(criterion, likely.bound, descending=descending))
        return (await self._foremost(uids, by, limit, descending)).uids

    async def _settled(self, by: SortBy, ordered: list[int], limit: int, descending: bool) -> list[int]:
        """The first so many of what a server has sorted that gives equal messages in an order of its own, as Courier.

        So many are looked at that none behind them can be equal to one of the first.
        """
        wide = 2 * limit
        while True:
            foremost = await self._foremost(ordered[:wide], by, limit, descending)
            if wide >= len(ordered) or foremost.bound != foremost.hindmost:
                return foremost.uids
            wide *= 8

    async def _foremost(self, uids: Sequence[int], by: SortBy, limit: int, descending: bool) -> Foremost:
        foremost = Foremost(by, limit, descending=descending)
        for batch, count in sequence_set.batches(uids, _MANY_NUMBERS):
            await self._ask(
                b"UID FETCH %s (UID %s)" % (batch, ITEMS[by]), allowance=(count + _BATCH) * _A_LINE, take=foremost
            )
        return foremost

    async def _present(self, uids: Sequence[int]) -> list[int]:
        """Which of these exist."""
        found: set[int] = set()
        for batch, _ in sequence_set.batches(uids, _BATCH):
            found.update(self._numbers(await self._ask(b"UID SEARCH UID ", batch), b"SEARCH"))
        return [uid for uid in uids if uid in found]

    # ── the selected mailbox: changing ───────────────────────────────────────────────────────────────────────────

    async def _transferred(self, command: bytes, uids: Sequence[int], path: str) -> dict[int, int]:
        """COPY or MOVE. An OK alone proves nothing: messages that do not exist are passed over."""
        target = _quoted(path)
        done: dict[int, int] = {}
        for batch, count in sequence_set.batches(uids, _BATCH):
            numbers = sequence_set.expanded(batch, count + 1)
            present = numbers if self._dialogue.can("UIDPLUS") else await self._present(numbers)
            if not present:
                continue
            reply = await self._ask(command, batch, b" ", target, allowance=_SLACK + count * _A_LINE)
            if self._dialogue.can("UIDPLUS"):
                done |= copied(reply, count)
            else:
                done |= dict.fromkeys(present, 0)
        return {uid: done[uid] for uid in uids if uid in done}

    async def _copied_earlier(self, uids: Sequence[int], path: str) -> dict[int, int]:
        source = self._open
        originals = await self._identities(uids)
        copies: dict[Identity, int] = {}
        if (await self.select(path)).exists:
            for message_id in {one.message_id for one in originals.values()}:
                same_id = await self._identities(await self.uids_of_message_id(message_id))
                copies |= {one: uid for uid, one in same_id.items()}
        self._require_same(source, await self.select(source.path, writable=not source.read_only))
        return {uid: copies[one] for uid, one in originals.items() if one in copies}

    async def _identities(self, uids: Sequence[int]) -> dict[int, Identity]:
        fetched = await self._fetched(uids, b"UID RFC822.SIZE INTERNALDATE " + MESSAGE_ID, _A_MESSAGE_ID)
        return {uid: found for uid, one in fetched.items() if (found := identity(one)) is not None}

    async def _removed(self, uids: Sequence[int]) -> None:
        for batch, count in sequence_set.batches(uids, _BATCH):
            await self._ask(b"UID STORE ", batch, rb" +FLAGS.SILENT (\Deleted)", allowance=_SLACK + count * _A_LINE)
            await self._ask(b"UID EXPUNGE ", batch, allowance=_SLACK + count * _A_LINE)

    def _require_uidplus(self, what: str) -> None:
        if not self._dialogue.can("UIDPLUS"):
            where = self._dialogue.where
            raise errors.Unsupported(
                f"{where} cannot {what} safely: it offers no UIDPLUS, and a plain EXPUNGE would also remove what other "
                "clients have marked as deleted.",
                next_step=r"Set the flag \Deleted instead, and let a person or the server clean up.",
                details=where.details | {"capability": "UIDPLUS"},
            )

    def _require_room(self, size: int) -> None:
        """Refuse what the server has said to refuse (APPENDLIMIT, RFC 7889)."""
        for capability in self.capabilities:
            name, _, limit = capability.partition("=")
            if name == "APPENDLIMIT" and limit.isdigit() and size > int(limit):
                raise errors.MessageTooLarge(
                    f"The message has {size} bytes and {self._dialogue.where} takes at most {limit}.",
                    details=self._dialogue.where.details | {"sizeBytes": size, "limitBytes": int(limit)},
                )

    def _too_large(self, uid: int, size: int, limit: int) -> errors.MessageTooLarge:
        return errors.MessageTooLarge(
            f"The message with UID {uid} has {size} bytes or more, and {limit} are allowed.",
            details=self._dialogue.where.details | {"uid": uid, "sizeBytes": size, "limitBytes": limit},
        )


# ── what goes into commands ──────────────────────────────────────────────────────────────────────────────────────


def _checked_name(name: str) -> str:
    try:
        return mailbox_names.checked(name)
    except ValueError as error:
        raise errors.InputError(f"The name of a mailbox {error}.") from None


def _checked_section(section: str) -> bytes:
    try:
        return checked_section(section)
    except ValueError as error:
        raise errors.InputError(f"part {error}.") from None


def _quoted(path: str) -> Piece:
    return astring(encoded_name(_checked_name(path)))


def _charset(keys: list[Piece]) -> list[Piece]:
    return [] if charset(keys) == b"US-ASCII" else [b"CHARSET UTF-8 "]


def _internal_date(moment: datetime) -> bytes:
    """RFC 9051, 9: date-time."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return f'"{day(moment).rjust(11)} {moment:%H:%M:%S %z}" '.encode()


@dataclass(frozen=True, slots=True)
class ImapConnector:
    """How this worker opens IMAP sessions: what the pool calls."""

    policy: TlsPolicy = field(default_factory=TlsPolicy)
    timeouts: ImapTimeouts = field(default_factory=ImapTimeouts)
    egress: EgressPolicy = field(default_factory=EgressPolicy)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False, compare=False)

    async def __call__(self, server: ImapServer, auth: MailboxAuth) -> ImapSession:
        """Open a session.

        Raises:
            WorkerError: as ``mail.imap.faults`` says; nothing is left open.
        """
        session = self.session(server, auth)
        await session.open()
        return session

    def session(self, server: ImapServer, auth: Auth) -> ImapSession:
        """A session that is not open yet; with ``NoAuth`` it is only good for a look at the server."""
        return ImapSession(server, auth, self.policy, self.timeouts, self.egress, self._turn)
