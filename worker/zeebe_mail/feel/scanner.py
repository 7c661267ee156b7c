"""Text to tokens.

Nothing here depends on what names are in scope. A token that cannot begin or continue anything is kept as `UNKNOWN`,
because it may still be part of a context key; the parser complains when it meets one.
"""

from collections.abc import Iterator
from re import DOTALL, VERBOSE, Match
from re import compile as pattern
from typing import NamedTuple
from unicodedata import category

__all__ = ["BACKTICKS", "END", "NAME", "NUMBER", "SPACES", "STRING", "SYMBOL", "UNKNOWN", "Token", "scan"]

# DMN 1.5, grammar rules 61 and 62.
SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

_NAME_START = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Sc", "Pc"})
_NAME_PART = _NAME_START | {"Nd", "Mn", "Mc", "Cf"}  # java.lang.Character.isJavaIdentifierPart


# Kinds of tokens: plain strings, because members of an enum cost a lookup each time.
NAME = "name"
NUMBER = "number"
STRING = "string"
BACKTICKS = "name in backticks"
SYMBOL = "symbol"
UNKNOWN = "character"
END = "end"


class Token(NamedTuple):
    """`text` is what counts: for strings and backticks what is between the quotes, escapes as they were written."""

    kind: str
    text: str
    start: int
    end: int


# What no name contains: ASCII but for letters, digits, `_` and `$`, and all spaces.
_NOT_PART = rf"\x00-\x23\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f{SPACES}"

# One match takes the spaces and comments in front of a token, too; behind the last one it takes only these. A row of
# characters beyond ASCII is at first a name, because `re` does not know which of them are letters for Java.
_PATTERN = rf"""
    (?: [{SPACES}]+ | //[^\n]* | /\*.*?\*/ )*
    (?:
        ( [^0-9{_NOT_PART}][^{_NOT_PART}]* )
      | ( [0-9]+(?:\.[0-9]+)? | \.[0-9]+ )
      | "( (?:[^"\\]|\\.)* )"
      | `( [^`]+ )`
      | ( \*\* | \.\. | <= | >= | != | [-+*/=<>()\[\]{{}},:.?@] )
      | ( . )
    )?
    """
_TOKEN = pattern(_PATTERN, DOTALL | VERBOSE)
_TOKEN_OR_SLASH = pattern(_PATTERN.replace(r"| /\*.*?\*/", ""), DOTALL | VERBOSE)  # no comments of several lines
_KINDS = (END, NAME, NUMBER, STRING, BACKTICKS, SYMBOL, UNKNOWN)


def scan(text: str) -> list[Token]:
    """All tokens of `text`; the last is `END`."""
    tokens: list[Token] = []
    add, new = tokens.append, tuple.__new__  # half the time of scanning goes into making tokens
    for match in _matches(text) if "/*" in text else _TOKEN.finditer(text):
        group = match.lastindex
        if group is None:
            continue
        kind, content = _KINDS[group], match[group]
        end = match.end()
        if kind is STRING or kind is BACKTICKS:
            add(new(Token, (kind, content, end - len(content) - 2, end)))
        elif kind is NAME and not content.isascii():
            tokens.extend(_names(content, end - len(content)))
        elif kind is UNKNOWN and content == '"':
            # A string that does not end: nothing behind it counts, and it is not searched for strings again and again.
            add(Token(kind, content, end - 1, end))
            break
        else:
            add(new(Token, (kind, content, end - len(content), end)))
    tokens.append(Token(END, "", len(text), len(text)))
    return tokens


def _matches(text: str) -> "Iterator[Match[str]]":
    """Where no comment ends any more, none is looked for: each one that begins there would be read to the end."""
    last, position = text.rfind("*/"), 0
    for match in _TOKEN.finditer(text):
        yield match
        position = match.end()
        if position > last:
            break
    yield from _TOKEN_OR_SLASH.finditer(text, position)


def _names(row: str, start: int) -> Iterator[Token]:
    """The names in a row of characters, and each character that is no part of one."""
    index = 0
    while index < len(row):
        end, kind = index + 1, UNKNOWN
        if category(row[index]) in _NAME_START:
            kind = NAME
            while end < len(row) and category(row[end]) in _NAME_PART:
                end += 1
        yield Token(kind, row[index:end], start + index, start + end)
        index = end
