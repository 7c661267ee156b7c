"""Who got a blind copy is nobody else's business (RFC 5322, 3.6.3), also where a mail is passed on that has it."""

from __future__ import annotations

import re

from zeebe_mail.message.header_fields import message_start, read_header

_FIELD = re.compile(
    rb"(?:\A[ \t]*|(?<=[\r\n]))(?:resent-)?bcc[ \t]*:[^\r\n]*(?:\r*\n|\r|\Z)(?:[ \t][^\r\n]*(?:\r*\n|\r|\Z))*",
    re.IGNORECASE,
)

_EMPTY_LINE = re.compile(rb"(?:\A|\n)\r*\n")


def without_blind_copies(mail: bytes) -> bytes:
    """A mail without the lines of ``Bcc`` and ``Resent-Bcc`` in its own header, every other byte as it was.

    What any reader takes for its header is its header: up to where a lenient one sees its end, and to the empty line.
    """
    lines = mail.replace(b"\r", b"\n") if b"\n" not in mail else mail
    start = message_start(lines, 0, len(lines))
    empty = _EMPTY_LINE.search(lines, start)
    end = max(read_header(lines, start, len(lines)).body, empty.end() if empty else len(lines))
    head = mail[start:end]
    shorter = _FIELD.sub(b"", head)
    return mail if shorter == head else mail[:start] + shorter + mail[end:]
