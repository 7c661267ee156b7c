"""One mailbox is selected at a time, and others can be made, renamed and deleted meanwhile (RFC 9051, 6.3)."""

from __future__ import annotations

import asyncio
import dataclasses

from zeebe_mail import errors
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.imap.connection import ImapClosed, ImapRefusal
from zeebe_mail.mail.imap.dialogue import ImapDialogue
from zeebe_mail.mail.imap.directory import Directory
from zeebe_mail.mail.imap.fetched import Fetched
from zeebe_mail.mail.imap.mailbox import Selected, selected
from zeebe_mail.mail.imap.mailbox_names import argument

_IDLE_TURN_S = 20.0  # some servers announce IDLE and are silent: after each turn NOOP asks
_POLL_S = 5.0


class Mailboxes:
    """Knows which mailbox is selected."""

    def __init__(self, dialogue: ImapDialogue, directory: Directory) -> None:
        self._dialogue = dialogue
        self._directory = directory
        self._selected: Selected | None = None

    # ── the selected one ─────────────────────────────────────────────────────────────────────────────────────────

    async def select(self, path: str, *, writable: bool = False) -> Selected:
        """EXAMINE or SELECT, or NOOP when it is selected already: what follows sees the mailbox as it is now.

        Raises:
            MailboxNotFound: there is no such mailbox.
            MailboxReadOnly: it is to be written and the server says READ-ONLY.
        """
        with self._dialogue.step(Phase.SELECT, mailbox=path):
            current = self._selected
            if current is None or current.path != path or (writable and current.read_only):
                return await self._open(path, writable=writable)
            try:
                refreshed = await self._refreshed(current)
            except ImapClosed:
                # The mailbox was deleted, or the server had enough of an old connection; nothing was begun on it.
                self._selected = refreshed = None
                await self._dialogue.open()
            return refreshed or await self._open(path, writable=writable)

    @property
    def selected(self) -> Selected:
        """The selected mailbox.

        Raises:
            InternalError: none was selected.
        """
        if self._selected is None:
            raise errors.InternalError("No mailbox is selected.")
        return self._selected

    async def writable(self) -> Selected:
        """The selected mailbox, opened for writing.

        Raises:
            MailboxReadOnly: the server says READ-ONLY.
            UidValidityChanged: it was made anew meanwhile.
        """
        before = self.selected
        return _same(before, await self._open(before.path, writable=True)) if before.read_only else before

    async def again(self, before: Selected, *, writable: bool) -> Selected:
        """Select a mailbox that was selected earlier.

        Raises:
            UidValidityChanged: it was made anew meanwhile, so its UIDs are those of other messages.
        """
        return _same(before, await self.select(before.path, writable=writable))

    async def open_again(self) -> None:
        """Select the same mailbox with a new connection.

        Raises:
            UidValidityChanged: it was made anew meanwhile.
        """
        before, self._selected = self.selected, None
        await self._dialogue.open()
        await self.again(before, writable=not before.read_only)

    async def leave(self, path: str) -> None:
        """Have this mailbox no longer selected, so that it can be renamed, deleted or appended to."""
        if self._selected is None or self._selected.path != path:
            return
        self._selected = None
        # CLOSE would expunge (RFC 9051, 6.4.1); EXAMINE of a mailbox that there is not leaves none selected.
        await self._dialogue.attempt(b"UNSELECT" if self._dialogue.can("UNSELECT") else b'EXAMINE ""')

    async def leave_what_is_only_read(self) -> bool:
        """Leave the selected mailbox if it is open for reading only; false when there is none such."""
        if self._selected is None or not self._selected.read_only:
            return False
        await self.leave(self._selected.path)
        return True

    async def wait_for_change(self, seconds: float) -> bool:
        """Wait until the selected mailbox has changed since ``select``, or the time is over.

        IDLE in short turns where the server has it, else polls; after each turn NOOP asks, since some servers are
        silent. False when the time is over.
        """
        with self._dialogue.step(Phase.WAIT):
            loop = asyncio.get_running_loop()
            until = loop.time() + seconds
            while True:
                flags_changed = any(map(Fetched.of, (await self._dialogue.ask(b"NOOP")).untagged))
                left = until - loop.time()
                if flags_changed or self._dialogue.connection.changed or left <= 0:
                    return flags_changed or self._dialogue.connection.changed
                if self._dialogue.can("IDLE"):
                    await self._dialogue.idle(min(left, _IDLE_TURN_S))
                else:
                    await asyncio.sleep(min(left, _POLL_S))
                self._dialogue.extend()

    # ── any of them ──────────────────────────────────────────────────────────────────────────────────────────────

    async def create(self, path: str) -> bool:
        """CREATE and SUBSCRIBE; False when it existed."""
        name = argument(path)
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path):
            created = True
            try:
                await self._dialogue.ask(b"CREATE ", name)
            except ImapRefusal as refusal:
                # Not all servers say ALREADYEXISTS.
                if refusal.status.code != "ALREADYEXISTS" and not await self._directory.exists(path):
                    raise
                created = False
            await self._dialogue.attempt(b"SUBSCRIBE ", name)
            return created

    async def rename(self, path: str, new_path: str) -> None:
        """RENAME; subscriptions of the mailbox and those below it follow.

        Raises:
            MailboxNotFound: there is no such mailbox.
            MailboxExists: there is one of the new name.
        """
        old, new = argument(path), argument(new_path)
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path, newMailbox=new_path):
            followers = await self._subscribed_within(path)  # some servers forget them with the name
            await self.leave(path)
            try:
                await self._dialogue.ask(b"RENAME ", old, b" ", new)
            except ImapRefusal as refusal:
                if not refusal.status.code and await self._directory.is_shown(new_path):
                    raise errors.MailboxExists(
                        f"{self._dialogue.where} has a mailbox {new_path} already.",
                        details=self._dialogue.where.details | {"mailbox": new_path},
                    ) from refusal
                if await self._directory.is_shown(path):
                    raise
                raise await self._directory.explained(refusal, path) from refusal
            await self._move_subscriptions(followers, path, new_path)

    async def finish_renaming(self, path: str, new_path: str) -> None:
        """Have subscriptions follow a mailbox that was renamed, as far as the server still knows them."""
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path, newMailbox=new_path):
            await self._move_subscriptions(await self._subscribed_within(path), path, new_path)

    async def delete(self, path: str) -> None:
        """DELETE and UNSUBSCRIBE.

        Raises:
            MailboxNotFound: there is no such mailbox.
        """
        name = argument(path)
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path):
            await self.leave(path)
            try:
                await self._dialogue.ask(b"DELETE ", name)
            except ImapRefusal as refusal:
                raise await self._directory.explained(refusal, path) from refusal
            await self._dialogue.attempt(b"UNSUBSCRIBE ", name)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _open(self, path: str, *, writable: bool) -> Selected:
        self._selected = None
        connection = self._dialogue.connection
        connection.exists = None
        try:
            reply = await self._dialogue.ask(b"SELECT " if writable else b"EXAMINE ", argument(path))
        except ImapRefusal as refusal:
            raise await self._directory.explained(refusal, path) from refusal
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
        reply = await self._dialogue.ask(b"NOOP")
        for response in reply.untagged:
            if response.text[:5].upper() in (b"* NO ", b"* BAD") or b"[UIDVALIDITY " in response.text[:20].upper():
                return None
        self._dialogue.connection.changed = False
        exists = self._dialogue.connection.exists
        if exists is None:
            return None
        if exists != current.exists:
            status = await self._directory.status(current.path)
            if status.uid_validity != current.uid_validity:
                return None
            current = dataclasses.replace(current, exists=exists, uid_next=status.uid_next)
        self._selected = current
        return current

    async def _move_subscriptions(self, followers: list[str], path: str, new_path: str) -> None:
        for one in followers:
            await self._dialogue.attempt(b"SUBSCRIBE ", argument(new_path + one.removeprefix(path)))
            await self._dialogue.attempt(b"UNSUBSCRIBE ", argument(one))

    async def _subscribed_within(self, path: str) -> list[str]:
        _, delimiter = await self._directory.namespace()
        return [
            one
            for one in await self._directory.subscribed()
            if one == path or (delimiter and one.startswith(path + delimiter))
        ]


def _same(before: Selected, now: Selected) -> Selected:
    if now.uid_validity != before.uid_validity:
        raise errors.UidValidityChanged(
            f"The mailbox {now.path} was made anew while it was worked in: its UIDVALIDITY was "
            f"{before.uid_validity} and is {now.uid_validity}.",
            details={"mailbox": now.path, "uidValidity": now.uid_validity},
        )
    return now
