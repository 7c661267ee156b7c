"""Two parsers that know nothing of ours: what both make of a mail is what people will see.

`seen(data)` reads with Python's `email`; `PostalMime.seen(data)` with postal-mime, the parser of web mailers, in a
Node.js process that answers one mail after the other.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any, Self

import pytest

HERE = Path(__file__).parent

Address = tuple[str, str]
"""Name and address."""


@dataclass(frozen=True)
class File:
    """An attachment, an inline picture, an invitation."""

    name: str
    content_type: str
    disposition: str
    content_id: str
    content: bytes


@dataclass(frozen=True)
class Seen:
    """What a person would see of a mail."""

    sender: tuple[Address, ...]
    """The first of the authors: many programs show no other."""
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    message_id: str
    in_reply_to: str
    references: str
    text: str | None
    html: str | None
    files: tuple[File, ...]
    header_names: tuple[str, ...]

    def file(self, name: str) -> File:
        (found,) = [one for one in self.files if one.name == name]
        return found


def parsed(data: bytes) -> EmailMessage:
    """The mail as the standard library understands it, without a defect."""
    message = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def seen(data: bytes) -> Seen:
    """The mail with the eyes of the standard library."""
    message = parsed(data)
    leaves = list(_leaves(message))
    assert not [defect for part in leaves for defect in part.defects]
    texts = [part for part in leaves if _is_text(part)]
    return Seen(
        sender=_addresses(message, "From")[:1],
        to=_addresses(message, "To"),
        cc=_addresses(message, "Cc"),
        bcc=_addresses(message, "Bcc"),
        reply_to=_addresses(message, "Reply-To"),
        subject=str(message["Subject"] or ""),
        message_id=str(message["Message-ID"] or ""),
        in_reply_to=_ids(message["In-Reply-To"]),
        references=_ids(message["References"]),
        text=_text(texts, "text/plain"),
        html=_text(texts, "text/html"),
        files=tuple(_file(part) for part in leaves if not _is_text(part)),
        header_names=tuple(name.lower() for name in message),
    )


class NodeParser:
    """A parser of npm in a running Node.js: `answer(data)` is what it makes of the data."""

    def __init__(self, package: str, script: str) -> None:
        node = shutil.which("node")
        if node is None:
            pytest.skip(f"{package} needs node")
        if not (HERE / "node_modules" / package).is_dir():
            pytest.skip(f"{package} is not there: npm ci --prefix tests/parsers")
        self._process = subprocess.Popen([node, str(HERE / script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def answer(self, data: bytes) -> dict[str, Any]:
        """Its answer to one mail or calendar."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(base64.b64encode(data) + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class PostalMime(NodeParser):
    """A running postal-mime."""

    def __init__(self) -> None:
        super().__init__("postal-mime", "postal_mime.mjs")

    def seen(self, data: bytes) -> Seen:
        """The mail with the eyes of postal-mime."""
        mail = self.answer(data)
        return Seen(
            sender=_people([mail["from"]] if "from" in mail else []),
            to=_people(mail.get("to", [])),
            cc=_people(mail.get("cc", [])),
            bcc=_people(mail.get("bcc", [])),
            reply_to=_people(mail.get("replyTo", [])),
            subject=mail.get("subject", ""),
            message_id=mail.get("messageId", ""),
            in_reply_to=_ids(mail.get("inReplyTo")),
            references=_ids(mail.get("references")),
            text=shown(mail["text"]) if "text" in mail else None,
            html=shown(mail["html"]) if "html" in mail else None,
            files=tuple(
                _as_seen(
                    one["filename"] or "",
                    one["mimeType"],
                    one["disposition"] or "",
                    one.get("contentId", ""),
                    base64.b64decode(one["content"]),
                )
                for one in mail["attachments"]
            ),
            header_names=tuple(one["key"] for one in mail["headers"]),
        )


class Ical(NodeParser):
    """A running ical.js."""

    def __init__(self) -> None:
        super().__init__("ical.js", "ical.mjs")


def _leaves(message: EmailMessage) -> list[EmailMessage]:
    if not message.is_multipart() or message.get_content_type() == "message/rfc822":
        return [message]
    return [leaf for part in message.iter_parts() if isinstance(part, EmailMessage) for leaf in _leaves(part)]


def _is_text(part: EmailMessage) -> bool:
    return part.get_content_type() in ("text/plain", "text/html") and part.get_content_disposition() is None


def _text(parts: list[EmailMessage], kind: str) -> str | None:
    found = [str(part.get_content()) for part in parts if part.get_content_type() == kind]
    return shown(found[0]) if found else None


def shown(text: str) -> str:
    """A text as its reader sees it. Parsers differ in how many line ends they leave at its end."""
    return re.sub(r"\r\n?", "\n", text).rstrip("\n")


def _file(part: EmailMessage) -> File:
    inner = part.get_payload()
    content = inner[0].as_bytes(policy=policy.SMTP) if isinstance(inner, list) else part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return _as_seen(
        part.get_filename() or "",
        part.get_content_type(),
        part.get_content_disposition() or "",
        str(part["Content-ID"] or ""),
        content,
    )


def _as_seen(name: str, content_type: str, disposition: str, content_id: str, content: bytes) -> File:
    """What is text has the line ends of its reader: postal-mime shows it so."""
    if content_type.startswith(("text/", "message/", "application/ics")):
        content = shown(content.decode()).encode()
    return File(name, content_type, disposition, content_id, content)


def _addresses(message: EmailMessage, name: str) -> tuple[Address, ...]:
    if not message[name]:
        return ()
    # The standard library reads a header as ASCII and keeps the bytes of other letters aside (RFC 6532 is newer).
    return tuple(
        (one.display_name, _unquoted(one.addr_spec.encode("utf-8", "surrogateescape").decode()))
        for one in message[name].addresses
    )


def _unquoted(address: str) -> str:
    """An address without the quotation marks around its local part: postal-mime takes some off and leaves others."""
    found = re.fullmatch(r'"((?:[^"\\]|\\.)*)"(@.*)', address)
    return re.sub(r"\\(.)", r"\1", found[1]) + found[2] if found else address


def _people(entries: list[dict[str, Any]]) -> tuple[Address, ...]:
    return tuple((one["name"], _unquoted(one["address"])) for one in entries if "address" in one)


def _ids(value: Any) -> str:
    return " ".join(str(value or "").split())
