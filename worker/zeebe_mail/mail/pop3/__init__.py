"""POP3 (RFC 1939, RFC 2449): sessions that see a snapshot of one mailbox."""

from zeebe_mail.mail.pop3.session import REMEMBERED, Listed, Pop3Connector, Pop3Session, Pop3Timeouts

__all__ = ["REMEMBERED", "Listed", "Pop3Connector", "Pop3Session", "Pop3Timeouts"]
