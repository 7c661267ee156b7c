"""Every error a job can end with. The class docstring is the meaning that ``docs/errors.md`` prints.

::

  * WorkerError              code, retry rule, details that are safe to show to a process
    x InputError             the model must change                                   never retried
      - PlaintextNotAllowed · HostNotAllowed · FileNotAllowed · UrlNotAllowed · ContractError
      - SenderNotAllowed · RecipientNotAllowed · NoRecipientLeft · TooManyRecipients
    x SecretError            a secret is missing, or may not be used here             never retried
      - SecretMissing · SecretNotAllowed
    x ExpressionError        a result or error expression cannot be used              never retried
      - ExpressionInvalid · ExpressionFailed
    x TemplateError          a mail template gives no mail                            never retried
      - TemplateNotFound · TemplateInvalid · TemplateVariableUnknown · TemplateFailed · TemplateLimit
    x DocumentError          a document cannot be kept or had                         never retried
      - DocumentNotStored · DocumentStoreMissing · DocumentNotFound · DocumentChanged
      - DocumentStoreUnavailable                                                      retried
    x AttachmentError        what a mail is to carry cannot be had, or not so         never retried
      - AttachmentTooLarge · InlinePartMissing · TextNotReadable · FileMissing · DownloadRefused
      - DownloadFailed                                                                retried
    x MailUnfit              a stored mail cannot be used so                          never retried
      - AutomaticMail · NotADraft · DraftUnfinished · OriginalRecipientsExceeded
    x SuppressionListUnreadable  nobody knows who must not get mail                   retried
    x ResultTooLarge         the result cannot be given to the process                never retried
    x TooManyAttempts        the job never comes to an end                            never retried
    x InputsChanged          the ledger has another mail under the job's key          never retried
    x CredentialsError       the server does not accept who we are                    never retried
    x Unsupported            the server lacks what this needs; no safe fallback       never retried
    x ServerError
      + Unreachable          nothing reached the server                               retried
        - HostNotFound · ServerTimeout
      + TlsFailed            the connection could not be made safe                    never retried
        - CertificateRejected
      + Busy                 come back later: SMTP 4xx, throttled                     retried, server's wait if given
        - RecipientsDeferred · MailboxLocked
      + Refused              no, and it means it: SMTP 5xx                            never retried
        - SenderRefused · RecipientsRefused · MessageRefused
        - MailboxNotFound · MailboxExists · MailboxReadOnly · MessageNotFound · MessageAmbiguous
        - UidValidityChanged · QuotaExceeded · MessageTooLarge
      + Misbehaved           the server broke the protocol                            retried on a new connection
      + OutcomeUnknown       the answer was lost after the point of no return         never retried
      + ResendInDoubt        the same, and the task wants it sent again               retried
    x Postponed              not our turn: handed back with the same retries          free
      - EndpointSaturated · BytesInFlightExceeded · WorkerStopping · LedgerUnavailable · JobClaimed
    x InternalError          a bug                                                    retried while nothing was sent
    x AnswerRefused          the gateway does not take our answer                     never retried
  * JobLost                  the job is no longer ours; nothing is told to anybody

A message says what happened, with which value, what the server said, and what to do next. Neither a message nor
``details`` ever holds a password, a token, a mail body or a subject.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar


class Retry(enum.Enum):
    """What a failed job costs: nothing more, one of its retries, or nothing at all."""

    NEVER = "never"
    LATER = "later"
    FREE = "free"


class WorkerError(Exception):
    """Something a process author, an operator or a mail server must change or wait for."""

    code: ClassVar[str]
    retry: ClassVar[Retry]
    advice: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        next_step: str | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        """Say what happened in one or more whole sentences; ``next_step`` where it is known better than ``advice``."""
        super().__init__(message)
        self.message = message
        self.next_step = next_step or self.advice
        self.details: dict[str, Any] = dict(details or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {self.message} {self.next_step}"


# ── the model must change ────────────────────────────────────────────────────────────────────────────────────────


class InputError(WorkerError):
    """An input is missing, unknown, of the wrong type or not allowed."""

    code = "INVALID_INPUT"
    retry = Retry.NEVER
    advice = "Correct the named fields in the element template or in the variables they take their values from."


class PlaintextNotAllowed(InputError):
    """The connection would not be encrypted and the server is not on this machine."""

    code = "PLAINTEXT_NOT_ALLOWED"
    advice = "Choose SSL_TLS or STARTTLS, or let the operator allow the host in ZEEBE_MAIL_PLAINTEXT_HOSTS."


class HostNotAllowed(InputError):
    """The worker's operator does not let this mail server be used."""

    code = "HOST_NOT_ALLOWED"
    advice = "Use another server, or let the operator change the named setting."


class SenderNotAllowed(InputError):
    """The worker's operator does not let this account send as one of those whom the mail says it is from: in From,
    Sender, Resent-From, Resent-Sender, the envelope, or as the organizer of an invitation."""

    code = "SENDER_NOT_ALLOWED"
    advice = "Use a sender that the account may have, or let the operator widen ZEEBE_MAIL_ALLOWED_SENDERS."


class RecipientNotAllowed(InputError):
    """The worker's operator does not let mail go to one or more of the recipients, or reports about it to those whom
    the task names for them, so nobody got it."""

    code = "RECIPIENT_NOT_ALLOWED"
    advice = (
        "Leave them out, set `requiredRecipients` to `any` to send to the others, or let the operator change "
        "ZEEBE_MAIL_ALLOWED_RECIPIENTS, ZEEBE_MAIL_DENIED_RECIPIENTS or the list in ZEEBE_MAIL_DENIED_RECIPIENTS_FILE."
    )


class NoRecipientLeft(InputError):
    """The worker's operator does not let mail go to any of the recipients."""

    code = "NO_RECIPIENT_LEFT"
    advice = (
        "Give another recipient, or let the operator change ZEEBE_MAIL_ALLOWED_RECIPIENTS, "
        "ZEEBE_MAIL_DENIED_RECIPIENTS or the list in ZEEBE_MAIL_DENIED_RECIPIENTS_FILE."
    )


class SuppressionListUnreadable(WorkerError):
    """The operator's list of addresses that get no mail cannot be read, so nobody got the mail."""

    code = "SUPPRESSION_LIST_UNREADABLE"
    retry = Retry.LATER
    advice = "Let the operator see to ZEEBE_MAIL_DENIED_RECIPIENTS_FILE; no mail is sent while it cannot be read."


class TooManyRecipients(InputError):
    """The mail has more recipients than the worker's operator allows, or than the mail server takes at once."""

    code = "TOO_MANY_RECIPIENTS"
    advice = "Send several mails, or one to a mailing list; or let the operator raise ZEEBE_MAIL_MAX_RECIPIENTS."


class FileNotAllowed(InputError):
    """The file is outside the folders that the worker's operator allows, or is no ordinary file."""

    code = "FILE_NOT_ALLOWED"
    advice = "Put the file into an allowed folder, or let the operator add its folder to ZEEBE_MAIL_FILES_DIRS."


class UrlNotAllowed(InputError):
    """The worker's operator does not let this URL, one that it redirects to, or their addresses be fetched."""

    code = "URL_NOT_ALLOWED"
    advice = "Use another URL, or let the operator allow it in ZEEBE_MAIL_URLS."


class ContractError(InputError):
    """The input of a foreign task type breaks that connector's contract; the message is that connector's own."""

    def __init__(self, message: str, *, foreign_type: str = "") -> None:
        """``foreign_type`` is what the connector calls the error, where that is not what it calls all such."""
        super().__init__(message)
        self.foreign_type = foreign_type


class SecretError(WorkerError):
    """A secret cannot be used."""

    retry = Retry.NEVER


class SecretMissing(SecretError):
    """No provider knows a secret of this name."""

    code = "SECRET_MISSING"
    advice = "Give the worker an environment variable SECRET_<NAME>, or a file <NAME> in ZEEBE_MAIL_SECRETS_DIR."


class SecretNotAllowed(SecretError):
    """The secret is not allowed in this field, for this host or for this task type."""

    code = "SECRET_NOT_ALLOWED"
    advice = "Use the secret where it is allowed, or widen ZEEBE_MAIL_SECRETS_FIELDS or ZEEBE_MAIL_SECRETS_BINDINGS."


class ExpressionError(WorkerError):
    """A result or error expression cannot be used."""

    retry = Retry.NEVER


class ExpressionInvalid(ExpressionError):
    """A result or error expression is not FEEL. Nothing was sent."""

    code = "EXPRESSION_INVALID"
    advice = "Correct the expression in the task's properties; `zeebe-mail feel` tries it out."


class ExpressionFailed(ExpressionError):
    """A result or error expression could not be evaluated, or gave a value of the wrong kind."""

    code = "EXPRESSION_FAILED"
    advice = "Correct the expression; `zeebe-mail exec --response` and `--error` try it out without any mail."


class TemplateError(WorkerError):
    """A mail template gives no mail. No message holds the value of a variable."""

    retry = Retry.NEVER


class TemplateNotFound(TemplateError):
    """There is no mail template of this name, or no file of the name that a template includes. Nothing was sent."""

    code = "TEMPLATE_NOT_FOUND"
    advice = "Correct the name, or let the operator add the mail template to ZEEBE_MAIL_TEMPLATES_DIR."


class TemplateInvalid(TemplateError):
    """A mail template has a syntax error; the message shows its line and place. Nothing was sent."""

    code = "TEMPLATE_INVALID"
    advice = "Correct the mail template; `zeebe-mail render` tries it out."


class TemplateVariableUnknown(TemplateError):
    """A mail template uses a variable that it was not given. Nothing was sent."""

    code = "TEMPLATE_VARIABLE_UNKNOWN"
    advice = "Correct the name, give the variable in `template.variables`, or write `is defined` or `| default(…)`."


class TemplateFailed(TemplateError):
    """A mail template could not be filled in, or gave something that cannot be sent. Nothing was sent."""

    code = "TEMPLATE_FAILED"
    advice = "Look at the named place of the mail template and at the variables it uses there."


class TemplateLimit(TemplateError):
    """A mail template, or Markdown, took more time or memory, or gave more text, than one may. Nothing was sent."""

    code = "TEMPLATE_LIMIT"
    advice = "Look for loops that do not end or multiply each other, and send large content as an attachment."


class DocumentError(WorkerError):
    """A document could not be kept or had."""

    retry = Retry.NEVER


class DocumentNotStored(DocumentError):
    """The document store cannot be reached, or refuses the document that an expression creates."""

    code = "DOCUMENT_NOT_STORED"
    advice = "Check the store's address, its limits and the worker's credentials for it."


class DocumentStoreMissing(DocumentError):
    """The worker was not told where a document store is."""

    code = "DOCUMENT_STORE_MISSING"
    advice = "Set CAMUNDA_REST_ADDRESS to the address of the cluster's REST API, or ZEEBE_MAIL_DOCUMENTS to a folder."


class DocumentNotFound(DocumentError):
    """The document store has no such document, or has it no longer. Nothing was sent."""

    code = "DOCUMENT_NOT_FOUND"
    advice = "Have the process create the document again; documents may expire, and other stores have other documents."


class DocumentChanged(DocumentError):
    """The bytes are not those that the reference stands for: its hash or its size differs. Nothing was sent."""

    code = "DOCUMENT_CHANGED"
    advice = "Use the reference as the store gave it, or have the process create the document again."


class DocumentStoreUnavailable(DocumentError):
    """The document store cannot be reached, is slow, or does not let the worker read. Nothing was sent."""

    code = "DOCUMENT_STORE_UNAVAILABLE"
    retry = Retry.LATER
    advice = "The job is tried again by itself. If it never succeeds, check the store's address and its log."


class AttachmentError(WorkerError):
    """What a mail is to carry cannot be had, or must not be sent so."""

    retry = Retry.NEVER


class AttachmentTooLarge(AttachmentError):
    """An attachment, or all of them together, has more bytes than the worker takes. Nothing was sent."""

    code = "ATTACHMENT_TOO_LARGE"
    advice = "Send a link instead, or let the operator raise the named setting."


class InlinePartMissing(AttachmentError):
    """The HTML shows a part (`cid:`) that the mail does not have. Nothing was sent."""

    code = "INLINE_PART_MISSING"
    advice = "Give one of the attachments this `contentId`, or this name, or remove the picture from the HTML."


class TextNotReadable(AttachmentError):
    """A text that comes from a file, a document or a URL is not in the charset that it should be in."""

    code = "TEXT_NOT_READABLE"
    advice = "Save it as UTF-8, or give its `charset`."


class FileMissing(AttachmentError):
    """There is no such file in the allowed folders, or the worker's user may not read it. Nothing was sent."""

    code = "FILE_NOT_FOUND"
    advice = "Correct the path as it is on the worker's machine, or give the worker's user the right to read the file."


class DownloadRefused(AttachmentError):
    """The web server refuses the URL for good (HTTP 4xx), or what it sends cannot be used. Nothing was sent."""

    code = "DOWNLOAD_REFUSED"
    advice = "Correct the URL; a link with a signature may have expired."


class DownloadFailed(AttachmentError):
    """The web server cannot be reached, is slow or fails. Nothing was sent."""

    code = "DOWNLOAD_FAILED"
    retry = Retry.LATER
    advice = "The job is tried again by itself. If it never succeeds, check the URL from the worker's machine."


class MailUnfit(WorkerError):
    """A stored mail cannot be used as the task asks; nothing was sent."""

    retry = Retry.NEVER


class AutomaticMail(MailUnfit):
    """No person wrote the mail that is to be answered: an answer might be answered in turn, and so on (RFC 3834)."""

    code = "AUTOMATIC_MAIL"
    advice = "Let the process look at `autoReply` before it answers, or set `answerAutomatic` where it is meant."


class NotADraft(MailUnfit):
    """The stored mail is no draft, so it is neither sent nor replaced."""

    code = "NOT_A_DRAFT"
    advice = "Use a mail of the mailbox for drafts, or one that has the flag Draft; `forward` sends others on."


class DraftUnfinished(MailUnfit):
    """The stored draft cannot be sent as it is: nobody to send it to, or an address that is none."""

    code = "DRAFT_UNFINISHED"
    advice = "Finish the draft, or save it anew with what is missing."


class OriginalRecipientsExceeded(MailUnfit):
    """The original names more people than the worker's operator lets it choose for an answer, so nobody got one.

    Who wrote it chose them (Reply-To, Mail-Followup-To, To, Cc), and that may be a stranger.
    """

    code = "ORIGINAL_RECIPIENTS_EXCEEDED"
    advice = "Say in `request.to` who gets the answer, or let the operator raise ZEEBE_MAIL_MAX_ORIGINAL_RECIPIENTS."


class ResultTooLarge(WorkerError):
    """The operation succeeded, but its result is larger than a process may be given."""

    code = "RESULT_TOO_LARGE"
    retry = Retry.NEVER
    advice = "Map less with a result expression, or have large content returned as a document."


class TooManyAttempts(WorkerError):
    """The job began again and again without ever coming to an end."""

    code = "TOO_MANY_ATTEMPTS"
    retry = Retry.NEVER
    advice = "Look into the worker's log for this job's key; then resolve the incident to try again."


class InputsChanged(WorkerError):
    """The send ledger says that a mail went out, or may have, for a job with this key and other inputs.

    Keys begin anew in a new cluster and come again after a restored backup. This mail was not sent.
    """

    code = "INPUTS_CHANGED"
    retry = Retry.NEVER
    advice = (
        "Look at `zeebe-mail ledger show KEY`. If that is another job's mail, `zeebe-mail ledger purge --job KEY` and "
        "resolve the incident: then this one is sent. Give each cluster its own ZEEBE_MAIL_CLUSTER_NAME."
    )


# ── the mail server and we ───────────────────────────────────────────────────────────────────────────────────────


class CredentialsError(WorkerError):
    """The server does not accept the user name and password. Tried once only, because accounts lock."""

    code = "AUTHENTICATION_FAILED"
    retry = Retry.NEVER
    advice = "Check user name and password (some providers want an app password), then resolve the incident."


class Unsupported(WorkerError):
    """The server does not offer what the task needs, and there is no safe fallback."""

    code = "UNSUPPORTED_BY_SERVER"
    retry = Retry.NEVER
    advice = "Change the task's connection settings, or use a server that offers it."


class ServerError(WorkerError):
    """A mail server could not be used as asked."""

    retry = Retry.LATER


class Unreachable(ServerError):
    """No usable connection to the mail server; nothing was sent."""

    code = "SERVER_UNREACHABLE"
    advice = "Check host, port, security mode and firewall; `zeebe-mail check --server` shows where it stops."


class HostNotFound(Unreachable):
    """The host name has no address."""

    code = "HOST_NOT_FOUND"
    advice = "Check the host name for typing errors, and the worker's DNS."


class ServerTimeout(Unreachable):
    """The server did not answer in time, before the point of no return; nothing was sent."""

    code = "SERVER_TIMEOUT"
    advice = "Check port and security mode (a TLS port waits for TLS), the server's load and firewalls on the way."


class TlsFailed(ServerError):
    """The connection could not be encrypted as required; nothing was sent, no password either."""

    code = "TLS_FAILED"
    retry = Retry.NEVER
    advice = "Check the security mode, the port and the TLS versions that both sides allow."


class CertificateRejected(TlsFailed):
    """The server's certificate is not trusted, expired, or for another host."""

    code = "CERTIFICATE_REJECTED"
    advice = "Use the host name in the certificate, or give the worker the server's CA in ZEEBE_MAIL_CA_FILE."


class Busy(ServerError):
    """The server asks to come back later (SMTP 4xx); nothing was sent."""

    code = "SERVER_BUSY"
    advice = "The job is tried again by itself. If it never gets through, ask the server's operator."


class RecipientsDeferred(Busy):
    """The server will not take one or more recipients now (SMTP 4xx), so nobody got the mail."""

    code = "RECIPIENTS_DEFERRED"


class MailboxLocked(Busy):
    """Another client has the mailbox open, and the server lets in only one (POP3 [IN-USE])."""

    code = "MAILBOX_LOCKED"


class Refused(ServerError):
    """The server refuses for good (SMTP 5xx); nothing was sent."""

    code = "SERVER_REFUSED"
    retry = Retry.NEVER
    advice = "Read the server's answer and change what it objects to."


class SenderRefused(Refused):
    """The server does not take mail from this sender."""

    code = "SENDER_REFUSED"
    advice = "Use a sender address that this account may send from."


class RecipientsRefused(Refused):
    """The server refuses one or more recipients for good, so nobody got the mail."""

    code = "RECIPIENTS_REFUSED"
    advice = "Correct the refused addresses, or set `requiredRecipients` to `any` to send to the others."


class MessageRefused(Refused):
    """The server took sender and recipients but refuses the message (too large, or its content)."""

    code = "MESSAGE_REFUSED"
    advice = "Read the server's answer: size, content and policy are the usual reasons."


class MailboxNotFound(Refused):
    """There is no mailbox (IMAP folder) of this name."""

    code = "MAILBOX_NOT_FOUND"
    advice = "Correct the name; `zeebe-mail check --server imaps://…` lists the mailboxes."


class MailboxExists(Refused):
    """There is a mailbox of the new name already."""

    code = "MAILBOX_EXISTS"
    advice = "Choose another name, or delete the other mailbox first."


class MailboxReadOnly(Refused):
    """The server lets this user read the mailbox but not change it."""

    code = "MAILBOX_READ_ONLY"
    advice = "Give the user the right to change the mailbox, or use another mailbox."


class MessageNotFound(Refused):
    """No message in the mailbox is the one that was meant."""

    code = "MESSAGE_NOT_FOUND"
    advice = "It may have been moved or deleted: search for it."


class MessageAmbiguous(Refused):
    """Several messages in the mailbox have this Message-ID, and senders choose Message-IDs."""

    code = "MESSAGE_AMBIGUOUS"
    advice = "Use the `uid` and `uidValidity` of the one that is meant; the candidates are in the details."


class UidValidityChanged(Refused):
    """The mailbox was made anew: its UIDs now stand for other messages (RFC 9051, 2.3.1.1)."""

    code = "UIDVALIDITY_CHANGED"
    advice = "Search for the message again; the old UID must not be used."


class QuotaExceeded(Refused):
    """The mailbox is full."""

    code = "QUOTA_EXCEEDED"
    advice = "Delete mail, or have the quota raised."


class MessageTooLarge(Refused):
    """The message is larger than allowed, by the server or by a limit of ours."""

    code = "MESSAGE_TOO_LARGE"
    advice = "Raise `maxBytes`, where that is the limit; `download` takes larger messages than reading does."


class Misbehaved(ServerError):
    """The server broke the mail protocol; nothing was sent."""

    code = "SERVER_MISBEHAVED"
    advice = "Check that host, port and security mode are those of the mail service."


class OutcomeUnknown(ServerError):
    """The mail was handed over as a whole and nobody knows the server's answer: a connection or a worker was lost."""

    code = "OUTCOME_UNKNOWN"
    retry = Retry.NEVER
    advice = "The mail may or may not have gone out. Look for its Message-ID at the recipient or in the server's log."


class ResendInDoubt(ServerError):
    """Nobody knows whether the mail went out, and the task or the worker says to send it again (`inDoubt: resend`)."""

    code = "RESEND_IN_DOUBT"
    retry = Retry.LATER
    advice = "The job is tried again by itself. Both mails have the same Message-ID."


# ── not our turn ─────────────────────────────────────────────────────────────────────────────────────────────────


class Postponed(WorkerError):
    """The job was handed back untouched, with the same retries."""

    retry = Retry.FREE
    advice = "Nothing to do: the job comes back by itself."


class EndpointSaturated(Postponed):
    """This worker already uses its share of connections to the mail server."""

    code = "ENDPOINT_SATURATED"


class BytesInFlightExceeded(Postponed):
    """This worker already holds as many bytes of attachments as it may."""

    code = "BYTES_IN_FLIGHT_EXCEEDED"


class WorkerStopping(Postponed):
    """The worker is shutting down and had not begun to hand over the mail."""

    code = "WORKER_STOPPING"


class LedgerUnavailable(Postponed):
    """The send ledger cannot be written to, and without it a mail could go out twice. Nothing was sent."""

    code = "LEDGER_UNAVAILABLE"
    advice = "The job comes back by itself. The worker's log and /ready say what is wrong with the ledger."


class JobClaimed(Postponed):
    """Another run of the same job is not over yet, here or in another worker; two could send the mail twice."""

    code = "JOB_CLAIMED"


# ── what should not happen ───────────────────────────────────────────────────────────────────────────────────────


class InternalError(WorkerError):
    """The worker hit a bug. A mail that was handed over already is not sent again."""

    code = "INTERNAL_ERROR"
    retry = Retry.LATER
    advice = "The worker's log has the details under the job's key; please report them."


class AnswerRefused(WorkerError):
    """The gateway refused the answer to a job, for example because its variables are not usable there."""

    code = "ANSWER_REFUSED"
    retry = Retry.NEVER
    advice = "Look at the gateway's reason. Where the mail was handed over, it is not sent again."


class JobLost(Exception):
    """The job timed out, was cancelled or was done elsewhere before the point of no return; nothing was sent."""


def every_error() -> Iterator[type[WorkerError]]:
    """All error classes that have a code, parents before children, in the order of this file."""

    def below(parent: type[WorkerError]) -> Iterator[type[WorkerError]]:
        for child in parent.__subclasses__():
            if "code" in vars(child):
                yield child
            yield from below(child)

    return below(WorkerError)


FREE_CODES = frozenset(error.code for error in every_error() if error.retry is Retry.FREE)
"""Codes of jobs that were handed back and have not failed."""
