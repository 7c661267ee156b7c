"""POP3 (RFC 1939, RFC 2449): sessions that see a snapshot of one mailbox.

``protocol`` is the wire, ``dialogue`` a login and its deadlines, ``session`` what operations get; ``listing`` and
``faults`` understand what comes in, ``uidl_cache`` remembers headers.
"""

from zeebe_mail.mail.pop3.dialogue import Pop3Timeouts
from zeebe_mail.mail.pop3.listing import Listed
from zeebe_mail.mail.pop3.session import REMEMBERED, Pop3Connector, Pop3Session

__all__ = ["REMEMBERED", "Listed", "Pop3Connector", "Pop3Session", "Pop3Timeouts"]
