"""Words of the IMAP grammar (RFC 9051, 9): what goes into a command, and what a response is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zeebe_mail.mail.imap.connection import ImapViolation, Literal, Piece, Response

MAX_DEPTH = 64
"""Parentheses within parentheses; mails nest less deeply."""

_TOKEN = re.compile(
    rb'\s*+(?:"((?:[^"\\\r\n]++|\\.)*+)"'  # 1 quoted
    rb"|~?\{(\d{1,12})\+?\}\r?\n"  # 2 literal
    rb'|((?:[^\s()"{\[]++|\[[^\]\r\n]{0,1000}+\](?:<\d+>)?|\[)+)'  # 3 atom, with what stands in its brackets
    rb"|(\()|(\))|\Z)"  # 4, 5
)
_NIL = (b"NIL", b"nil", b"Nil")
_ESCAPED = re.compile(rb"\\(.)")
_QUOTABLE = re.compile(rb"[\x20-\x7e]*")
_ATOM = re.compile(rb"[A-Za-z0-9!#$&'+,./:;<=>?@^_`|~-]+")  # no quotes, specials or wildcards

Node = bytes | None | list["Node"]
"""What a response is made of: an atom or a string, NIL, or a list of such in parentheses."""


def parse(response: Response) -> list[Node]:
    """The words of a response, without its star. What nests too deeply is None: mails say how deep their parts go.

    Raises:
        ImapViolation: it is not made of such words.
    """
    text, literals = response.text, iter(response.literals)
    top: list[Node] = []
    stack, here, end, too_deep = [top], top, 2, 0
    for found in _TOKEN.finditer(text, 2):
        kind = found.lastindex
        if found.start() != end:
            break
        end = found.end()
        if kind == 3:
            atom = found[3]
            here.append(None if atom in _NIL else atom)
        elif kind == 1:
            quoted = found[1]
            here.append(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)
        elif kind == 2:
            here.append(_next_literal(literals))
        elif kind == 4:
            inner: list[Node] = []
            if len(stack) < MAX_DEPTH:
                here.append(inner)
                stack.append(inner)
            else:
                too_deep += 1
                if too_deep == 1:
                    here.append(None)
            here = inner
        elif kind == 5:
            if too_deep:
                too_deep -= 1
            elif len(stack) == 1:
                raise ImapViolation("a parenthesis that was never opened")
            else:
                stack.pop()
            here = [] if too_deep else stack[-1]
    if end != len(text):
        raise ImapViolation("a response that is not IMAP")
    if len(stack) > 1 or too_deep:
        raise ImapViolation("a parenthesis that is never closed")
    return top


def _next_literal(literals: Iterator[bytes]) -> bytes:
    try:
        return next(literals)
    except StopIteration:
        raise ImapViolation("a literal without its bytes") from None


def astring(value: bytes) -> Piece:
    """A value as an atom, a quoted string or a literal, whatever carries it (RFC 9051, 4.3)."""
    if _ATOM.fullmatch(value) and value.upper() != b"NIL":
        return value
    return string(value)


def string(value: bytes) -> Piece:
    """A value as a quoted string, or as a literal where that cannot carry it."""
    if len(value) <= 1000 and _QUOTABLE.fullmatch(value):
        return b'"' + value.replace(b"\\", rb"\\").replace(b'"', rb"\"") + b'"'
    return Literal(value)


# ── modified UTF-7 (RFC 3501, 5.1.3) ─────────────────────────────────────────────────────────────────────────────


def encoded_name(path: str) -> bytes:
    """A mailbox name as it goes to a server without UTF8=ACCEPT."""
    if path.isascii() and path.isprintable() and "&" not in path:
        return path.encode("ascii")
    from imapclient import imap_utf7  # here, because few names need it and it brings imaplib with it

    encoded: bytes = imap_utf7.encode(path)
    return encoded


def decoded_name(name: bytes) -> str:
    """A mailbox name as people read it. What is not modified UTF-7 is taken for UTF-8, which some servers send."""
    if b"&" not in name or not name.isascii():
        return name.decode("utf-8", "replace")
    from imapclient import imap_utf7

    try:
        path: str = imap_utf7.decode(name)
        path.encode()  # half a character is none
    except ValueError:
        return name.decode("ascii")
    return path
