"""What a fault on the way to a mail server means: library exceptions and server replies → our errors.

The only translator. Two tables decide the class: ``EXCEPTIONS`` for what the libraries raise and ``REPLIES`` for what
an SMTP server answers, each for the phase in which it happened; the most specific entry wins. ``HINTS`` adds the next
step where the symptom is known. After the final dot only a definite answer counts: all else is ``OutcomeUnknown``.
"""

from __future__ import annotations

import enum
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal

import aiosmtplib

from zeebe_mail import errors
from zeebe_mail.auth.models import Auth
from zeebe_mail.auth.sasl import SaslError
from zeebe_mail.mail.server import MailServer, Security
from zeebe_mail.secrets import shortened

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")

TEXT_LIMIT = 500
"""Characters of a server's text that are passed on."""


class Phase(enum.Enum):
    """How far a conversation has come; the value completes "while …"."""

    CONNECT = "connecting"
    TLS = "starting TLS"
    GREETING = "waiting for the greeting"
    EHLO = "saying EHLO"
    STARTTLS = "asking for STARTTLS"
    AUTH = "logging in"
    IDLE = "checking a kept connection"
    MAIL = "naming the sender"
    RCPT = "naming the recipients"
    DATA = "asking to send the mail"
    BODY = "handing over the mail"
    DOT = "waiting for the answer to the mail"
    MAILBOXES = "dealing with the mailboxes"
    SELECT = "opening the mailbox"
    SEARCH = "searching the mailbox"
    FETCH = "reading mail"
    FILE = "changing mail"
    APPEND = "adding a mail to the mailbox"
    WAIT = "waiting for new mail"
    CAPA = "asking what it can do"
    LIST = "listing the mailbox"
    DELETE = "marking mail for deletion"
    QUIT = "having marked mail deleted"


Login = Literal["password", "token", "none"]

CREDENTIALS: Mapping[Login, str] = {
    "password": "the user name and password",
    "token": "the access token",
    "none": "that nobody logs in",
}
"""What a server that refuses a login does not accept."""


@dataclass(frozen=True, slots=True)
class Where:
    """The conversation in which something happened, as far as an explanation needs it."""

    server: MailServer
    phase: Phase
    login: Login

    @classmethod
    def of(cls, server: MailServer, phase: Phase, auth: Auth) -> Where:
        """The place for a server, a phase and who we are there."""
        return cls(server, phase, auth.type)

    @property
    def host(self) -> str:
        """The server's name or address."""
        return self.server.host

    @property
    def port(self) -> int:
        """The server's port."""
        return self.server.endpoint[2]

    @property
    def details(self) -> dict[str, Any]:
        """What a process may know of it."""
        return {"protocol": self.server.PROTOCOL, "host": self.host, "port": self.port, "phase": self.phase.name}

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's reply, safe to show: the text is cut and has no control characters.

    ``enhanced`` is the enhanced status code (RFC 3463) or empty.
    """

    code: int
    enhanced: str
    text: str

    @classmethod
    def of(cls, code: int, text: str) -> Answer:
        """Take a reply apart; its enhanced code may stand at the head of each line."""
        found = _ENHANCED.match(text)
        lines = (_ENHANCED.sub("", line, count=1) for line in text.split("\n"))
        return cls(code, found[1] if found else "", shown_text(" ".join(lines)))

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A recipient that the server did not take, with its answer."""

    address: str
    code: int
    enhanced: str
    text: str


def shown_text(text: str) -> str:
    """A server's text made harmless for logs and incidents: controls and odd bytes escaped, length bounded."""
    safe = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text[: TEXT_LIMIT + 1]
    )
    return shortened(safe, TEXT_LIMIT)


# ── exceptions ───────────────────────────────────────────────────────────────────────────────────────────────────

_Told = tuple[type[errors.WorkerError], str]


def _server_said(error: BaseException) -> str:
    return shown_text(str(error.args[-1] if error.args else error))


EXCEPTIONS: Mapping[type[BaseException], tuple[type[errors.WorkerError], str]] = {
    socket.gaierror: (errors.HostNotFound, "The host name {host} was not found ({text})"),
    socket.herror: (errors.HostNotFound, "The host name {host} was not found ({text})"),
    ssl.SSLCertVerificationError: (errors.CertificateRejected, "The certificate of {where} was rejected: {verify}"),
    ssl.SSLEOFError: (errors.Unreachable, "{where} closed the connection while {doing}"),
    ssl.SSLZeroReturnError: (errors.Unreachable, "{where} closed the connection while {doing}"),
    ssl.SSLSyscallError: (errors.Unreachable, "The connection to {where} was lost while {doing}"),
    ssl.SSLWantReadError: (errors.TlsFailed, "TLS with {where} failed ({reason})"),
    ssl.SSLWantWriteError: (errors.TlsFailed, "TLS with {where} failed ({reason})"),
    ssl.SSLError: (errors.TlsFailed, "TLS with {where} failed ({reason})"),
    SaslError: (errors.CredentialsError, "The login at {where} was broken off: {text}"),
    aiosmtplib.SMTPConnectTimeoutError: (errors.ServerTimeout, "{where} did not answer in time while {doing}"),
    aiosmtplib.SMTPReadTimeoutError: (errors.ServerTimeout, "{where} did not answer in time while {doing}"),
    aiosmtplib.SMTPTimeoutError: (errors.ServerTimeout, "{where} did not answer in time while {doing}"),
    TimeoutError: (errors.ServerTimeout, "{where} did not answer in time while {doing}"),
    aiosmtplib.SMTPServerDisconnected: (errors.Unreachable, "{where} closed the connection while {doing}"),
    aiosmtplib.SMTPConnectError: (errors.Unreachable, "No connection to {where} ({text})"),
    aiosmtplib.SMTPNotSupported: (errors.Unsupported, "{where} does not support what this needs ({text})"),
    aiosmtplib.SMTPRecipientsRefused: (errors.RecipientsRefused, "{where} refused the recipients"),
    aiosmtplib.SMTPException: (errors.Misbehaved, "{where} broke the protocol while {doing} ({text})"),
    ConnectionRefusedError: (errors.Unreachable, "{where} refused the connection: nothing listens there"),
    ConnectionError: (errors.Unreachable, "The connection to {where} was lost while {doing}"),
    OSError: (errors.Unreachable, "No connection to {where} ({text})"),
}
"""For each exception its error and its sentence; the entry nearest in the exception's line of classes wins."""


# ── replies ──────────────────────────────────────────────────────────────────────────────────────────────────────

REPLIES: Mapping[tuple[Phase | None, int], type[errors.ServerError | errors.CredentialsError | errors.Unsupported]] = {
    (None, 4): errors.Busy,
    (None, 5): errors.Refused,
    (None, 421): errors.Busy,
    (Phase.TLS, -1): errors.TlsFailed,
    (Phase.STARTTLS, 5): errors.Unsupported,
    (Phase.AUTH, 5): errors.CredentialsError,
    (Phase.AUTH, 432): errors.CredentialsError,
    (Phase.AUTH, 500): errors.Unsupported,
    (Phase.AUTH, 502): errors.Unsupported,
    (Phase.AUTH, 504): errors.Unsupported,
    (Phase.AUTH, 530): errors.Refused,
    (Phase.AUTH, 538): errors.Refused,
    (Phase.MAIL, 5): errors.SenderRefused,
    (Phase.MAIL, 530): errors.Refused,
    (Phase.MAIL, 552): errors.MessageRefused,
    (Phase.RCPT, 4): errors.RecipientsDeferred,
    (Phase.RCPT, 5): errors.RecipientsRefused,
    (Phase.RCPT, 530): errors.Refused,
    (Phase.DATA, 5): errors.MessageRefused,
    (Phase.BODY, 5): errors.MessageRefused,
    (Phase.DOT, 5): errors.MessageRefused,
}
"""For a phase and a code (or its first digit), or for any phase: the error. What is not here is nonsense."""

SENTENCES: Mapping[type[errors.WorkerError], str] = {
    errors.Busy: "{where} asks to come back later while {doing}",
    errors.Refused: "{where} refuses while {doing}",
    errors.TlsFailed: "TLS with {where} was given up: something spoke before the handshake",
    errors.Unsupported: "{where} does not support what was asked while {doing}",
    errors.CredentialsError: "{where} does not accept {credentials}",
    errors.SenderRefused: "{where} refused the sender",
    errors.RecipientsDeferred: "{where} will not take all recipients now; nobody got the mail",
    errors.RecipientsRefused: "{where} refused recipients; nobody got the mail",
    errors.MessageRefused: "{where} refused the mail",
    errors.Misbehaved: "{where} gave an answer that is none while {doing}",
}


def meaning(phase: Phase, code: int) -> type[errors.WorkerError]:
    """The error that a reply stands for in a phase."""
    for key in ((phase, code), (None, code), (phase, code // 100 if code > 0 else code), (None, code // 100)):
        if key in REPLIES:
            return REPLIES[key]
    return errors.Misbehaved


# ── hints ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Symptom:
    """What is known of a fault when the next step is chosen. ``text`` is for looking at, never for showing."""

    where: Where
    kind: type[errors.WorkerError]
    code: int
    text: str

    def says(self, pattern: str) -> bool:
        """Whether the server's or the library's text has this."""
        return re.search(pattern, self.text, re.IGNORECASE) is not None

    def at(self, domains: tuple[str, ...]) -> bool:
        """Whether the server is one of a provider's."""
        return self.where.host.endswith(domains)


_EARLY = frozenset({Phase.CONNECT, Phase.TLS, Phase.GREETING})
_GMAIL = (".gmail.com", ".googlemail.com")
_MICROSOFT = (".office365.com", ".office365.us", ".outlook.com")


HINTS: tuple[tuple[Callable[[Symptom], bool], str], ...] = (
    (
        lambda it: it.says(
            r"must issue a? ?STARTTLS|STARTTLS (command )?first|encryption (is )?required"
            r"|LOGINDISABLED|PRIVACYREQUIRED|plain-?text auth"
        ),
        "The server wants encryption: set the security to STARTTLS.",
    ),
    (
        lambda it: it.where.login == "token" and it.says(r"insufficient_scope|403$"),
        "The token lacks the scope for mail, such as https://mail.google.com/ or IMAP.AccessAsUser.All: get another.",
    ),
    (
        lambda it: it.where.login == "token" and it.kind is errors.CredentialsError,
        "The token has expired or was revoked, or is not for this user name: give a fresh one for this mailbox.",
    ),
    (
        lambda it: it.where.phase is Phase.AUTH and it.says(r"not enabled for (IMAP|POP)"),
        "The account does not let programs in: switch on IMAP or POP in the provider's settings for it.",
    ),
    (
        lambda it: it.where.phase is Phase.AUTH and it.says(r"5\.7\.9|application-specific password|app password"),
        "The account needs an app password: make one in the provider's account settings and use it as the password.",
    ),
    (
        lambda it: it.kind is errors.CredentialsError and it.at(_GMAIL),
        "Gmail takes an app password (the account needs 2-step verification for that) or an OAuth token, no other.",
    ),
    (
        lambda it: it.where.phase is Phase.AUTH and it.says(r"SmtpClientAuthentication is disabled"),
        "SMTP AUTH is off for this mailbox or tenant: an administrator must allow it (Set-CASMailbox), or use OAuth.",
    ),
    (
        lambda it: (
            it.where.phase is Phase.AUTH
            and it.says(r"5\.7\.139.*(basic authentication|locked by)|basic authentication is (disabled|not supported)")
        ),
        "The provider has switched off passwords for this account (basic authentication): it needs OAuth.",
    ),
    (
        lambda it: it.kind is errors.CredentialsError and it.at(_MICROSOFT) and it.where.server.PROTOCOL != "smtp",
        "Microsoft takes no passwords for IMAP and POP3 any more (basic authentication is off): use an OAuth token.",
    ),
    (
        lambda it: (
            it.where.login == "none"
            and (it.code == 530 or it.says(r"authentication (is )?(required|needed)|log ?in first|host rejected"))
        ),
        "The server wants a login: give user name and password.",
    ),
    (
        lambda it: (
            it.where.server.security is Security.SSL_TLS and it.says(r"wrong.version.number|before the TLS handshake")
        ),
        "The port does not begin with TLS: set the security to STARTTLS (usual port {clear}), or the port to {tls}.",
    ),
    (
        lambda it: (
            it.where.server.security is Security.SSL_TLS
            and it.where.port in it.where.server.CLEAR_PORTS
            and it.where.phase in _EARLY
        ),
        "Port {port} usually starts unencrypted: set the security to STARTTLS, or the port to {tls}.",
    ),
    (
        lambda it: (
            it.where.server.security is not Security.SSL_TLS
            and it.where.port == it.where.server.DEFAULT_PORTS[Security.SSL_TLS]
            and it.where.phase in _EARLY
        ),
        "Port {port} expects TLS from the first byte: set the security to SSL_TLS.",
    ),
    (
        lambda it: it.says(r"unsupported.protocol|protocol.version|no.protocols.available"),
        "No TLS version suits both sides: set the minimum TLS version to what the server has.",
    ),
    (
        lambda it: it.says(r"dh.key.too.small"),
        "The server's Diffie-Hellman group is too small: have it replaced, or lower server.tls.minDhBits to 1024.",
    ),
    (
        lambda it: (
            it.says(r"certificate.required|bad.certificate|unknown.ca|handshake.failure")
            and it.kind is errors.TlsFailed
        ),
        "The server may want a client certificate: give one, issued by an authority the server knows.",
    ),
)
"""Known symptoms and the next step; the first that fits is used, else the advice of the error."""


def next_step(symptom: Symptom) -> str:
    """The next step that is known for a symptom, else the advice of its error."""
    for fits, step in HINTS:
        if fits(symptom):
            ports = symptom.where.server.DEFAULT_PORTS
            return step.format(port=symptom.where.port, tls=ports[Security.SSL_TLS], clear=ports[Security.STARTTLS])
    return symptom.kind.advice


# ── the translator ───────────────────────────────────────────────────────────────────────────────────────────────


def translate(error: BaseException, where: Where, *, message_id: str = "", refusal: str = "") -> errors.WorkerError:
    """The error of ours that says what a fault means in its phase. Raise it ``from`` the fault.

    ``refusal`` is the status that the server gave before it refused an access token (``sasl.Mechanism.refusal``).
    """
    if isinstance(error, aiosmtplib.SMTPResponseException) and (
        where.phase is not Phase.DOT or error.code // 100 in (4, 5)
    ):
        return _of_reply(error.code, error.message, where, refusal)
    if where.phase is Phase.DOT:
        return _unknown(error, where, message_id)
    return of_exception(error, where)


def of_exception(error: BaseException, where: Where) -> errors.WorkerError:
    """What an exception of a library means, whatever the protocol."""
    # TLS 1.3 brings the server's "no" to our certificate only after the handshake, as the reason of a lost connection.
    if isinstance(error.__cause__, ssl.SSLError) and isinstance(error, ConnectionError):
        error = error.__cause__
    kind, sentence = next(EXCEPTIONS[known] for known in type(error).__mro__ if known in EXCEPTIONS)
    reason = str(getattr(error, "reason", "") or "").replace("_", " ").lower()
    what = sentence.format(
        where=where,
        host=where.host,
        doing=where.phase.value,
        reason=reason or "no reason given",
        verify=getattr(error, "verify_message", "") or "not trusted",
        text=_server_said(error),
    )
    symptom = Symptom(where, kind, 0, f"{reason} {error}")
    return kind(f"{what}.", next_step=next_step(symptom), details=where.details)


def _of_reply(code: int, text: str, where: Where, refusal: str) -> errors.WorkerError:
    kind = meaning(where.phase, code)
    answer = Answer.of(code, text)
    if where.phase is Phase.AUTH:
        # A server may echo what it was sent, password included.
        answer = Answer(code, answer.enhanced, "")
    what = SENTENCES[kind].format(where=where, doing=where.phase.value, credentials=CREDENTIALS[where.login])
    said = f" (server: {answer})" if code > 0 else f" ({answer.text})" if answer.text else ""
    details = where.details | asdict(answer)
    if refusal:
        said += f", token status {refusal}"
        details["tokenStatus"] = refusal
    step = next_step(Symptom(where, kind, code, f"{text} {refusal}"))
    return kind(f"{what}{said}.", next_step=step, details=details, retry_after=asked_wait(code, text))


def _unknown(error: BaseException, where: Where, message_id: str) -> errors.OutcomeUnknown:
    why = "did not answer in time" if isinstance(error, TimeoutError) else "gave no usable answer"
    if isinstance(error, ConnectionError):
        why = "closed the connection"
    return errors.OutcomeUnknown(
        f"{where} {why} after the whole mail {message_id} was handed over.",
        details=where.details | {"messageId": message_id},
    )


_TOO_MANY = "4.5.3"
"""The enhanced status of a server that takes no more recipients for one mail (RFC 3463, 3.6; RFC 5321, 4.5.3.1.10)."""


def recipients_refused(rejections: Iterable[Rejection], where: Where, *, accepted: int) -> errors.WorkerError:
    """The error for recipients that were not taken when the mail therefore goes to nobody.

    One refusal for good makes it permanent: trying again cannot help that recipient. So does a server that takes so
    many recipients and no more at once; one that takes none yet may take them later.
    """
    rejected = list(rejections)
    if accepted and (surplus := [one for one in rejected if one.enhanced == _TOO_MANY]):
        return errors.TooManyRecipients(
            f"{where} takes {accepted} recipients of this mail and no more at once; nobody got the mail "
            f"(server: {Answer(surplus[0].code, surplus[0].enhanced, surplus[0].text)}).",
            next_step="Split it into several mails of fewer recipients, or send one to a mailing list.",
            details=where.details | {"limit": accepted, "rejected": [asdict(one) for one in rejected]},
        )
    worst = max(rejected, key=lambda one: one.code // 100)
    kind = meaning(Phase.RCPT, worst.code)
    answer = Answer(worst.code, worst.enhanced, worst.text)
    which = f"{worst.address}" if len(rejected) == 1 else f"{len(rejected)} recipients, among them {worst.address}"
    step = next_step(Symptom(where, kind, worst.code, str(answer)))
    what = SENTENCES[kind].format(where=where, doing=where.phase.value)
    return kind(
        f"{what}: {which} (server: {answer}).",
        next_step=step,
        details=where.details | {"rejected": [asdict(one) for one in rejected]},
        retry_after=asked_wait(worst.code, worst.text),
    )


_AMOUNT = (
    r"(?P<amount>\d{1,5})"
    r"(?:\s*(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b|(?=\s*$|[.,;)](?:\s|$)))"
)
_WAITS = (
    # "retry after 300" says seconds, as HTTP has it; a number of anything else is no wait.
    re.compile(
        rf"\b(?:again|retry|retrying|wait|back)\W+(?:(?:in|after|for|at least|about|another)\W+)*{_AMOUNT}",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:in|after|for)\W+{_AMOUNT}", re.IGNORECASE),
)
"""Where a wait is looked for: first behind a word that asks for one, then behind any that may."""
_LONGEST_WAIT = timedelta(hours=1)


def asked_wait(code: int, text: str) -> timedelta | None:
    """The wait that a server asks for in prose ("try again in 5 minutes", as greylisting does), at most an hour."""
    if code // 100 != 4:
        return None
    asked = _WAITS[0].search(text)
    said = asked or next((found for found in _WAITS[1].finditer(text) if found["unit"]), None)
    if said is None:
        return None
    unit = {"s": "seconds", "m": "minutes", "h": "hours"}[(said["unit"] or "s")[0].lower()]
    return min(timedelta(**{unit: int(said["amount"])}), _LONGEST_WAIT)
