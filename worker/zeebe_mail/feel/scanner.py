"""Text to tokens.

Nothing here depends on what names are in scope. A token that cannot begin or continue anything is kept as `UNKNOWN`,
because it may still be part of a context key; the parser complains when it meets one.
"""

from enum import Enum
from re import DOTALL, VERBOSE
from re import compile as pattern
from typing import NamedTuple
from unicodedata import category

__all__ = ["SPACES", "Kind", "Token", "scan"]

# DMN 1.5, grammar rules 61 and 62.
SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

_NAME_START = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Sc", "Pc"})
_NAME_PART = _NAME_START | {"Nd", "Mn", "Mc", "Cf"}  # java.lang.Character.isJavaIdentifierPart


class Kind(Enum):
    NAME = "name"
    NUMBER = "number"
    STRING = "string"
    BACKTICKS = "name in backticks"
    SYMBOL = "symbol"
    UNKNOWN = "character"
    END = "end"


class Token(NamedTuple):
    """`text` is what counts: for strings and backticks what is between the quotes, escapes as they were written."""

    kind: Kind
    text: str
    start: int
    end: int


_TOKEN = pattern(
    rf"""
      (?P<skipped> [{SPACES}]+ | //[^\n]* | /\*.*?(?:\*/) )
    | (?P<NAME> [A-Za-z_$][A-Za-z0-9_$]* )
    | (?P<NUMBER> [0-9]+(?:\.[0-9]+)? | \.[0-9]+ )
    | "(?P<STRING> (?:[^"\\]|\\.)* )"
    | `(?P<BACKTICKS> [^`]+ )`
    | (?P<SYMBOL> \*\* | \.\. | <= | >= | != | [-+*/=<>()\[\]{{}},:.?@] )
    | (?P<UNKNOWN> . )
    """,
    DOTALL | VERBOSE,
)
_KINDS = Kind.__members__


def scan(text: str) -> list[Token]:
    """All tokens of `text`; the last is `END`."""
    tokens: list[Token] = []
    position, length = 0, len(text)
    match_at = _TOKEN.match
    while position < length:
        match = match_at(text, position)
        assert match is not None
        assert match.lastgroup is not None
        group, end = match.lastgroup, match.end()
        if group != "skipped":
            kind = _KINDS[group]
            content = match[group]
            if kind is Kind.UNKNOWN or (kind is Kind.NAME and end < length and text[end] >= "\x80"):
                end, kind = _unicode_name(text, position, end, kind)
                content = text[position:end]
            tokens.append(Token(kind, content, position, end))
        position = end
    tokens.append(Token(Kind.END, "", length, length))
    return tokens


def _unicode_name(text: str, start: int, end: int, kind: Kind) -> tuple[int, Kind]:
    """Completes a name that has letters beyond ASCII, or finds that there is none."""
    if kind is Kind.UNKNOWN and category(text[start]) not in _NAME_START:
        return end, kind
    while end < len(text) and category(text[end]) in _NAME_PART and text[end] not in SPACES:
        end += 1
    return end, Kind.NAME
