"""What a fault in a conversation with an IMAP server means: status responses and exceptions → our errors.

``CODES`` decides by the response code (RFC 5530, RFC 9051, 7.1) that stands in a NO, BAD or BYE; without one, the
phase decides. Exceptions of the connection are told by ``faults``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zeebe_mail import errors
from zeebe_mail.auth.sasl import SaslError
from zeebe_mail.mail import faults
from zeebe_mail.mail.faults import Phase, Symptom, Where, next_step, shown_text
from zeebe_mail.mail.imap.connection import ImapClosed, ImapRefusal, ImapViolation, Status

FAULTS = (ImapRefusal, ImapViolation, OSError, SaslError)
"""What a conversation can raise."""

_Kind = type[errors.WorkerError]

CODES: Mapping[str, _Kind] = {
    "UNAVAILABLE": errors.Busy,
    "AUTHENTICATIONFAILED": errors.CredentialsError,
    "AUTHORIZATIONFAILED": errors.CredentialsError,
    "EXPIRED": errors.CredentialsError,
    "PRIVACYREQUIRED": errors.Unsupported,
    "CONTACTADMIN": errors.Refused,
    "NOPERM": errors.Refused,
    "INUSE": errors.MailboxLocked,
    "EXPUNGEISSUED": errors.MessageNotFound,
    "CORRUPTION": errors.Refused,
    "SERVERBUG": errors.Busy,
    "CLIENTBUG": errors.Refused,
    "CANNOT": errors.Refused,
    "LIMIT": errors.Busy,
    "OVERQUOTA": errors.QuotaExceeded,
    "ALREADYEXISTS": errors.MailboxExists,
    "NONEXISTENT": errors.MailboxNotFound,
    "TRYCREATE": errors.MailboxNotFound,
    "READ-ONLY": errors.MailboxReadOnly,
    "TOOBIG": errors.MessageTooLarge,
    "BADCHARSET": errors.Unsupported,
    "UNKNOWN-CTE": errors.Unsupported,
    "HASCHILDREN": errors.Refused,
    "NOTSAVED": errors.Refused,
    "UIDREQUIRED": errors.Refused,
    "BADURL": errors.Refused,
    "CLOSED": errors.Busy,
}
"""The error for each response code that a refusal can carry."""

WITHOUT_CODE: Mapping[tuple[Phase, str], _Kind] = {
    (Phase.GREETING, "BYE"): errors.Busy,
    (Phase.AUTH, "NO"): errors.CredentialsError,
    (Phase.AUTH, "BAD"): errors.Unsupported,
    (Phase.STARTTLS, "NO"): errors.Unsupported,
    (Phase.STARTTLS, "BAD"): errors.Unsupported,
    (Phase.SELECT, "NO"): errors.MailboxNotFound,
}
"""The error for a refusal without a code that is known, by phase and condition; else BYE means that the connection is
lost, and NO and BAD that the server refuses."""

SENTENCES: Mapping[_Kind, str] = {
    errors.Busy: "{where} asks to come back later while {doing}",
    errors.Unreachable: "{where} closed the connection while {doing}",
    errors.Unsupported: "{where} does not support what was asked while {doing}",
    errors.CredentialsError: "{where} does not accept {credentials}",
    errors.MailboxLocked: "{where} lets no other client into the mailbox now",
    errors.MailboxNotFound: "{where} has no such mailbox",
    errors.MailboxExists: "{where} has such a mailbox already",
    errors.MailboxReadOnly: "{where} does not let this user change the mailbox",
    errors.MessageNotFound: "{where} says that the message has gone",
    errors.QuotaExceeded: "{where} has no room left for this user",
    errors.MessageTooLarge: "{where} does not take a message of this size",
    errors.Refused: "{where} refuses while {doing}",
}


def meaning(phase: Phase, status: Status) -> _Kind:
    """The error that a NO, BAD or BYE stands for in a phase."""
    if phase in (Phase.FILE, Phase.APPEND) and status.code == "NOPERM":
        return errors.MailboxReadOnly
    if phase is Phase.AUTH and status.code in ("NOPERM", "CANNOT", "NONEXISTENT"):
        return errors.CredentialsError
    if status.code in CODES:
        return CODES[status.code]
    lost = errors.Unreachable if status.condition == "BYE" else errors.Refused
    return WITHOUT_CODE.get((phase, status.condition), lost)


def translate(error: BaseException, where: Where, *, concerning: Mapping[str, Any] | None = None) -> errors.WorkerError:
    """The error of ours that says what a fault means in its phase; ``concerning`` adds to its details."""
    if isinstance(error, ImapRefusal):
        return of_status(error.status, where, concerning)
    if isinstance(error, ImapClosed):
        status = error.status or Status("BYE", "", b"", "")
        return of_status(status, where, concerning)
    if isinstance(error, ImapViolation):
        what = f"{where} broke the protocol while {where.phase.value} ({shown_text(str(error))})."
        kind = errors.TlsFailed if where.phase is Phase.TLS else errors.Misbehaved
        return kind(what, next_step=next_step(Symptom(where, kind, 0, str(error))), details=where.details)
    return faults.of_exception(error, where)


def of_status(status: Status, where: Where, concerning: Mapping[str, Any] | None = None) -> errors.WorkerError:
    """The error for a server's NO, BAD or BYE."""
    kind = meaning(where.phase, status)
    # A server may echo what it was sent, password included.
    text = "" if where.phase is Phase.AUTH else shown_text(status.text)
    shown_code = shown_text(status.code)[:60]
    said = " ".join(part for part in (status.condition, f"[{shown_code}]" if shown_code else "", text) if part)
    named = "".join(f" ({key}: {shown_text(str(value))})" for key, value in (concerning or {}).items())
    what = SENTENCES[kind].format(where=where, doing=where.phase.value, credentials=faults.CREDENTIALS[where.login])
    details = where.details | dict(concerning or {}) | {"responseCode": shown_code or None, "text": text}
    step = next_step(
        Symptom(where, kind, 0, f"{status.code} {status.text} {(concerning or {}).get('tokenStatus', '')}")
    )
    answered = f" (server: {said})" if status.code or status.text else ""
    return kind(f"{what}{named}{answered}.", next_step=step, details=details)
