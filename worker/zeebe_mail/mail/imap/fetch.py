"""FETCH (RFC 9051, 6.4.5): messages, their parts, and what is known of them without their bodies.

The items are fixed texts and checked section numbers, so nothing a process says becomes a command. Nothing is marked as
read (PEEK).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from zeebe_mail import errors
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.imap.allowance import A_LINE, BATCH, CHUNK, SLACK, STRUCTURES
from zeebe_mail.mail.imap.connection import ImapExcess, Response
from zeebe_mail.mail.imap.dialogue import ImapDialogue
from zeebe_mail.mail.imap.fetched import (
    BYTES_OF_A_SUMMARY,
    SUMMARY_ITEMS,
    Fetched,
    FetchedByUid,
    Summary,
    octets,
    summary,
)
from zeebe_mail.mail.imap.mailboxes import Mailboxes
from zeebe_mail.mail.imap.sequence_set import batches

_SECTION = re.compile(r"[1-9]\d{0,3}(?:\.[1-9]\d{0,3}){0,31}", re.ASCII)


class Fetch:
    """Reads messages of the selected mailbox."""

    def __init__(self, dialogue: ImapDialogue, mailboxes: Mailboxes) -> None:
        self._dialogue = dialogue
        self._mailboxes = mailboxes

    async def summaries(self, uids: Sequence[int], *, attachments: bool = True) -> list[Summary]:
        """What is known of messages without their bodies, in the order asked for; missing ones are left out."""
        with self._dialogue.step(Phase.FETCH):
            items = SUMMARY_ITEMS + (b" BODYSTRUCTURE" if attachments else b"")
            known: dict[int, Summary] = {}

            def take(response: Response) -> None:
                fetched = Fetched.of(response)
                if fetched is not None and (made := summary(fetched)) is not None:
                    known[made.uid] = made

            for batch, count in batches(uids, BATCH):
                allowance = STRUCTURES + count * BYTES_OF_A_SUMMARY
                try:
                    await self._dialogue.ask(b"UID FETCH %s (%s)" % (batch, items), allowance=allowance, take=take)
                except ImapExcess:
                    if not attachments:
                        raise
                    # A sender can give one mail so many parts that its structure has megabytes.
                    await self._mailboxes.open_again()
                    command = b"UID FETCH %s (%s)" % (batch, SUMMARY_ITEMS)
                    await self._dialogue.ask(command, allowance=allowance, take=take)
            return [known[uid] for uid in uids if uid in known]

    async def items(self, uids: Sequence[int], items: bytes, bytes_of_one: int) -> dict[int, Fetched]:
        """What each message that exists is answered with, by UID; ``UID`` is among the items."""
        known = FetchedByUid()
        for batch, count in batches(uids, BATCH):
            command = b"UID FETCH %s (%s)" % (batch, items)
            await self._dialogue.ask(command, allowance=SLACK + count * bytes_of_one, take=known)
        return known

    async def size(self, uid: int) -> int | None:
        """RFC822.SIZE, or None when there is no such message."""
        with self._dialogue.step(Phase.FETCH, uid=uid):
            found = (await self.items([uid], b"UID RFC822.SIZE", A_LINE)).get(uid)
            return found.number(b"RFC822.SIZE") if found else None

    async def part_size(self, uid: int, section: str) -> int | None:
        """Bytes of a part as it was sent, still encoded (BODYSTRUCTURE); None where the server tells none.

        Raises:
            InputError: ``section`` is not the number of a part.
        """
        checked_section(section)
        with self._dialogue.step(Phase.FETCH, uid=uid, part=section):
            try:
                found = (await self.items([uid], b"UID BODYSTRUCTURE", STRUCTURES)).get(uid)
            except ImapExcess:  # a sender can give a mail so many parts that its structure has megabytes
                await self._mailboxes.open_again()
                return None
            structure = found.items.get(b"BODYSTRUCTURE") if found else None
            return octets(structure, section) if isinstance(structure, list) else None

    async def message(self, uid: int, *, limit: int) -> bytes | None:
        """The raw message (BODY.PEEK[], in partial fetches), or None when there is no such message.

        Raises:
            MessageTooLarge: it has more than ``limit`` bytes.
        """
        with self._dialogue.step(Phase.FETCH, uid=uid):
            return await self._section(uid, b"", limit)

    async def digest(self, uid: int) -> bytes | None:
        """What the raw message has in common with its copies alone, or None when there is no such message."""
        with self._dialogue.step(Phase.FETCH, uid=uid):
            digest, start = hashlib.sha256(), 0
            while True:
                found = await self._piece(uid, b"", start)
                body = found.body if found else None
                if body is None:
                    return None
                digest.update(body)
                start += len(body)
                if len(body) < CHUNK:
                    return digest.digest()

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
        number = checked_section(section)
        with self._dialogue.step(Phase.FETCH, uid=uid, part=section):
            return await self._section(uid, number, limit)

    async def part_header(self, uid: int, section: str) -> bytes | None:
        """The MIME header of a part (BODY.PEEK[1.2.MIME]; of part ``1`` of a message without parts, its header).

        Raises:
            MessageTooLarge: it has more than a mebibyte.
            InputError: ``section`` is not the number of a part.
        """
        number = checked_section(section)
        with self._dialogue.step(Phase.FETCH, uid=uid, part=section):
            header = await self._section(uid, number + b".MIME", CHUNK)
            if header is not None and not header.strip() and section == "1":
                return await self._section(uid, b"HEADER", CHUNK)
            return header

    async def _section(self, uid: int, section: bytes, limit: int) -> bytes | None:
        """A section in pieces, so that nobody can hand us more than is asked for."""
        whole = bytearray()
        while True:
            size = b"RFC822.SIZE " if not section and not whole else b""
            found = await self._piece(uid, section, len(whole), size)
            body = found.body if found else None
            if found is None or body is None:
                return None
            whole += body
            announced = (found.number(b"RFC822.SIZE") or 0) if size else 0
            if max(len(whole), announced) > limit:
                raise self._too_large(uid, max(len(whole), announced), limit)
            if len(body) < CHUNK:
                return bytes(whole)

    async def _piece(self, uid: int, section: bytes, start: int, more: bytes = b"") -> Fetched | None:
        piece = b"BODY.PEEK[%s]<%d.%d>" % (section, start, CHUNK)
        return (await self.items([uid], b"UID " + more + piece, CHUNK)).get(uid)

    def _too_large(self, uid: int, size: int, limit: int) -> errors.MessageTooLarge:
        return errors.MessageTooLarge(
            f"The message with UID {uid} has {size} bytes or more, and {limit} are allowed.",
            details=self._dialogue.where.details | {"uid": uid, "sizeBytes": size, "limitBytes": limit},
        )


def checked_section(section: str) -> bytes:
    """A part's number such as ``1.2``.

    Raises:
        InputError: it is none.
    """
    if not _SECTION.fullmatch(section):
        raise errors.InputError("part is not the number of a part such as 1 or 1.2.")
    return section.encode()
