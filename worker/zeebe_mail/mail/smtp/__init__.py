"""SMTP (RFC 5321): sessions that send mail phase by phase."""

from zeebe_mail.mail.smtp.dsn import DsnRequest
from zeebe_mail.mail.smtp.session import Outgoing, Receipt, SmtpConnector, SmtpSession, SmtpTimeouts

__all__ = ["DsnRequest", "Outgoing", "Receipt", "SmtpConnector", "SmtpSession", "SmtpTimeouts"]
