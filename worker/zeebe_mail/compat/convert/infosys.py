"""Tasks of Infosys' mail connectors, as their three element templates write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zeebe_mail.compat.convert.source import expression, is_feel, quoted, within
from zeebe_mail.compat.convert.task import Inputs, NotConvertible, Response

MOST = 10_000
USUAL = 1000
"""Messages that a list of theirs has where the task does not say."""

_SMTP_LOGIN = ("hostname", "port", "username", "password")
_MAIL = {
    "smtpEmailMailBoxName": "request.from",
    "smtpEmailToRecipients": "request.to",
    "smtpEmailCcRecipients": "request.cc",
    "smtpEmailBccRecipients": "request.bcc",
    "smtpEmailSubject": "request.subject",
    "smtpEmailFollowUp": "request.followUp",
    "smtpEmailDirectReplyTo": "request.replyTo",
    "smtpEmailSensitivity": "request.sensitivity",
    "smtpEmailAttachments": "request.attachments",
}
SMTP_TARGETS = frozenset(
    [
        *_MAIL,
        *(f"authentication.{one}" for one in _SMTP_LOGIN),
        *(f"smtpEmail{one}" for one in ("ContentType", "Content", "Importance", "ReadReceipt")),
    ]
)
"""All inputs of the connector that sends."""

_LOGIN = "hostname portNumber username password domainName keyStorePath keyStorePassword folderPath"
_DATA = (
    "filters sortBy maxResults outputType searchType searchField searchContent messageId postReadAction "
    "readLatestResponse downloadFolderPath targetFolderPath createTargetFolder"
)
MAILBOX_TARGETS = frozenset(
    ["operation", *(f"authentication.{one}" for one in _LOGIN.split()), *(f"data.{one}" for one in _DATA.split())]
)
"""All inputs of the two connectors that read."""

_TRUTHS = {"${TRUE}": "=true", "${FALSE}": "=false", "TRUE": "=true", "FALSE": "=false"}
"""What their drop-downs for yes and no say."""


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────


def become_smtp(inputs: Inputs) -> tuple[str, Response]:
    """Our task type; the inputs are moved.

    Raises:
        NotConvertible: says why.
    """
    needed = ("smtpEmailMailBoxName", "smtpEmailToRecipients", "smtpEmailSubject", "smtpEmailContent")
    inputs.demand(*(f"authentication.{one}" for one in _SMTP_LOGIN), *needed)
    inputs.move("authentication.hostname", "server.host")
    inputs.move("authentication.port", "server.port")
    inputs.add("server.security", "TLS")
    _login(inputs)
    for theirs, ours in _MAIL.items():
        if inputs.has(theirs):
            inputs.move(theirs, ours)
    if inputs.has("smtpEmailAttachments"):
        _tell_of_files(inputs)
    _truth(inputs, "smtpEmailImportance", "request.importance")
    _truth(inputs, "smtpEmailReadReceipt", "request.readReceipt")
    kind = inputs.word("smtpEmailContentType", "Text", "The content type").lower()
    if kind in ("html", "htm"):
        _html(inputs, inputs.given["smtpEmailContent"])
    elif kind in ("text", "txt"):
        inputs.move("smtpEmailContent", "request.text", _with_line_breaks)
    else:
        raise NotConvertible(f"The content type is {kind!r}; known are Text and HTML.")
    return "mail:smtp-send:1", Response(
        lost=("response",), instead="A mail that was not sent fails the job; `messageId` names the one that was."
    )


def _login(inputs: Inputs) -> None:
    inputs.add("auth.type", "password")
    inputs.move("authentication.username", "auth.username")
    inputs.move("authentication.password", "auth.password")


def _truth(inputs: Inputs, old: str, new: str) -> None:
    source = inputs.given.get(old, "").strip()
    if is_feel(source):
        inputs.move(old, new)
    elif source:
        inputs.choose(old, new, _TRUTHS)


def _with_line_breaks(source: str) -> str:
    r"""A text that is typed into the panel has its line breaks as ``\n``."""
    if is_feel(source) or "\\" not in source:
        return source
    written = source.replace("\\n", "\n").replace("\\t", "\t")
    return f"={quoted(written)}"


def _html(inputs: Inputs, source: str) -> None:
    """The HTML itself, or the path of a file that has it."""
    if not is_feel(source):
        if "<" in source:
            inputs.move("smtpEmailContent", "request.html")
        else:
            inputs.move("smtpEmailContent", "request.htmlFrom")
            _tell_of_files(inputs)
        return
    given = within(source)
    inputs.move("smtpEmailContent", "request.html", lambda _: f'=if contains({given}, "<") then {given} else null')
    inputs.add("request.htmlFrom", f'=if contains({given}, "<") then null else {given}')
    _tell_of_files(inputs)


def _tell_of_files(inputs: Inputs) -> None:
    remark = "Files are read from the folders in ZEEBE_MAIL_FILES_DIRS of the worker, and from no others."
    if remark not in inputs.remarks:
        inputs.remarks.append(remark)


# ── mailboxes ────────────────────────────────────────────────────────────────────────────────────────────────────


def become_imap(inputs: Inputs) -> tuple[str, Response]:
    """Our task type; the inputs are moved.

    Raises:
        NotConvertible: says why.
    """
    inputs.demand("authentication.folderPath")
    inputs.move("authentication.folderPath", "request.mailbox", _path)
    return _become(inputs, "imap")


def become_pop3(inputs: Inputs) -> tuple[str, Response]:
    """Our task type; the inputs are moved.

    Raises:
        NotConvertible: says why.
    """
    return _become(inputs, "pop3")


def _become(inputs: Inputs, protocol: str) -> tuple[str, Response]:
    operation = inputs.word("operation", f"{protocol}.list-emails", "The operation").lower()
    inputs.demand(*(f"authentication.{one}" for one in ("hostname", "portNumber", "username", "password")))
    if inputs.has("authentication.keyStorePath"):
        raise NotConvertible(
            "It has a key store. Our tasks trust the worker's CA certificates (ZEEBE_MAIL_CA_FILE) or the PEM text in "
            "`server.tls.caCertificate`. Take keyStorePath out and provide one of them."
        )
    inputs.move("authentication.hostname", "server.host")
    inputs.move("authentication.portNumber", "server.port")
    inputs.add("server.security", "SSL_TLS")
    _login(inputs)
    domain = inputs.given.get("authentication.domainName", "")
    if domain.strip():
        inputs.move("authentication.username", "auth.username", lambda user: _with_domain(user, domain))
    moves = _OPERATIONS.get(operation.removeprefix(f"{protocol}."))
    if moves is None or not operation.startswith(f"{protocol}."):
        raise NotConvertible(f"The operation {operation!r} is none of {protocol}.")
    verb, move, response = moves
    move(inputs, protocol)
    return f"mail:{protocol}-{verb}:1", response


def _with_domain(user: str, domain: str) -> str:
    if not is_feel(user) and not is_feel(domain):
        at_domain = f"@{domain.strip().removeprefix('@')}"
        return user if user.endswith(at_domain) else user + at_domain
    at = f'"@" + replace({within(domain)}, "^@", "")'
    return f"=if ends with({within(user)}, {at}) then {within(user)} else {within(user)} + {at}"


def _path(source: str) -> str:
    return source if is_feel(source) else "/".join(filter(None, source.strip().split("/")))


def _list(inputs: Inputs, protocol: str) -> None:
    if inputs.has("data.filters"):
        raise NotConvertible(
            f"It has filters in a language of its own. Say the same in `request.criteria` of mail:{protocol}-search:1 "
            "(docs/operations.md, Criteria)."
        )
    if inputs.has("data.sortBy"):
        raise NotConvertible(
            "It sorts. Take data.sortBy out, convert, and set `request.sortBy` (RECEIVED_DATE, SENT_DATE or SIZE) and "
            "`request.sortOrder`."
        )
    if inputs.has("data.maxResults"):
        inputs.limit("data.maxResults", "request.limit", most=MOST)
    else:
        inputs.add("request.limit", f"={USUAL}")
    inputs.add("request.sortOrder", "ASC")
    _fields(inputs)


def _fields(inputs: Inputs) -> None:
    kind = inputs.word("data.outputType", "messageIds", "The output").lower()
    inputs.add("request.fields", "summary" if kind == "headerdetails" else "ids")


def _search(inputs: Inputs, protocol: str) -> None:
    inputs.demand("data.searchContent")
    kind = inputs.word("data.searchType", "partial", "The kind of search").lower()
    field = inputs.word("data.searchField", "subject", "The field").lower()
    content = expression(inputs.given["data.searchContent"])
    criteria = (_PART if kind == "partial" else _WHOLE).get(field)
    if criteria is None:
        raise NotConvertible(
            f"It searches by {field!r} ({kind}). Say the same in `request.criteria` of mail:{protocol}-search:1, for "
            'example {since: "2026-01-31"} (docs/operations.md, Criteria).'
        )
    inputs.move("data.searchContent", "request.criteria", lambda _: f"={criteria(content)}")
    inputs.add("request.limit", f"={MOST}")
    inputs.add("request.sortOrder", "ASC")
    _fields(inputs)


def _part_of(key: str) -> Callable[[str], str]:
    return lambda content: f"{{{key}: {content}}}"


def _whole_of(field: str) -> Callable[[str], str]:
    return lambda content: f'{{field: "{field}", value: {content}, match: "exact"}}'


def _anywhere(content: str) -> str:
    return f"{{or: [{', '.join(_part_of(key)(content) for key in ('subject', 'from', 'body'))}]}}"


_PART: Mapping[str, Callable[[str], str]] = {
    "subject": _part_of("subject"),
    **dict.fromkeys(("from", "sender"), _part_of("from")),
    **dict.fromkeys(("body", "content"), _part_of("body")),
    "all": _anywhere,
}
_WHOLE: Mapping[str, Callable[[str], str]] = {
    "subject": _whole_of("SUBJECT"),
    **dict.fromkeys(("from", "sender"), _whole_of("FROM")),
}
"""Our criteria for a field, whose value has the text in it or is the text."""


def _read(inputs: Inputs, protocol: str) -> None:
    _named(inputs)
    kind = inputs.word("data.outputType", "detailedHeader", "The output").lower()
    inputs.add("request.level", "header" if kind == "header" else "full")
    if inputs.word("data.postReadAction", "read", "What becomes of the mail").lower() == "unread":
        raise NotConvertible(
            "It marks the mail as unread. Set postReadAction to read, convert, set `request.markAsRead` to false, and "
            "put a task mail:imap-flags-remove:1 behind it where the mail may have been read before."
        )
    inputs.add("request.markAsRead", "=true")


def _move(inputs: Inputs, protocol: str) -> None:
    _named(inputs)
    inputs.demand("data.targetFolderPath")
    inputs.move("data.targetFolderPath", "request.target", _path)
    if inputs.has("data.createTargetFolder"):
        _truth(inputs, "data.createTargetFolder", "request.createTarget")
    else:
        inputs.add("request.createTarget", "=false")
    inputs.add("request.ifMissing", "error")


def _delete(inputs: Inputs, protocol: str) -> None:
    _named(inputs)
    if protocol == "imap":
        inputs.add("request.mode", "permanent")
    inputs.add("request.ifMissing", "error")


def _download(inputs: Inputs, protocol: str) -> None:
    raise NotConvertible(
        f"It saves a mail in a folder of the worker. mail:{protocol}-download:1 gives the mail as a document, or in "
        "base64; put that task in its place."
    )


def _named(inputs: Inputs) -> None:
    inputs.demand("data.messageId")
    inputs.move("data.messageId", "request.messageId")


_LISTED = Response(
    lost=("response",),
    instead="Ours is in `messages`: each has `messageId`, and with headerDetails `fromAddress`, `subject`, `size` and "
    "`receivedDateTime`.",
)
_CONTENT = Response(
    lost=("response",),
    instead="Ours has `fromAddress`, `to`, `cc`, `bcc`, `subject`, `size`, `receivedDateTime`, `plainTextBody`, "
    "`newestReply`, `htmlBody` and `attachments`.",
)
_OPERATIONS: Mapping[str, tuple[str, Callable[[Inputs, str], None], Response]] = {
    "list-emails": ("list", _list, _LISTED),
    "search-emails": ("search", _search, _LISTED),
    "read-email": ("read", _read, _CONTENT),
    "download-email": ("download", _download, Response()),
    "move-email": ("move", _move, Response(lost=("response",), instead="Ours has `done`, `to` and `messages`.")),
    "delete-email": ("delete", _delete, Response(lost=("response",), instead="Ours has `deleted`.")),
}
"""Our verb, its inputs and its result, by their operation."""
