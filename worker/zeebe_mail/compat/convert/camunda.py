"""Tasks of Camunda's e-mail connector, as all versions of its element template write them (1 to 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zeebe_mail.compat.convert.source import expression, is_feel, parsed, within
from zeebe_mail.compat.convert.task import Inputs, NotConvertible, Response
from zeebe_mail.feel import nodes
from zeebe_mail.message.headers import HeaderError, custom_name

ACCOUNT = "emailAccountConfiguration"
DOCUMENT = "data.smtpAction.data_smtpAction_attachments_"
MOST = 10_000
"""Messages that our tasks list."""

SECURITY = {
    "smtp": {"TLS": "STARTTLS", "SSL": "SSL_TLS", "NONE": "NONE"},
    "imap": {"TLS": "SSL_TLS", "SSL": "SSL_TLS", "NONE": "NONE"},
    "pop3": {"TLS": "SSL_TLS", "SSL": "SSL_TLS", "NONE": "NONE"},
}
"""What its encryption means, by protocol; what it means at Camunda is in docs/compatibility.md."""

_ACTION_FIELDS = {
    "smtp": "from to cc bcc headers subject contentType body htmlBody attachments",
    "imap": "maxToBeRead listEmailsFolder sortField sortOrder criteria searchEmailFolder messageId readEmailFolder "
    "deleteEmailFolder fromFolder toFolder",
    "pop3": "maxToBeRead sortField sortOrder criteria messageId",
}
_DOCUMENT_FIELDS = (
    "documentMode single_documentSource single_camundaReference single_inline_content single_inline_fileName "
    "single_inline_contentType single_external_url single_external_fileName multiple_expression"
)
TARGETS = frozenset(
    [
        *("protocol", "authentication.type", "authentication.username", "authentication.password", ACCOUNT),
        *(f"data.{protocol}ActionDiscriminator" for protocol in SECURITY),
        *(
            f"data.{protocol}Config.{protocol}{part}"
            for protocol in SECURITY
            for part in ("Host", "Port", "CryptographicProtocol")
        ),
        *(f"data.{protocol}Action.{one}" for protocol, given in _ACTION_FIELDS.items() for one in given.split()),
        *(f"{DOCUMENT}{one}" for one in _DOCUMENT_FIELDS.split()),
    ]
)
"""All inputs of all versions."""


def become(inputs: Inputs) -> tuple[str, Response]:
    """Our task type; the inputs are moved.

    Raises:
        NotConvertible: says why.
    """
    protocol = inputs.word("protocol", "smtp", "The protocol").lower()
    if protocol not in SECURITY:
        raise NotConvertible(f"The protocol is {protocol!r}; known are smtp, imap and pop3.")
    only = "sendEmailSmtp" if protocol == "smtp" else ""
    operation = inputs.word(f"data.{protocol}ActionDiscriminator", only, "The operation")
    if operation not in _OPERATIONS or not operation.lower().endswith(protocol):
        raise NotConvertible(f"The operation {operation!r} is none of {protocol}.")
    _server(inputs, protocol)
    task_type, move, response = _OPERATIONS[operation]
    move(inputs)
    return task_type, response


def _server(inputs: Inputs, protocol: str) -> None:
    if inputs.has(ACCOUNT):
        _account(inputs, protocol)
        return
    config = f"data.{protocol}Config.{protocol}"
    inputs.demand(f"{config}Host")
    inputs.move(f"{config}Host", "server.host")
    inputs.move(f"{config}Port", "server.port")
    inputs.choose(f"{config}CryptographicProtocol", "server.security", SECURITY[protocol])
    _login(inputs, protocol)


def _login(inputs: Inputs, protocol: str) -> None:
    kind = inputs.word("authentication.type", "simple", "The authentication").lower()
    if kind == "noauth":
        if protocol != "smtp":
            raise NotConvertible(f"Nobody reads {protocol} without a login. Choose the authentication `simple`.")
        inputs.add("auth.type", "none")
        return
    if kind != "simple":
        raise NotConvertible(f"The authentication is {kind!r}; known are simple and noAuth.")
    inputs.demand("authentication.username", "authentication.password")
    inputs.add("auth.type", "password")
    inputs.move("authentication.username", "auth.username")
    inputs.move("authentication.password", "auth.password")


def _account(inputs: Inputs, protocol: str) -> None:
    """A reusable account of release 8.10: one object with user, password and server."""
    account = within(inputs.given[ACCOUNT])
    if not is_feel(inputs.given[ACCOUNT]):
        raise NotConvertible("The e-mail account is no expression. Choose the account in the Modeler.")
    security, usual = SECURITY[protocol], {"smtp": 587, "imap": 993, "pop3": 995}[protocol]
    known = ", ".join(f"{word}: {meaning!r}".replace("'", '"') for word, meaning in security.items())
    encryption, port = f"{account}.{protocol}CryptographicProtocol", f"{account}.{protocol}Port"
    inputs.moved[ACCOUNT] = ("server.host", f"={account}.{protocol}Host")
    inputs.add("server.port", f"=if {port} = null then {usual} else {port}")
    inputs.add(
        "server.security",
        f'=get value({{{known}}}, if {encryption} = null then "TLS" else upper case({encryption}))',
    )
    inputs.add("auth.type", "password")
    inputs.add("auth.username", f"={account}.username")
    inputs.add("auth.password", f"={account}.password")


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _send(inputs: Inputs) -> None:
    action = "data.smtpAction."
    inputs.demand(f"{action}from", f"{action}to")
    for name in ("from", "to", "cc", "bcc", "subject"):
        inputs.move(f"{action}{name}", f"request.{name}")
    if inputs.has(f"{action}bcc"):
        inputs.add("request.undisclosedRecipients", "=true")
    if inputs.has(f"{action}headers"):
        _headers(inputs, f"{action}headers")
    kind = inputs.word(f"{action}contentType", "PLAIN", "The content type").upper()
    bodies = {"PLAIN": ("body",), "HTML": ("htmlBody",), "MULTIPART": ("body", "htmlBody")}.get(kind, ("body",))
    for body in bodies:
        if f"{action}{body}" not in inputs.given:
            raise NotConvertible(f"There is no input {action}{body} for the content type {kind}. Fill it in first.")
        inputs.move(f"{action}{body}", "request.text" if body == "body" else "request.html")
    _attachments(inputs, f"{action}attachments")


def _headers(inputs: Inputs, target: str) -> None:
    inputs.move(target, "request.headers")
    tree = parsed(inputs.given[target])
    if not isinstance(tree, nodes.ContextLiteral):
        inputs.remarks.append(
            f"{target} is not spelled out. Our `request.headers` takes no Reply-To (use `request.replyTo`) and none of "
            "the headers that a mail has from its own fields, such as From, To, Cc, Bcc, Date or Subject."
        )
        return
    for name, _ in tree.entries:
        if name.lower() == "reply-to":
            raise NotConvertible(
                "Its headers have Reply-To, which is an input of its own with us. Take it out of the headers, convert, "
                "and put it into `request.replyTo`."
            )
        try:
            custom_name(name)
        except HeaderError as error:
            raise NotConvertible(f"Its headers have {name}: {error}. Take it out.") from None


def _attachments(inputs: Inputs, target: str) -> None:
    """Attachments: one list up to version 4; since version 5 a choice, from which the template computes the list."""
    if f"{DOCUMENT}documentMode" not in inputs.given:
        if inputs.has(target):
            inputs.move(target, "request.attachments")
        return
    mode = inputs.word(f"{DOCUMENT}documentMode", "none", "The kind of attachments").lower()
    if mode == "multiple":
        inputs.demand(f"{DOCUMENT}multiple_expression")
        inputs.move(f"{DOCUMENT}multiple_expression", "request.attachments")
    elif mode == "single":
        kind = inputs.word(f"{DOCUMENT}single_documentSource", "camunda", "The source of the attachment").lower()
        _DOCUMENTS.get(kind, _no_document)(inputs)


def _camunda_document(inputs: Inputs) -> None:
    inputs.demand(f"{DOCUMENT}single_camundaReference")
    inputs.move(f"{DOCUMENT}single_camundaReference", "request.attachments")


def _inline_document(inputs: Inputs) -> None:
    _one_document(inputs, "inline", {"content": "content", "name": "fileName", "contentType": "contentType"})


def _external_document(inputs: Inputs) -> None:
    _one_document(inputs, "external", {"url": "url", "name": "fileName"})


def _one_document(inputs: Inputs, kind: str, members: Mapping[str, str]) -> None:
    fields = {name: f"{DOCUMENT}single_{kind}_{field}" for name, field in members.items()}
    needed = next(iter(fields.values()))
    inputs.demand(needed)
    said = [f"{name}: {expression(inputs.given[field])}" for name, field in fields.items() if inputs.has(field)]
    document = f'={{"camunda.document.type": "{kind}", {", ".join(said)}}}'
    inputs.move(needed, "request.attachments", lambda _: document)


def _no_document(inputs: Inputs) -> None:
    raise NotConvertible("The source of the attachment is unknown. Choose one in the Modeler.")


_DOCUMENTS: Mapping[str, Callable[[Inputs], None]] = {
    "camunda": _camunda_document,
    "inline": _inline_document,
    "external": _external_document,
}


# ── mailboxes ────────────────────────────────────────────────────────────────────────────────────────────────────


def _folder(inputs: Inputs, target: str) -> None:
    if inputs.has(target):
        inputs.move(target, "request.mailbox")


def _list(protocol: str) -> Callable[[Inputs], None]:
    def move(inputs: Inputs) -> None:
        action = f"data.{protocol}Action."
        inputs.demand(f"{action}maxToBeRead")
        inputs.limit(f"{action}maxToBeRead", "request.limit", most=MOST)
        inputs.move(f"{action}sortField", "request.sortBy")
        inputs.move(f"{action}sortOrder", "request.sortOrder")
        _folder(inputs, f"{action}listEmailsFolder")

    return move


def _search(protocol: str) -> Callable[[Inputs], None]:
    def move(inputs: Inputs) -> None:
        action = f"data.{protocol}Action."
        inputs.demand(f"{action}criteria")
        inputs.move(f"{action}criteria", "request.criteria")
        _folder(inputs, f"{action}searchEmailFolder")
        if protocol == "pop3" and "FROM" in inputs.given[f"{action}criteria"]:
            inputs.remarks.append(
                "FROM means the whole address over POP3, and a part of it with us. Write it as "
                '{field: "FROM", value: …, match: "exact"}.'
            )
        inputs.add("request.limit", f"={MOST}")
        inputs.add("request.sortOrder", "ASC")

    return move


def _read(protocol: str) -> Callable[[Inputs], None]:
    def move(inputs: Inputs) -> None:
        action = f"data.{protocol}Action."
        inputs.demand(f"{action}messageId")
        inputs.move(f"{action}messageId", "request.messageId")
        _folder(inputs, f"{action}readEmailFolder")
        inputs.add("request.originalHtml", "=true")

    return move


def _delete(protocol: str) -> Callable[[Inputs], None]:
    def move(inputs: Inputs) -> None:
        action = f"data.{protocol}Action."
        inputs.demand(f"{action}messageId")
        inputs.move(f"{action}messageId", "request.messageId")
        _folder(inputs, f"{action}deleteEmailFolder")
        if protocol == "imap":
            inputs.add("request.mode", "permanent")
        inputs.add("request.ifMissing", "error")

    return move


def _move(inputs: Inputs) -> None:
    action = "data.imapAction."
    inputs.demand(f"{action}messageId", f"{action}toFolder")
    inputs.move(f"{action}messageId", "request.messageId")
    _folder(inputs, f"{action}fromFolder")
    inputs.move(f"{action}toFolder", "request.target")
    inputs.add("request.ifMissing", "error")


_MESSAGES = Response(whole="messages")
_MESSAGE = Response(
    renamed={"attachments": "attachments.document"},
    instead="Each of our `attachments` has `fileName`, `size` and more, and its document in `document`.",
)
_OPERATIONS: Mapping[str, tuple[str, Callable[[Inputs], None], Response]] = {
    "sendEmailSmtp": (
        "mail:smtp-send:1",
        _send,
        Response(
            renamed={"sent": "true"},
            lost=("subject",),
            instead="The subject is what the task was given, and a mail that was not sent fails the job.",
        ),
    ),
    "listEmailsImap": ("mail:imap-list:1", _list("imap"), _MESSAGES),
    "searchEmailsImap": ("mail:imap-search:1", _search("imap"), _MESSAGES),
    "readEmailImap": ("mail:imap-read:1", _read("imap"), _MESSAGE),
    "deleteEmailImap": ("mail:imap-delete:1", _delete("imap"), Response()),
    "moveEmailImap": ("mail:imap-move:1", _move, Response()),
    "listEmailsPop3": ("mail:pop3-list:1", _list("pop3"), _MESSAGES),
    "searchEmailsPop3": ("mail:pop3-search:1", _search("pop3"), _MESSAGES),
    "readEmailPop3": ("mail:pop3-read:1", _read("pop3"), _MESSAGE),
    "deleteEmailPop3": ("mail:pop3-delete:1", _delete("pop3"), Response()),
}
"""Our task type, its inputs and its result, by discriminator."""
