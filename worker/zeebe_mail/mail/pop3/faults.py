"""What a fault in a conversation with a POP3 server means: ``-ERR`` and exceptions → our errors.

``CODES`` decides by the response code (RFC 2449, 8; RFC 3206) of a refusal. Without one ``WORDINGS`` looks at the text,
for servers from before the codes, and then the phase decides. Exceptions of the connection are told by ``faults``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from zeebe_mail import errors
from zeebe_mail.auth.sasl import SaslError
from zeebe_mail.mail import faults
from zeebe_mail.mail.faults import CREDENTIALS, Phase, Symptom, Where, next_step, shown_text
from zeebe_mail.mail.pop3.protocol import Pop3Refusal, Pop3ReplyTooLong, Pop3Violation

FAULTS = (Pop3Refusal, Pop3Violation, Pop3ReplyTooLong, OSError, SaslError)
"""What a conversation can raise."""

_Kind = type[errors.WorkerError]

CODES: Mapping[str, _Kind] = {
    "IN-USE": errors.MailboxLocked,
    "LOGIN-DELAY": errors.Busy,
    "SYS/TEMP": errors.Busy,
    "SYS/PERM": errors.Refused,
    "AUTHENTICATIONFAILED": errors.CredentialsError,
    "UNAVAILABLE": errors.Busy,
    "LIMIT": errors.Busy,
    "EXPIRED": errors.CredentialsError,
    "PRIVACYREQUIRED": errors.Unsupported,
    "UTF8": errors.Unsupported,
}
"""The error for each response code; those of IMAP (RFC 5530) too, which some servers give here."""

WORDINGS: tuple[tuple[re.Pattern[str], _Kind], ...] = (
    (
        re.compile(
            r"(mailbox|maildrop).{0,40}(locked|in use|busy)|(lock|use).{0,20}(mailbox|maildrop)|another (pop|session)",
            re.IGNORECASE,
        ),
        errors.MailboxLocked,
    ),
    (
        re.compile(r"plain-?text (auth|login)|(secure|encrypted) connection|(requires?|use) (tls|ssl)", re.IGNORECASE),
        errors.Unsupported,
    ),
    (re.compile(r"\btry (again )?later|temporar|too (many|frequent)", re.IGNORECASE), errors.Busy),
)
"""What a refused login without a code, or with none but AUTH, means by its wording; else the password is wrong."""

BY_PHASE: Mapping[Phase, _Kind] = {
    Phase.GREETING: errors.Busy,
    Phase.STARTTLS: errors.Unsupported,
    Phase.AUTH: errors.CredentialsError,
    Phase.QUIT: errors.Busy,
}
"""The error for a refusal that neither code nor wording explains; in other phases the server refuses."""

SENTENCES: Mapping[_Kind, str] = {
    errors.Busy: "{where} asks to come back later while {doing}",
    errors.Unsupported: "{where} does not support what was asked while {doing}",
    errors.CredentialsError: "{where} does not accept {credentials}",
    errors.MailboxLocked: "Another client has the mailbox open, and {where} lets in only one",
    errors.Refused: "{where} refuses while {doing}",
}


def meaning(phase: Phase, refusal: Pop3Refusal) -> _Kind:
    """The error that ``-ERR`` stands for in a phase."""
    if refusal.code in CODES:
        return CODES[refusal.code]
    if phase in (Phase.AUTH, Phase.GREETING):
        for wording, kind in WORDINGS:
            if wording.search(refusal.text):
                return kind
    return BY_PHASE.get(phase, errors.Refused)


def translate(
    error: BaseException, where: Where, *, token_status: str = "", login_delay: timedelta | None = None
) -> errors.WorkerError:
    """The error of ours that says what a fault means in its phase.

    ``token_status`` is what the server said of an access token before it refused it; ``login_delay`` the wait between
    two logins that it announced (RFC 2449, 6.5).
    """
    if isinstance(error, Pop3Refusal):
        return _of_refusal(error, where, token_status, login_delay)
    if isinstance(error, Pop3Violation | Pop3ReplyTooLong):
        what = str(error) or "a reply without end"
        kind = errors.TlsFailed if where.phase is Phase.TLS else errors.Misbehaved
        step = next_step(Symptom(where, kind, 0, what))
        return kind(
            f"{where} broke the protocol while {where.phase.value} ({what}).", next_step=step, details=where.details
        )
    return faults.of_exception(error, where)


def _of_refusal(
    refusal: Pop3Refusal, where: Where, token_status: str, login_delay: timedelta | None
) -> errors.WorkerError:
    kind = meaning(where.phase, refusal)
    # A server may echo what it was sent, password included.
    text = "" if where.phase is Phase.AUTH else shown_text(refusal.text)
    said = " ".join(part for part in ("-ERR", f"[{refusal.code}]" if refusal.code else "", text) if part)
    what = SENTENCES[kind].format(where=where, doing=where.phase.value, credentials=CREDENTIALS[where.login])
    details = where.details | {"responseCode": refusal.code or None, "text": text}
    answered = f" (server: {said})" if refusal.code or text else ""
    if token_status:
        answered += f", token status {token_status}"
        details["tokenStatus"] = token_status
    step = next_step(Symptom(where, kind, 0, f"{refusal.code} {refusal.text} {token_status}"))
    wait = login_delay if refusal.code == "LOGIN-DELAY" else None
    return kind(f"{what}{answered}.", next_step=step, details=details, retry_after=wait)
