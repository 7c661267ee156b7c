"""What the servers that keep mail have in common for a test: where they listen, fresh accounts, and other clients."""

import enum
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from imapclient import IMAPClient

from zeebe_mail.demo.engine import LOOPBACK

PASSWORD = "secret"
ACCOUNTS = {f"user{number:02}": PASSWORD for number in range(500)}
"""Every server has these, all empty: a test takes the next one and has it for itself."""
MANY_ACCOUNTS = {f"user{number:02}": PASSWORD for number in range(2000)}
"""Where an account is only a line in a file, and most tests take theirs."""


class Lack(enum.Enum):
    """What one of the servers does not do, and the others do. Nothing else may differ for a process."""

    TLS = "offers neither TLS nor STARTTLS"
    SPECIAL_USE = "does not say which mailbox is for what"
    KEYWORDS = "keeps no flags of one's own"
    SORT = "cannot sort"
    MOVE = "has COPY, but not MOVE"
    QUOTES_IN_NAMES = "takes no quotes and backslashes in the names of mailboxes"
    REPEATED_HEADERS = "searches only in one of several headers of a name"
    DELETE_ABOVE = "deletes no mailbox that has others below it"
    OLD_SUBSCRIPTIONS = "forgets the subscription to a mailbox that is renamed"
    NUMBERS = "takes numbers of messages in UID SEARCH for UIDs"
    LAST_UID = "finds nobody as UID *"
    PUSH = "tells nothing to an idling client until it asks"


class MailServerUnderTest:
    """A running server that keeps mail: Dovecot, Cyrus, Courier or pymap. A port that it does not have is None."""

    imap: int
    pop3: int
    imaps: int | None = None
    pop3s: int | None = None
    ca_file: Path | None = None
    """What to trust for its certificate, which is for `localhost`."""
    lacks: frozenset[Lack] = frozenset()
    accounts: Mapping[str, str] = ACCOUNTS
    """Password by user."""

    def new_account(self) -> str:
        """A user whose mailboxes nobody has touched; the password is `PASSWORD`."""
        return next(self._fresh)

    @cached_property
    def _fresh(self) -> Iterator[str]:
        return iter(self.accounts)

    @contextmanager
    def client(self, user: str, password: str = PASSWORD) -> Iterator[IMAPClient]:
        """A bare client, logged in: what somebody else does with the mailbox."""
        with self._connected() as client:
            client.login(user, password)
            client.normalise_times = False
            yield client

    def deliver(self, user: str, *messages: bytes, mailbox: str = "INBOX", flags: Iterable[str] = ()) -> None:
        """Put messages into a mailbox, byte for byte, by a connection of their own."""
        with self.client(user) as client:
            for message in messages:
                client.append(mailbox, message, flags)

    def _connected(self) -> IMAPClient:
        if self.imaps is None:
            client = IMAPClient(LOOPBACK, self.imap, ssl=False)
        else:
            context = ssl.create_default_context(cafile=str(self.ca_file))
            client = IMAPClient("localhost", self.imaps, ssl_context=context)
        # imaplib sends a command in pieces, which costs 40 ms each with Nagle's algorithm.
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client
