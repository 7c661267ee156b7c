"""A logged-in IMAP connection (RFC 9051, RFC 3501) with a selected mailbox.

UTF8=ACCEPT (RFC 6855) is not enabled: literals carry every text to search for, and mailbox names have their own
encoding. Nor is COMPRESS (RFC 4978): what is read in bulk are short lines that arrive faster than they could be
inflated, and mails whose bulk is compressed or base64 already.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

from zeebe_mail.auth.models import Auth, MailboxAuth
from zeebe_mail.egress import EgressPolicy
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.imap.dialogue import ImapDialogue, ImapTimeouts
from zeebe_mail.mail.imap.directory import Directory
from zeebe_mail.mail.imap.fetch import Fetch
from zeebe_mail.mail.imap.filing import Filing
from zeebe_mail.mail.imap.mailboxes import Mailboxes
from zeebe_mail.mail.imap.search import Search
from zeebe_mail.mail.server import ImapServer
from zeebe_mail.mail.tls import TlsPolicy


class ImapSession:
    """One connection to one IMAP server as one user.

    ``directory`` finds mailboxes and ``mailboxes`` selects one; ``search`` finds messages in it, ``fetch`` reads them
    and ``filing`` changes them. Every method of these ends within the server's ``deadline_seconds`` or raises; after a
    fault of the connection, a time-out or a cancellation the session is of no more use. UIDs go in and out as ints, in
    ranges and batches of our own; flags and mailbox names are checked before they are sent. All methods raise the
    errors of ``mail.imap.faults``.
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
        self.directory = Directory(self._dialogue)
        self.mailboxes = Mailboxes(self._dialogue, self.directory)
        self.fetch = Fetch(self._dialogue, self.mailboxes)
        self.search = Search(self._dialogue, self.fetch)
        self.filing = Filing(self._dialogue, self.mailboxes, self.search, self.fetch)

    # ── what the pool calls ──────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, encrypt as asked, log in.

        Raises:
            WorkerError: as ``mail.imap.faults`` says; the connection is closed.
        """
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
