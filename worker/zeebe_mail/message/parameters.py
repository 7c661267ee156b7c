"""Content-Type and Content-Disposition: a value and its parameters (RFC 2045, 5.1), RFC 2231 and all that is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from zeebe_mail.message import charsets
from zeebe_mail.message.encoded_words import decode, one_line

LIMIT = 4096
"""Characters of a value that are read; what is longer is no honest header."""

_PARAMETERS = 200

_PARAMETER = re.compile(
    r"""[;\s]*+ ([^=;\s"]++) \s*+ = \s*+ (?: "((?:[^"\\]|\\.)*+)("?) | ([^;]*+) )""", re.VERBOSE | re.DOTALL
)
_JUNK = re.compile(r"[;\s]*+[^;]*+")
_ESCAPED = re.compile(r"\\([\"\\])")
_EXTENDED = re.compile(r"(.+?)(?:\*(\d{1,4}))?(\*)?")
_CHARSET = re.compile(r"([^']{0,60})'[^']{0,60}'(.*)", re.DOTALL)
_COMMENT = re.compile(r"\s\([^()]*+\)\s*\Z")


@dataclass(frozen=True, slots=True)
class Parametrised:
    """``value`` is lower case; so are the names of the parameters."""

    value: str
    parameters: dict[str, str]


def parse(text: str) -> Parametrised:
    """Read a header value; what makes no sense in it is left out."""
    text = text[:LIMIT]
    value, semicolon, rest = text.partition(";")
    if "=" in value:  # `Content-Disposition: filename="a"`: the value itself was forgotten
        first = re.split(r"\s+", value.strip(), maxsplit=1)
        value, rest = ("", text) if "=" in first[0] else (first[0], " ".join(first[1:]) + semicolon + rest)
    return Parametrised(_COMMENT.sub("", f" {value}").strip(" \t\"'").lower(), _joined(_pairs(rest)))


def _pairs(text: str) -> list[tuple[str, str, bool]]:
    """Names, values, and whether they were in quotes."""
    pairs: list[tuple[str, str, bool]] = []
    at = 0
    while at < len(text) and len(pairs) < _PARAMETERS:
        found = _PARAMETER.match(text, at)
        if not found:
            junk = _JUNK.match(text, at)
            at = junk.end() if junk and junk.end() > at else len(text)
            continue
        name, quoted, _, bare = found.groups()
        if quoted is not None:
            # Paths of Windows come with single backslashes: only `\"` and `\\` are escapes.
            pairs.append((name.lower(), _ESCAPED.sub(r"\1", quoted), True))
        else:
            pairs.append((name.lower(), bare.strip(), False))
        at = found.end()
    return pairs


def _joined(pairs: list[tuple[str, str, bool]]) -> dict[str, str]:
    """Parameters by name: continuations joined, charsets applied (RFC 2231), and encoded words."""
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value, quoted in pairs:
        extended = _EXTENDED.fullmatch(name) if "*" in name else None
        if extended and (extended[2] or extended[3]):
            sections.setdefault(extended[1], {}).setdefault(int(extended[2] or 0), (value, bool(extended[3])))
        else:
            plain.setdefault(name, decode(value) if quoted else decode(_COMMENT.sub("", value)))
    found = {**plain, **{name: _extended(parts) for name, parts in sections.items()}}
    return {name: one_line(value) for name, value in found.items()}


def _extended(parts: dict[int, tuple[str, bool]]) -> str:
    ordered = [parts[number] for number in sorted(parts)]
    first, first_is_encoded = ordered[0]
    charset = None
    if first_is_encoded and (labelled := _CHARSET.fullmatch(first)):
        charset, first = labelled[1] or None, labelled[2]
        ordered[0] = (first, True)
    if not any(encoded for _, encoded in ordered):
        return decode("".join(value for value, _ in ordered))
    data = b"".join(
        unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace") for value, encoded in ordered
    )
    text = charsets.decode(data, charset).text
    return decode(text) if "=?" in text else text
