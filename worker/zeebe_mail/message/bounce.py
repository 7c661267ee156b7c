"""Reports about mail that was sent: delivery status (RFC 3464), receipts (RFC 8098), complaints (RFC 5965).

Servers that write none of these are read too: qmail's notices and plain "undelivered mail" texts, recognised by an
empty sender or a mailer daemon, never by the subject alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from zeebe_mail.message import encoded_words
from zeebe_mail.message.header_fields import Header, read_header
from zeebe_mail.message.mime_tree import Entity
from zeebe_mail.message.parsed import Bounce, BouncedRecipient, BounceKind

_TEXT_LIMIT = 64 * 1024
_RECIPIENTS = 500

_KINDS: dict[str, BounceKind] = {
    "failed": "bounce",
    "delayed": "delay",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}
_DAEMON = re.compile(
    r"mailer-daemon|\bmdaemon@|postmaster|mail[ .]delivery[ .](?:sub)?system|system administrator|mailerdaemon"
    r"|smtp_mail_service",
    re.IGNORECASE,
)
_UNDELIVERED = re.compile(
    r"undeliver|non-delivery|not (?:yet )?(?:be(?:en)? )?delivered|(?:unable|able) to deliver|not deliver(?:able)?\b"
    r"|returned mail|delivery (?:status|failure|has failed|problem|notification|incomplete|warning|delayed)"
    r"|failure (?:notice|delivery)|could not be sent|mail (?:delivery )?fail(?:ed|ure)|failed (?:mail|recipient)"
    r"|did not re(?:ach|ceive)|user unknown|unknown user|return(?:ed|ing) to sender"
    r"|unzustellbar|nicht zugestellt|non (?:remis|recens)|no se pudo entregar|не доставлено",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"delayed|not yet been delivered|warning: could not send|will be retried|verzögert|temporar",
    re.IGNORECASE,
)
_STILL_TRIED = re.compile(
    r"warning message only|just a warning|not yet been delivered|will be retried|attempts will continue", re.IGNORECASE
)
_QMAIL = re.compile(r"^<([^<>\s]{1,300}@[^<>\s]{1,300})>:\s*$", re.MULTILINE)
_ADDRESS = re.compile(r"<?([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+)>?")
_OWN = re.compile(r"(?:postmaster|mailer-daemon|abuse)@", re.IGNORECASE)
_GATEWAY_TYPE = re.compile(r"(?:smtp|rfc822)=", re.IGNORECASE)
_INTRODUCED = re.compile(
    r"\b(?:following|these)\s+(?:e-?mail\s+)?(?:recipient|address|user)|failed recipient|delivered to:", re.IGNORECASE
)
# What follows is the message that was returned, or its header.
_RETURNED = re.compile(
    r"^[-*=>_ \t]*+(?:below this line|original message|(?:this is )?a copy of|(?:unsent|returned) (?:message|mail)"
    r"|(?:the )?(?:message )?header|(?:the )?body of|return-path:|received:)",
    re.IGNORECASE | re.MULTILINE,
)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_FAILED_STATUS = re.compile(r"\b([45]\.\d{1,3}\.\d{1,3})\b")
_REPLY = re.compile(r"\b([45]\d\d)[ -](?=\S)")
_EMPTY_LINE = re.compile(rb"\r?\n[ \t]*+\r?\n")
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,990}>")
_ID_HEADER = re.compile(r"^message-id:\s*(<[^<>\s]{3,990}>)", re.IGNORECASE | re.MULTILINE)


def read_bounce(root: Entity, text: str | None) -> Bounce | None:
    """The report that a message is, if it is one; ``text`` is its readable text."""
    parts = list(_walk(root))
    original = _original_message_id(parts)
    for part in parts:
        if part.content_type in {"message/delivery-status", "message/global-delivery-status"}:
            status = [one.content() for one in parts if one.content_type == part.content_type]
            found = _delivery_status(b"\n\n".join(status), original)
            # Some servers name the recipients in their prose only.
            return found if found.recipients else _plain(root, text or "", original)
        if part.content_type in {"message/disposition-notification", "message/global-disposition-notification"}:
            return _receipt(part.content(), original)
        if part.content_type == "message/feedback-report":
            return _complaint(part.content(), original)
    text = text or ""
    return _plain(root, text, original) if _from_daemon(root.header) and _says_undelivered(root.header, text) else None


def _walk(entity: Entity) -> Iterator[Entity]:
    """The parts of a message, without those of messages in it."""
    yield entity
    if not entity.is_message:
        for child in entity.children:
            yield from _walk(child)


def _delivery_status(content: bytes, original: str | None) -> Bounce:
    blocks = list(_blocks(content))
    recipients = tuple(one for block in blocks if (one := _recipient(block)))[:_RECIPIENTS]
    first = recipients[0] if recipients else BouncedRecipient("", None, None, None)
    # The worst that happened to anybody is what the report is about.
    actions = {one.action for one in recipients}
    worst = next((kind for action, kind in _KINDS.items() if action in actions), _by_status(first.status))
    return Bounce(worst, first.action, first.status, first.diagnostic, recipients, original)


def _by_status(status: str | None) -> BounceKind:
    match (status or "5")[0]:
        case "2":
            return "delivered"
        case "4":
            return "delay"
        case _:
            return "bounce"


def _blocks(content: bytes) -> Iterator[Header]:
    """Groups of fields with blank lines between them."""
    for block in _EMPTY_LINE.split(content, _RECIPIENTS):
        yield read_header(block.lstrip(b"\r\n"), 0, len(block))


def _recipient(block: Header) -> BouncedRecipient | None:
    final, original = _typed(block, "final-recipient"), _typed(block, "original-recipient")
    if original and not (final and _ADDRESS.fullmatch(final)):
        final = original  # behind a gateway, the final one may be no address of the Internet
    if not final:
        return None
    status = _STATUS.search(_text(block, "status") or "")
    action = (_text(block, "action") or "").split("(")[0].strip().lower() or None
    return BouncedRecipient(final, action, status[1] if status else None, _typed(block, "diagnostic-code"))


def _receipt(content: bytes, original: str | None) -> Bounce:
    header = read_header(content, 0, len(content))
    disposition = (_text(header, "disposition") or "").rpartition(";")[2].split("/")[0].strip().lower() or None
    address = _typed(header, "final-recipient") or _typed(header, "original-recipient") or ""
    identifier = _MESSAGE_ID.search(_text(header, "original-message-id") or "")
    recipients = (BouncedRecipient(address, disposition, None, None),)
    return Bounce("read", disposition, None, None, recipients, identifier[0] if identifier else original)


def _complaint(content: bytes, original: str | None) -> Bounce:
    header = read_header(content, 0, len(content))
    kind = _text(header, "feedback-type")
    addresses = [
        address
        for value in header.all("original-rcpt-to")
        for address in _ADDRESS.findall(encoded_words.raw_text(value))
    ]
    recipients = tuple(BouncedRecipient(one, None, None, None) for one in addresses[:_RECIPIENTS])
    return Bounce("complaint", kind, None, None, recipients, original)


def _from_daemon(header: Header) -> bool:
    sender = encoded_words.header_text(header.first("from") or b"")[:300]
    return_path = encoded_words.raw_text(header.first("return-path") or b"-")[:300]
    return bool(_DAEMON.search(sender)) or return_path == "<>"


def _says_undelivered(header: Header, text: str) -> bool:
    says = _UNDELIVERED.search(_subject(header)) or _UNDELIVERED.search(text[:2000])
    return bool(says or header.first("x-failed-recipients") or "qmail-send program" in text[:_TEXT_LIMIT])


def _subject(header: Header) -> str:
    return encoded_words.header_text(header.first("subject") or b"")[:500]


def _plain(root: Entity, text: str, original: str | None) -> Bounce:
    """A report in prose."""
    text = text[:_TEXT_LIMIT]
    failed = [encoded_words.raw_text(value) for value in root.header.all("x-failed-recipients")]
    own = {
        address.lower()
        for name in ("to", "from")
        for address in _ADDRESS.findall(encoded_words.raw_text(root.header.first(name) or b""))
    }
    notice = _notice(text)
    addresses = (
        _QMAIL.findall(notice)
        or [one for value in failed for one in _ADDRESS.findall(value)]
        or [_GATEWAY_TYPE.sub("", one).strip("'") for one in _ADDRESS.findall(_recipients_in(notice))]
    )
    recipients = [one for one in dict.fromkeys(addresses) if one.lower() not in own and not _OWN.match(one)]
    recipients = recipients[:_RECIPIENTS]
    status = _FAILED_STATUS.search(notice)
    reply = _REPLY.search(notice)
    line = next((one.strip() for one in notice.splitlines() if (found := status or reply) and found[1] in one), None)
    delayed = _is_delay(_subject(root.header), notice, status[1] if status else None)
    identifier = _ID_HEADER.search(text)
    action = "delayed" if delayed else "failed"
    code = status[1] if status else None
    return Bounce(
        kind="delay" if delayed else "bounce",
        action=action,
        status=code,
        diagnostic=line,
        recipients=tuple(BouncedRecipient(one, action, code, line) for one in recipients),
        original_message_id=original or (identifier[1] if identifier else None),
    )


def _notice(text: str) -> str:
    """What the server says, without the message that it returns."""
    notice = _ID_HEADER.split(text)[0]
    returned = _RETURNED.search(notice, 1)
    return notice[: returned.start()] if returned and _ADDRESS.search(notice, 0, returned.start()) else notice


def _recipients_in(notice: str) -> str:
    """Where a notice names the recipients: behind "the following recipients", if it says that."""
    introduced = _INTRODUCED.search(notice)
    return notice[introduced.start() :] if introduced and _ADDRESS.search(notice, introduced.start()) else notice


def _is_delay(subject: str, notice: str, status: str | None) -> bool:
    if status is not None:
        return status.startswith("4")
    return bool(_DELAYED.search(subject) or _STILL_TRIED.search(notice))


def _original_message_id(parts: list[Entity]) -> str | None:
    """The Message-ID in what the report returns: the message itself or its header."""
    for part in parts:
        header = None
        if part.is_message:
            header = part.children[0].header
        elif part.content_type in {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}:
            content = part.content()
            header = read_header(content, 0, len(content))
        if header and (found := _MESSAGE_ID.search(_text(header, "message-id") or "")):
            return found[0]
    return None


def _text(header: Header, name: str) -> str | None:
    value = header.first(name)
    return (encoded_words.header_text(value) or None) if value is not None else None


def _typed(header: Header, name: str) -> str | None:
    """A value behind its type, such as ``rfc822; a@example.org`` (RFC 3464, 2.3.2)."""
    value = _text(header, name)
    if value is None:
        return None
    _, semicolon, rest = value.partition(";")
    return ((rest if semicolon else value).strip().strip("<>")) or None
