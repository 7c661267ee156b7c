"""Addresses in received mail: a lenient reader (RFC 5322, 3.4 and 4.4) that takes one pass and never fails.

What we write ourselves is checked by the strict parser of ``address.py``. Here the aim is to understand what others
wrote: groups, comments, routes, names without quotes, addresses without a name, and names without an address.
"""

from __future__ import annotations

import re

from zeebe_mail.message import encoded_words
from zeebe_mail.message.parsed import Correspondent

LIMIT = 2000
"""Addresses of one header that are read."""

_TOKEN = re.compile(
    r"""(?P<word>=\?[^\s?]{1,60}\?[bBqQ]\?[^?\s]*+\?=)
      | (?P<quoted>"(?:[^"\\]|\\.)*+"?)
      | (?P<angle><[^<>,;"]*+(?:"(?:[^"\\]|\\.)*+"[^<>,;"]*+)?(?:[,;:@][^<>"]*+)?>?)
      | (?P<escaped>\\.)
      | (?P<mark>[,;:()])
      | (?P<blank>\s++)
      | (?P<text>[^\s,;:()<"\\]++|.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COMMENT = re.compile(r"\([^()]*+\)")
_SPACED_DOT = re.compile(r"\s*+\.\s*+")
_NAMED_NEXT = re.compile(r"[^@<>\"():;]{1,200}<[^<>]{0,320}@")
_BARE = re.compile(r"(?<![^\s@<>\"])[^\s@<>\"]++@[^\s@<>\",;]++")


class _Entry:
    """What was read since the last comma."""

    def __init__(self) -> None:
        self.phrase: list[str] = []
        self.comment: list[str] = []
        self.angle: str | None = None
        self.has_at = False
        """Whether the phrase has an ``@``: asked at each colon, which a stranger can write as often as he likes."""

    def add(self, text: str) -> None:
        """More of the phrase."""
        self.phrase.append(text)
        self.has_at = self.has_at or "@" in text

    def is_words(self) -> bool:
        """Whether it can only be a name so far."""
        if self.angle is not None or self.comment or self.has_at:
            return False
        words = "".join(self.phrase)
        return bool(words.strip()) and "=" not in words

    def correspondent(self) -> Correspondent | None:
        phrase = "".join(self.phrase).strip()
        comment = _shown("".join(self.comment))
        if self.angle is not None:
            return self._named(phrase or None, comment)
        if not phrase:
            return None
        return _unbracketed(phrase, comment)

    def _named(self, phrase: str | None, comment: str | None) -> Correspondent | None:
        address = _address(self.angle or "")
        name = _shown(phrase or "") or comment
        if not address and name and (inside := _BARE.search(name)):
            return Correspondent(None, _address(inside[0]))
        if not address and not name:
            return None
        return Correspondent(None if name == address else name, address)


def read_addresses(value: bytes) -> tuple[Correspondent, ...]:
    """The mailboxes of a header such as To; those of a group without its name."""
    text = encoded_words.raw_text(value)
    found: list[Correspondent] = []
    entry = _Entry()
    depth = 0
    in_group = False
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token[0]
        if depth:
            depth += (word == "(") - (word == ")")
            if depth:
                entry.comment.append(_unquoted(word) if kind == "quoted" else word[-1] if kind == "escaped" else word)
        elif word == "(":
            depth = 1
            entry.comment.append(" ")
        elif word == ":" and not entry.angle and not entry.has_at:
            entry, in_group = _Entry(), True
        elif word in {",", ";"}:
            in_group = in_group and word != ";"
            if word == "," and entry.is_words() and _NAMED_NEXT.match(text, token.end()):
                entry.add(word)  # `Doe, Jane <jane@example.org>` without the quotation marks it needs
                continue
            _add(found, entry)
            entry = _Entry()
        elif kind == "angle" and entry.angle is None:
            entry.angle = word[1:].removesuffix(">")
        elif kind == "angle":
            _add(found, entry)
            entry = _Entry()
            entry.angle = word[1:].removesuffix(">")
        elif kind == "quoted" and text[token.end() : token.end() + 1] != "@":
            entry.add(_unquoted(word))
        else:
            entry.add(word)
        if len(found) >= LIMIT:
            return tuple(found)
    _add(found, entry)
    return tuple(found)


def _add(found: list[Correspondent], entry: _Entry) -> None:
    one = entry.correspondent()
    if one is not None:
        found.append(one)


def _unbracketed(phrase: str, comment: str | None) -> Correspondent:
    """An entry without ``<…>``: an address, an address and a name, or only a name."""
    if "@" not in phrase and "=?" in phrase:
        phrase = encoded_words.decode(phrase)
        if "<" in phrase and (inside := re.search(r"<([^<>\s]*@[^<>\s]*)>", phrase)):
            return Correspondent(_shown(phrase[: inside.start()]) or comment, _address(inside[1]))
    if "@" not in phrase:
        return (
            Correspondent(_shown(phrase), "") if re.search(r"\s", phrase) else Correspondent(comment, _address(phrase))
        )
    local, _, domain = phrase.rpartition("@")
    phrase = f"{local.rstrip()}@{_SPACED_DOT.sub('.', domain.lstrip())}"
    if phrase.startswith('"') or not re.search(r"\s", phrase):
        return Correspondent(comment, _address(phrase))
    inside = _BARE.search(phrase)
    if not inside:
        return Correspondent(comment, _address("".join(phrase.split())))
    around = _shown(f"{phrase[: inside.start()]} {phrase[inside.end() :]}")
    return Correspondent(around or comment, _address(inside[0]))


def _address(text: str) -> str:
    text = (_COMMENT.sub("", text) if "(" in text and '"' not in text else text).strip()
    if text.startswith("@") and ":" in text:  # a route (RFC 5322, 4.4)
        text = text.rpartition(":")[2]
    if text.lower().startswith("mailto:"):
        text = text[7:]
    if "=?" in text:
        text = encoded_words.decode(text)
    return encoded_words.one_line("".join(text.split()) if '"' not in text else text)


def _shown(text: str) -> str | None:
    """A name as a person reads it."""
    shown = " ".join(encoded_words.one_line(encoded_words.decode(text)).split()).strip()
    if len(shown) > 1 and shown[0] == shown[-1] and shown[0] in "\"'":
        shown = shown[1:-1].strip()
    return shown or None


def _unquoted(text: str) -> str:
    inner = text[1:-1] if text.endswith('"') and len(text) > 1 else text[1:]
    return _ESCAPED.sub(r"\1", inner)
