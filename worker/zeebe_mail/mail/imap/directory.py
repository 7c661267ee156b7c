"""The directory of mailboxes: which there are, what they are for, and which one a name stands for."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

from zeebe_mail import errors
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.imap import mailbox_names
from zeebe_mail.mail.imap.allowance import MANY_NUMBERS
from zeebe_mail.mail.imap.connection import ImapRefusal, ImapViolation, Piece, Response
from zeebe_mail.mail.imap.dialogue import ImapDialogue
from zeebe_mail.mail.imap.mailbox import Mailbox, MailboxStatus, listed, status_items, statuses
from zeebe_mail.mail.imap.syntax import decoded_name, parse

_USUAL_NAMES = {
    r"\sent": ("Sent", "Sent Items", "Sent Messages", "Sent Mail"),
    r"\trash": ("Trash", "Deleted Items", "Deleted Messages", "Bin"),
    r"\drafts": ("Drafts",),
    r"\archive": ("Archive", "Archives"),
    r"\junk": ("Junk", "Spam", "Junk E-mail", "Bulk Mail"),
}
"""What mailboxes are called at servers that do not say what they are for."""


class Directory:
    """Finds mailboxes; changes none."""

    def __init__(self, dialogue: ImapDialogue) -> None:
        self._dialogue = dialogue
        self._namespace: tuple[str, str | None] | None = None

    async def resolve(self, name: str, *, or_level: bool = False) -> str:
        """The path of the mailbox that a process names; of what is no mailbox but has some below it, ``or_level``.

        ``INBOX`` in any case; ``\\Sent``, ``\\Trash`` … by special use; the exact path, if it exists; else the path
        with ``.`` or ``/`` between its levels in the server's own way, with the personal namespace's prefix.

        Raises:
            MailboxNotFound: none of these exists; the message names the nearest.
            InputError: no mailbox can have such a name.
        """
        name = mailbox_names.checked(name)
        if mailbox_names.is_inbox(name):
            return "INBOX"
        with self._dialogue.step(Phase.MAILBOXES, mailbox=name):
            if name.startswith("\\"):
                return await self._of_special_use(name)
            prefix, delimiter = await self.namespace()
            level: str | None = None
            for path in mailbox_names.candidates(name, delimiter, prefix):
                found = await self._look(path)
                if found is not None and (found.selectable or or_level):
                    return path
                level = level or (path if found else None)
            if level is not None:
                raise self._only_level(level)
            everything = await self.mailboxes()
            path = mailbox_names.in_the_servers_way(name, delimiter, prefix)
            raise await self._not_found(name, [one.path for one in everything if one.selectable], path)

    async def path_for(self, name: str) -> str:
        """Where a mailbox of this name is to be made: levels joined the server's way, prefix of the namespace.

        Raises:
            InputError: no mailbox can have such a name.
        """
        name = mailbox_names.checked(name)
        with self._dialogue.step(Phase.MAILBOXES, mailbox=name):
            prefix, delimiter = await self.namespace()
            return mailbox_names.in_the_servers_way(name, delimiter, prefix)

    async def mailboxes(self, pattern: str = "*", *, with_status: bool = False) -> list[Mailbox]:
        """LIST, with special uses, subscriptions and, where asked, STATUS, in few round trips."""
        argument = mailbox_names.argument(pattern)
        with self._dialogue.step(Phase.MAILBOXES):
            found, known = await self._list(argument, with_status=with_status)
            if with_status:
                for one in found:
                    if one.selectable and one.path not in known:
                        # One that may not be looked at, or whose name nobody can send, must not hide the others.
                        with contextlib.suppress(ImapRefusal, errors.InputError):
                            known[one.path] = await self._status(one.path)
            return [dataclasses.replace(one, status=known.get(one.path)) for one in found]

    async def status(self, path: str) -> MailboxStatus:
        """STATUS, with the items the server offers.

        Raises:
            MailboxNotFound: there is no such mailbox.
        """
        with self._dialogue.step(Phase.MAILBOXES, mailbox=path):
            try:
                return await self._status(path)
            except ImapRefusal as refusal:
                raise await self.explained(refusal, path) from refusal

    async def exists(self, path: str) -> bool:
        """Whether LIST shows such a mailbox; what only has mailboxes below it is none."""
        found = await self._look(path)
        return found is not None and found.selectable

    async def is_shown(self, path: str) -> bool:
        """Whether LIST shows such a mailbox or such a level above others."""
        return await self._look(path) is not None

    async def subscribed(self) -> list[str]:
        """The paths of the mailboxes that the user has subscribed to."""
        return [path for has, _, path in await self._listed(b"LSUB", b'"*"') if r"\noselect" not in has]

    async def namespace(self) -> tuple[str, str | None]:
        """Prefix and delimiter of the user's own mailboxes (RFC 2342), asked for once."""
        if self._namespace is None:
            self._namespace = await self._asked_namespace()
        return self._namespace

    async def explained(self, refusal: ImapRefusal, path: str) -> Exception:
        """Why the server refused something about a mailbox, when it does not say so itself: often there is none."""
        if refusal.status.code or refusal.status.condition != "NO":
            return refusal
        try:
            await self._status(path)  # Dovecot goes on listing what was deleted, as long as there is something below it
        except ImapRefusal:
            others = [one.path for one in await self.mailboxes() if one.selectable and one.path != path]
            return await self._not_found(path, others)
        return refusal

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _look(self, path: str) -> Mailbox | None:
        """What LIST shows of a path, if anything: a mailbox, or a level above others."""
        found = listed((await self._dialogue.ask(b'LIST "" ', mailbox_names.argument(path))).untagged)
        shown = (Mailbox(one, delimiter, has, subscribed=False) for has, delimiter, one in found if one == path)
        return next(shown, None)

    async def _status(self, path: str) -> MailboxStatus:
        argument, items = mailbox_names.argument(path), status_items(self._dialogue.can)
        found = statuses((await self._dialogue.ask(b"STATUS ", argument, b" ", items)).untagged)
        if path not in found:
            raise ImapViolation("STATUS without its response")
        return found[path]

    async def _listed(self, command: bytes, pattern: Piece) -> list[tuple[frozenset[str], str | None, str]]:
        """What LIST or LSUB shows, taken as it comes: there may be very many."""
        found: list[tuple[frozenset[str], str | None, str]] = []

        def take(response: Response) -> None:
            found.extend(listed([response], command))

        await self._dialogue.ask(command, b' "" ', pattern, allowance=MANY_NUMBERS, take=take)
        return found

    async def _asked_namespace(self) -> tuple[str, str | None]:
        if self._dialogue.can("NAMESPACE"):
            for response in (await self._dialogue.ask(b"NAMESPACE")).untagged:
                if response.text[:12].upper() == b"* NAMESPACE ":
                    match parse(response):
                        case [_, [[bytes(prefix), bytes(delimiter), *_], *_], *_]:
                            return decoded_name(prefix), decoded_name(delimiter)
        root = listed((await self._dialogue.ask(b'LIST "" ""')).untagged)
        return "", root[0][1] if root else "/"

    async def _of_special_use(self, name: str) -> str:
        attribute = name.lower()
        if attribute not in mailbox_names.SPECIAL_USES:
            known = ", ".join(rf"\{use.title()}" for use in mailbox_names.SPECIAL_USES.values())
            raise errors.MailboxNotFound(f"{name} is no special use of a mailbox; known are {known}.")
        selectable = [one for one in await self.mailboxes() if one.selectable]
        for one in selectable:
            if attribute in one.attributes:
                return one.path
        prefix, _ = await self.namespace()
        by_name = {one.path.removeprefix(prefix).lower(): one.path for one in selectable}
        for usual in _USUAL_NAMES.get(attribute, ()):
            if usual.lower() in by_name:
                return by_name[usual.lower()]
        raise await self._not_found(name, sorted(one.path for one in selectable))

    async def _not_found(self, name: str, paths: list[str], path: str = "") -> errors.MailboxNotFound:
        """The error for a name; ``path`` is where a mailbox of that name would be."""
        near = await asyncio.to_thread(mailbox_names.nearest, name, paths)  # with thousands of paths it takes long
        where = self._dialogue.where
        return errors.MailboxNotFound(
            f"{where} has no mailbox {mailbox_names.quoted_list([name])}.",
            next_step=f"Did you mean {mailbox_names.quoted_list(near)}?" if near else None,
            details=where.details | {"mailbox": name, "path": path or name, "nearest": near},
        )

    def _only_level(self, path: str) -> errors.MailboxNotFound:
        where = self._dialogue.where
        return errors.MailboxNotFound(
            f"At {where} {mailbox_names.quoted_list([path])} is no mailbox, but has mailboxes below it.",
            next_step="Name one of these, or create it as a mailbox of its own.",
            details=where.details | {"mailbox": path, "nearest": []},
        )

    async def _list(self, pattern: Piece, *, with_status: bool) -> tuple[list[Mailbox], dict[str, MailboxStatus]]:
        if not self._dialogue.can("LIST-EXTENDED"):
            found = await self._listed(b"LIST", pattern)
            subscribed = set(await self.subscribed())
            return [Mailbox(path, delimiter, has, path in subscribed) for has, delimiter, path in found], {}
        returns = [b"SUBSCRIBED", b"CHILDREN"]
        returns += [b"SPECIAL-USE"] if self._dialogue.can("SPECIAL-USE") else []
        if with_status and self._dialogue.can("LIST-STATUS"):
            returns.append(b"STATUS " + status_items(self._dialogue.can))
        command = (b'LIST "" ', pattern, b" RETURN (", b" ".join(returns), b")")
        mailboxes: list[Mailbox] = []
        known: dict[str, MailboxStatus] = {}

        def take(response: Response) -> None:
            known.update(statuses([response]))
            mailboxes.extend(
                Mailbox(path, delimiter, has - {r"\subscribed"}, r"\subscribed" in has)
                for has, delimiter, path in listed([response])
            )

        await self._dialogue.ask(*command, allowance=MANY_NUMBERS, take=take)
        return mailboxes, known
