"""Errors as the runtime of Camunda's connectors puts them: ``{type, message}``, a Java class and a text to match on.

The first part of a message is what the Java mail library would have said, as far as it is a fact here too; below it
stands what we have to say, with our code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from zeebe_mail import errors
from zeebe_mail.errors import ContractError, Retry, WorkerError

INPUT = "io.camunda.connector.api.error.ConnectorInputException"
BACKOFF = "io.camunda.connector.runtime.core.error.InvalidBackOffDurationException"
EXPRESSION = "io.camunda.connector.feel.FeelEngineWrapperException"
RUNTIME = "java.lang.RuntimeException"
CONNECTOR = "io.camunda.connector.api.error.ConnectorException"

NOT_NULL = "must not be null"
NOT_BLANK = "must not be blank"

_NESTED = ";\n  nested exception is:\n\t"


def violations(found: Iterable[tuple[str, str]]) -> ContractError:
    """The error for all properties that break a rule: path and rule."""
    lines = (f"\n - Property: {path}: Validation failed. Original message: {rule}" for path, rule in found)
    return ContractError(
        "jakarta.validation.ValidationException: Found constraints violated while validating input: " + "".join(lines)
    )


def bad_address(problem: object, field: str) -> ContractError:
    """The error for text that is no mail address."""
    return ContractError(f"jakarta.mail.internet.AddressException: {field} {problem}")


def folder_missing(name: str) -> errors.MailboxNotFound:
    """The error for a folder whose name is blank, which none can have."""
    return errors.MailboxNotFound(f"There is no mailbox {name!r}.", details={"path": name})


def cost(error: WorkerError) -> Retry:
    """What an error costs there: every trouble with a server is one retry, for good or not.

    What would repeat a mail is different from there: it costs all of them.
    """
    is_server_trouble = isinstance(error, _SERVER_TROUBLE)
    return Retry.LATER if is_server_trouble and not isinstance(error, errors.OutcomeUnknown) else error.retry


_SERVER_TROUBLE = (
    errors.ServerError,
    errors.CredentialsError,
    errors.Unsupported,
    errors.DocumentNotFound,
    errors.DocumentNotStored,
    errors.DocumentStoreUnavailable,
    errors.DownloadFailed,
    errors.DownloadRefused,
)


def described(error: WorkerError) -> tuple[str, str]:
    """Java class and message of an error."""
    match error:
        case ContractError():
            return error.foreign_type or INPUT, error.message
        case errors.SecretMissing():
            return INPUT, f"Secret with name '{error.details.get('secret')}' is not available"
        case errors.ExpressionError():
            return EXPRESSION, f"Failed to evaluate expression. {error}"
        case errors.InputError() | errors.SecretError() | errors.ResultTooLarge():
            return INPUT, str(error)
        case errors.MessageNotFound():
            return RUNTIME, error.message
        case errors.MailboxNotFound(details={"path": path} | {"mailbox": path}):
            return RUNTIME, f"jakarta.mail.MessagingException: Folder {path} does not exist"
        case errors.DownloadFailed() | errors.DownloadRefused():
            return CONNECTOR, str(error)
        case errors.RecipientsRefused():
            # The usual next step names a field that this contract does not have.
            return RUNTIME, f"{_java_words(error)}\n{error.code}: {error.message}"
        case errors.ServerError() | errors.CredentialsError() | errors.Unsupported():
            return RUNTIME, f"{_java_words(error)}\n{error}"
        case _:
            return RUNTIME, str(error)


def _java_words(error: WorkerError) -> str:
    facts = error.details
    if isinstance(error, errors.OutcomeUnknown):
        return "org.eclipse.angus.mail.smtp.SMTPSendFailedException: [EOF]"
    if isinstance(error, errors.MessageTooLarge):
        return "org.eclipse.angus.mail.smtp.SMTPSendFailedException: 552 larger than the worker's limit"
    if "limitBytes" in facts:
        return "org.eclipse.angus.mail.smtp.SMTPSendFailedException: 552 larger than the server's SIZE"
    if "rejected" in facts:
        worst = max(facts["rejected"], key=lambda one: one["code"] // 100)
        return _rejected(_answer(worst))
    said = _answer(facts)
    phase = facts.get("phase") or next((name for kind, name in _USUAL.items() if isinstance(error, kind)), "")
    words = (_MAILBOX_WORDS if facts.get("protocol") in ("imap", "pop3") else _WORDS).get(phase)
    return words(error, said) if words else f"jakarta.mail.MessagingException: {said}"


def _answer(facts: Mapping[str, Any]) -> str:
    """A server's reply in one line, or how Java's library shows that there was none."""
    code = facts.get("code", 0)
    parts = (str(code) if code > 0 else "", facts.get("enhanced", ""), facts.get("text", ""))
    return " ".join(part for part in parts if part) or "[EOF]"


def _rejected(said: str) -> str:
    return (
        f"jakarta.mail.SendFailedException: Invalid Addresses{_NESTED}"
        f"org.eclipse.angus.mail.smtp.SMTPAddressFailedException: {said}"
    )


def _not_connected(error: WorkerError, _: str) -> str:
    host, port = error.details.get("host"), error.details.get("port")
    match error:
        case errors.HostNotFound():
            cause = f"java.net.UnknownHostException: {host}"
        case errors.ServerTimeout():
            cause = "java.net.SocketTimeoutException: Connect timed out"
        case _:
            cause = "java.net.ConnectException: Connection refused"
    return (
        "org.eclipse.angus.mail.util.MailConnectException: "
        f"Couldn't connect to host, port: {host}, {port}; timeout -1{_NESTED}{cause}"
    )


_CERTIFICATE = {
    "mismatch": "No subject alternative DNS name matching {host} found.",
    "expired": "PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed",
}
_UNTRUSTED = (
    "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)


def _no_tls(error: WorkerError, _: str) -> str:
    facts = error.details
    return (
        f"jakarta.mail.MessagingException: Could not connect to SMTP host: {facts.get('host')}, "
        f"port: {facts.get('port')}, or could not convert socket to TLS{_NESTED}"
        f"javax.net.ssl.SSLHandshakeException: {_tls_reason(error)}"
    )


def _tls_reason(error: WorkerError) -> str:
    if not isinstance(error, errors.CertificateRejected):
        return "handshake failed"
    reason = next((text for sign, text in _CERTIFICATE.items() if sign in error.message.lower()), _UNTRUSTED)
    return reason.format(host=error.details.get("host"))


def _no_mailbox_tls(error: WorkerError, _: str) -> str:
    kind = "javax.net.ssl.SSLException: Unsupported or unrecognized SSL message"
    if isinstance(error, errors.CertificateRejected):
        kind = f"javax.net.ssl.SSLHandshakeException: {_tls_reason(error)}"
    return _not_opened(error, kind)


def _no_greeting(error: WorkerError, said: str) -> str:
    silent = isinstance(error, errors.ServerTimeout)
    return _not_opened(
        error, "java.net.SocketTimeoutException: Read timed out" if silent else f"java.io.IOException: {said}"
    )


def _not_opened(error: WorkerError, cause: str) -> str:
    """POP3 says that connecting failed; IMAP gives the cause first."""
    failed = "Connect failed" if error.details.get("protocol") == "pop3" else cause.partition(": ")[2]
    return f"jakarta.mail.MessagingException: {failed}{_NESTED}{cause}"


def _no_mailbox_login(error: WorkerError, said: str) -> str:
    if isinstance(error, errors.CredentialsError):
        code = error.details.get("responseCode")
        said = f"[{code}] Authentication failed." if code else "Authentication failed."
        return f"jakarta.mail.AuthenticationFailedException: {said}"
    return _no_greeting(error, said)


def _no_starttls(error: WorkerError, said: str) -> str:
    if isinstance(error, errors.Unsupported):
        return "jakarta.mail.MessagingException: STARTTLS is required but host does not support STARTTLS"
    return f"jakarta.mail.MessagingException: Could not convert socket to TLS: {said}"


def _bad_greeting(error: WorkerError, said: str) -> str:
    facts = error.details
    return (
        f"jakarta.mail.MessagingException: Got bad greeting from SMTP host: {facts.get('host')}, "
        f"port: {facts.get('port')}, response: {said}"
    )


def _no_login(error: WorkerError, said: str) -> str:
    if isinstance(error, errors.Unsupported):
        said = "No authentication mechanisms supported by both server and client"
    return f"jakarta.mail.AuthenticationFailedException: {said}"


def _not_sent(error: WorkerError, said: str) -> str:
    words = f"org.eclipse.angus.mail.smtp.SMTPSendFailedException: {said}"
    if isinstance(error, errors.SenderRefused):
        words += f"{_NESTED}org.eclipse.angus.mail.smtp.SMTPSenderFailedException: {said}"
    return words


_WORDS: Mapping[str, Callable[[WorkerError, str], str]] = {
    "CONNECT": _not_connected,
    "TLS": _no_tls,
    "GREETING": _bad_greeting,
    "STARTTLS": _no_starttls,
    "AUTH": _no_login,
    "MAIL": _not_sent,
    "RCPT": lambda _, said: _rejected(said),
    "DATA": _not_sent,
    "BODY": _not_sent,
    "DOT": _not_sent,
}
"""For each phase of a conversation, what Java's mail library says when it ends there."""

_MAILBOX_WORDS: Mapping[str, Callable[[WorkerError, str], str]] = {
    "CONNECT": _not_connected,
    "TLS": _no_mailbox_tls,
    "GREETING": _no_greeting,
    "CAPA": _no_greeting,
    "AUTH": _no_mailbox_login,
}
"""The same for IMAP and POP3."""

_USUAL: Mapping[type[WorkerError], str] = {
    errors.Unreachable: "CONNECT",
    errors.TlsFailed: "TLS",
    errors.CredentialsError: "AUTH",
    errors.SenderRefused: "MAIL",
    errors.RecipientsRefused: "RCPT",
    errors.RecipientsDeferred: "RCPT",
    errors.MessageRefused: "DOT",
}
"""The phase that an error usually comes from, for errors that do not say."""
