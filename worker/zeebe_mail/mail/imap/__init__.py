"""IMAP (RFC 9051, RFC 3501): sessions with a selected mailbox."""

from zeebe_mail.mail.imap.dialogue import ImapTimeouts
from zeebe_mail.mail.imap.fetched import SUMMARY_FIELDS, Summary
from zeebe_mail.mail.imap.flags import FlagChange
from zeebe_mail.mail.imap.mailbox import Mailbox, MailboxStatus, Selected
from zeebe_mail.mail.imap.session import ImapConnector, ImapSession
from zeebe_mail.mail.imap.sorting import SortBy

__all__ = [
    "SUMMARY_FIELDS", "FlagChange", "ImapConnector", "ImapSession", "ImapTimeouts", "Mailbox", "MailboxStatus",
    "Selected", "SortBy", "Summary",
]  # fmt: skip
