"""Errors in the words of Infosys' connectors, on which models match; below them stands what we have to say.

None of these connectors sets a code.
"""

from __future__ import annotations

from zeebe_mail.compat import errors as java
from zeebe_mail.compat.errors import RUNTIME
from zeebe_mail.errors import (
    CredentialsError,
    DocumentNotStored,
    FileMissing,
    FileNotAllowed,
    MailboxNotFound,
    MessageNotFound,
    ServerError,
    TlsFailed,
    Unreachable,
    WorkerError,
)

HTML_FIELD = "smtpEmailContent"
NO_HTML_FILE = "Invalid html file path in content or not a valid file"
NO_ATTACHMENT = "InvalidAttachments : system could not find attachment or provided path is invalid"
NO_MATCH = "No matching message found for given message ID in the folder"
NO_EMAIL = "No email found in the mailbox matching given message Id"


def of_sending(error: WorkerError) -> tuple[str, str]:
    """Java class and message of an error of the SMTP connector."""
    if isinstance(error, FileMissing | FileNotAllowed):
        words = NO_HTML_FILE if error.details.get("field") == HTML_FIELD else NO_ATTACHMENT
        return RUNTIME, f"{words}\n{error}"
    return java.described(error)


def of_mailbox(error: WorkerError) -> tuple[str, str]:
    """Java class and message of an error of the IMAP and POP3 connectors."""
    words = _words(error)
    return (RUNTIME, f"{words}\n{error}") if words else java.described(error)


def _words(error: WorkerError) -> str:
    said = error.details.get("text") or ""
    match error:
        case CredentialsError():
            return f"AuthenticationFailed : Please check userName, password or mail domain. {said}".rstrip()
        case MailboxNotFound():
            return f"FolderNotFound: {error.message}"
        case MessageNotFound():
            return error.message
        case Unreachable() | TlsFailed():
            return (
                "ConnectionError: Error Connecting to Mail Server. Please check hostName and portNumber. "
                f"{error.message}"
            )
        case FileNotAllowed() | DocumentNotStored():
            return f"DownloadFailed: Failed to download email, {error.message}"
        case ServerError():
            return f"MessagingException: {said or error.message}"
    return ""
