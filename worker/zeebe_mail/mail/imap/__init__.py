"""IMAP (RFC 9051, RFC 3501).

``connection`` is the wire, ``dialogue`` a login and its deadlines, ``session`` what operations get. A session's parts
are its ``directory`` (which mailboxes there are), ``mailboxes`` (which one is selected), ``search``, ``fetch`` and
``filing``. What goes out is made by ``syntax``, ``search_keys``, ``sequence_set`` and ``mailbox_names``; what comes in
is understood by ``mailbox``, ``numbers``, ``fetched``, ``copies`` and ``faults``, within ``allowance``.
"""

from zeebe_mail.mail.imap.dialogue import ImapTimeouts
from zeebe_mail.mail.imap.fetched import Summary
from zeebe_mail.mail.imap.flags import FlagChange
from zeebe_mail.mail.imap.mailbox import Mailbox, MailboxStatus, Selected
from zeebe_mail.mail.imap.session import ImapConnector, ImapSession
from zeebe_mail.mail.imap.sorting import SortBy

__all__ = [
    "FlagChange", "ImapConnector", "ImapSession", "ImapTimeouts", "Mailbox", "MailboxStatus",
    "Selected", "SortBy", "Summary",
]  # fmt: skip
