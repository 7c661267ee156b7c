"""Filing: flags, copies, moves, deletions and additions (RFC 9051, 6.3.12 and 6.4; RFC 4315; RFC 6851).

What the server can do decides how a thing is done; where the safe way is missing, nothing is done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from zeebe_mail import errors
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.imap.allowance import A_LINE, A_MESSAGE_ID, BATCH, SLACK
from zeebe_mail.mail.imap.connection import ImapRefusal
from zeebe_mail.mail.imap.copies import IDENTITY_ITEMS, Identity, copied, identity
from zeebe_mail.mail.imap.dialogue import ImapDialogue
from zeebe_mail.mail.imap.fetch import Fetch
from zeebe_mail.mail.imap.fetched import FetchedByUid
from zeebe_mail.mail.imap.flags import FlagChange, checked_flags
from zeebe_mail.mail.imap.mailbox_names import argument
from zeebe_mail.mail.imap.mailboxes import Mailboxes
from zeebe_mail.mail.imap.search import Search
from zeebe_mail.mail.imap.search_keys import day
from zeebe_mail.mail.imap.sequence_set import batches, expanded
from zeebe_mail.message.payload import Payload

_CONTENTION = 10
"""How often a condition is tried that others break."""
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Filing:
    """Changes the messages of the selected mailbox, and adds some to any."""

    def __init__(self, dialogue: ImapDialogue, mailboxes: Mailboxes, search: Search, fetch: Fetch) -> None:
        self._dialogue = dialogue
        self._mailboxes = mailboxes
        self._search = search
        self._fetch = fetch

    async def store_flags(
        self, uids: Sequence[int], change: FlagChange, flags: Iterable[str]
    ) -> dict[int, frozenset[str]]:
        """STORE; the flags that each existing message has now.

        Raises:
            InputError: it is no flag, or the mailbox takes no such keyword (PERMANENTFLAGS).
            MailboxReadOnly: the mailbox cannot be changed.
        """
        named = checked_flags(flags)
        with self._dialogue.step(Phase.FILE):
            mailbox = await self._mailboxes.writable()
            refused = [flag for flag in named if not mailbox.keeps(flag)]
            if refused and change is not FlagChange.REMOVE:
                raise errors.InputError(
                    f"The mailbox {mailbox.path} does not keep the flag {refused[0]}.",
                    next_step="Use one of the mailbox's own flags, which the details name.",
                    details={"flag": refused[0], "permanentFlags": sorted(mailbox.permanent_flags)},
                )
            item = f" {change.value} ({' '.join(named)})".encode()
            known = FetchedByUid()
            for batch, count in batches(uids, BATCH):
                await self._dialogue.ask(b"UID STORE ", batch, item, allowance=SLACK + count * A_LINE, take=known)
            # Servers need not repeat what did not change (RFC 9051, 7.5.2).
            silent = [uid for uid in uids if uid not in known or known[uid].flags is None]
            known |= await self._fetch.items(silent, b"UID FLAGS", A_LINE)
            now = {uid: known[uid].flags for uid in uids if uid in known}
            return {uid: flags for uid, flags in now.items() if flags is not None}

    async def set_first(self, uid: int, flag: str) -> bool | None:
        """Set a flag that a message does not have; false where it has it, None where there is no such message.

        Of several clients that try, one succeeds (STORE with UNCHANGEDSINCE, RFC 7162, 3.1.3).

        Raises:
            Unsupported: the server has no CONDSTORE, or the mailbox does not keep the flag.
            Busy: others change the message all the time.
            MailboxReadOnly: the mailbox cannot be changed.
        """
        (name,) = checked_flags([flag])
        where = self._dialogue.where
        with self._dialogue.step(Phase.FILE, uid=uid):
            mailbox = await self._mailboxes.writable()
            if not (self._dialogue.can("CONDSTORE") and mailbox.keeps(name)):
                raise errors.Unsupported(
                    f"{where} cannot set the flag {name} for one client alone.",
                    details=where.details | {"capability": "CONDSTORE"},
                )
            for _ in range(_CONTENTION):
                found = (await self._fetch.items([uid], b"UID FLAGS MODSEQ", A_LINE)).get(uid)
                if found is None or found.flags is None:
                    return None
                if name.lower() in map(str.lower, found.flags):
                    return False
                condition = b" (UNCHANGEDSINCE %d) +FLAGS (%s)" % (found.mod_seq, name.encode())
                reply = await self._dialogue.ask(b"UID STORE %d" % uid, condition, take=FetchedByUid())
                if reply.status.code != "MODIFIED":
                    # A message that has gone meanwhile is passed over in silence.
                    return True if await self._fetch.items([uid], b"UID FLAGS", A_LINE) else None
            raise errors.Busy(f"Others change the message with UID {uid} all the time.", details=where.details)

    async def copy(self, uids: Sequence[int], path: str) -> dict[int, int]:
        """COPY; old UID → new UID of those that were copied (COPYUID; without UIDPLUS, 0 for the new UID).

        Raises:
            MailboxNotFound: there is no such mailbox.
        """
        with self._dialogue.step(Phase.FILE, target=path):
            return await self._transferred(b"UID COPY ", uids, path)

    async def copied_earlier(self, uids: Sequence[int], path: str) -> dict[int, int]:
        """Those of which a mailbox has a copy, and its UID: same Message-ID, size and arrival, and then every byte.

        What a message says of itself says nothing, because senders choose it. A copy that is marked as deleted is none.

        Raises:
            MailboxNotFound: there is no such mailbox.
            UidValidityChanged: the selected mailbox was made anew meanwhile.
        """
        with self._dialogue.step(Phase.FILE, target=path):
            source = self._mailboxes.selected
            originals = await self._identities(uids)
            sought, alike = set(originals.values()), set[Identity]()
            copies: dict[bytes | None, int] = {}
            if (await self._mailboxes.select(path)).exists:
                for message_id in {one.message_id for one in sought}:
                    same_id = await self._identities(await self._search.by_message_id(message_id), undeleted=True)
                    for uid in [uid for uid, one in same_id.items() if one in sought]:
                        alike.add(same_id[uid])
                        copies[await self._fetch.digest(uid)] = uid
            await self._mailboxes.again(source, writable=not source.read_only)
            copies.pop(None, None)  # what has gone meanwhile
            digests = {uid: await self._fetch.digest(uid) for uid, one in originals.items() if one in alike}
            return {uid: copies[digest] for uid, digest in digests.items() if digest in copies}

    async def move(self, uids: Sequence[int], path: str) -> dict[int, int]:
        """MOVE; without it COPY, ``\\Deleted`` and UID EXPUNGE. Old UID → new UID of those that were moved.

        Without MOVE a message of which the target has a copy already (see :meth:`copied_earlier`) is not copied again:
        an earlier try may have come so far.

        Raises:
            Unsupported: neither MOVE nor UIDPLUS is offered: a plain EXPUNGE would remove other clients' mail.
            MailboxNotFound: there is no such mailbox.
            MailboxReadOnly: the mailbox cannot be changed.
        """
        with self._dialogue.step(Phase.FILE, target=path):
            await self._mailboxes.writable()
            if self._dialogue.can("MOVE"):
                return await self._transferred(b"UID MOVE ", uids, path)
            self._require_uidplus("move messages")
            moved = await self.copied_earlier(uids, path)
            moved |= await self._transferred(b"UID COPY ", [uid for uid in uids if uid not in moved], path)
            await self._remove(list(moved))
            return moved

    async def expunge(self, uids: Sequence[int]) -> list[int]:
        """``\\Deleted`` and UID EXPUNGE of exactly these; the UIDs that were there before.

        Raises:
            Unsupported: the server has no UIDPLUS.
            MailboxReadOnly: the mailbox cannot be changed.
        """
        with self._dialogue.step(Phase.FILE):
            self._require_uidplus("delete messages for good")
            await self._mailboxes.writable()
            existing = await self._search.existing(uids)
            await self._remove(existing)
            return existing

    async def append(
        self, path: str, message: bytes | Payload, *, flags: Iterable[str] = (), received: datetime | None = None
    ) -> tuple[int, int] | None:
        """APPEND; (UIDVALIDITY, UID) of the new message where the server says it (APPENDUID).

        The line ends of bytes become CRLF; a payload has them already, and is encoded while it is sent.
        ``received`` is the arrival with its zone.

        Raises:
            InputError: the message has the character NUL, which IMAP cannot carry, or a flag is none.
            MessageTooLarge: it has more than the server's APPENDLIMIT.
            MailboxNotFound: there is no such mailbox.
        """
        named = " ".join(checked_flags(flags))
        payload = Payload(_with_crlf(message)) if isinstance(message, bytes) else message
        with self._dialogue.step(Phase.APPEND, mailbox=path):
            self._require_room(len(payload))
            options = (f"({named}) " if named else "") + (_internal_date(received) if received else "")
            command = (b"APPEND ", argument(path), b" ", options.encode(), payload)
            try:
                reply = await self._dialogue.ask(*command)
            except ImapRefusal as refusal:
                # Courier adds nothing to a mailbox that this connection has open for reading.
                if refusal.status.code or not await self._mailboxes.leave_what_is_only_read():
                    raise
                reply = await self._dialogue.ask(*command)
            if reply.status.code == "APPENDUID":
                match reply.status.argument.split():
                    case [validity, uid] if validity.isdigit() and uid.isdigit():
                        return int(validity), int(uid)
            return None

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _transferred(self, command: bytes, uids: Sequence[int], path: str) -> dict[int, int]:
        """COPY or MOVE. An OK alone proves nothing: messages that do not exist are passed over."""
        target = argument(path)
        done: dict[int, int] = {}
        for batch, count in batches(uids, BATCH):
            numbers = expanded(batch, count + 1)
            existing = numbers if self._dialogue.can("UIDPLUS") else await self._search.existing(numbers)
            if not existing:
                continue
            reply = await self._dialogue.ask(command, batch, b" ", target, allowance=SLACK + count * A_LINE)
            done |= copied(reply, count) if self._dialogue.can("UIDPLUS") else dict.fromkeys(existing, 0)
        return {uid: done[uid] for uid in uids if uid in done}

    async def _identities(self, uids: Sequence[int], *, undeleted: bool = False) -> dict[int, Identity]:
        fetched = await self._fetch.items(uids, IDENTITY_ITEMS, A_MESSAGE_ID)
        return {
            uid: found
            for uid, one in fetched.items()
            if (found := identity(one)) is not None and not (undeleted and r"\Deleted" in (one.flags or ()))
        }

    async def _remove(self, uids: Sequence[int]) -> None:
        for batch, count in batches(uids, BATCH):
            allowance = SLACK + count * A_LINE
            await self._dialogue.ask(b"UID STORE ", batch, rb" +FLAGS.SILENT (\Deleted)", allowance=allowance)
            await self._dialogue.ask(b"UID EXPUNGE ", batch, allowance=allowance)

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
        for capability in self._dialogue.capabilities:
            name, _, limit = capability.partition("=")
            if name == "APPENDLIMIT" and limit.isdigit() and size > int(limit):
                raise errors.MessageTooLarge(
                    f"The message has {size} bytes and {self._dialogue.where} takes at most {limit}.",
                    details=self._dialogue.where.details | {"sizeBytes": size, "limitBytes": int(limit)},
                )


def _with_crlf(message: bytes) -> bytes:
    if b"\0" in message:
        raise errors.InputError("The message has the character NUL, which no mail may have.")
    ends = message.count(b"\r\n")
    return message if message.count(b"\n") == message.count(b"\r") == ends else _LINE_END.sub(b"\r\n", message)


def _internal_date(moment: datetime) -> str:
    """RFC 9051, 9: date-time."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return f'"{day(moment).rjust(11)} {moment:%H:%M:%S %z}" '
