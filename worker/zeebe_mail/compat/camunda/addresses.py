"""Address lists as Java's mail library reads them: RFC 822 with comments, groups and bare names.

Only the list is read leniently. Each address in it goes through our own strict parser, so nothing that it refuses
reaches a protocol line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from zeebe_mail.compat.camunda.words import as_read
from zeebe_mail.message.address import AddressError, Mailbox, mailbox

_TOKEN = re.compile(
    r"""
      (?P<quoted> "(?:[^"\\]|\\.)*" )
    | (?P<comment> \( (?:[^()\\]|\\.)* \) )
    | (?P<angle> < [^<>]* > )
    | (?P<literal> \[ [^\[\]]* \] )
    | (?P<mark> [,:;] )
    | (?P<plain> [^"()<>\[\],:;]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_BREAK = re.compile(r"[\r\n]")
_BLANKS = re.compile(r"\s+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BARE = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")


@dataclass(slots=True)
class _Entry:
    """One entry of a list while it is read."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: str | None = None

    def take(self, kind: str, text: str) -> None:
        if kind == "comment":
            self.comments.append(text[1:-1])
        elif kind == "angle":
            if self.angle is not None:
                raise AddressError("has two addresses in one entry")
            self.angle = text[1:-1]
        else:
            self.words.append(text)

    def made(self) -> Mailbox | None:
        """The mailbox, or none where nothing but blanks stands."""
        words = "".join(self.words).strip()
        if self.angle is None:
            return _mailbox(words, " ".join(self.comments)) if words else None
        return _mailbox(self.angle.strip(), _unquoted(words) or " ".join(self.comments))


def addresses(text: str) -> tuple[Mailbox, ...]:
    """All the mailboxes of a list with commas between them; those of groups too.

    Raises:
        AddressError: something in it is no address; says what and does not repeat it.
    """
    return tuple(made for entry in _entries(text) if (made := entry.made()))


def _entries(text: str) -> Iterator[_Entry]:
    entry, in_group, at = _Entry(), False, 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise AddressError("has a quotation mark, bracket or parenthesis that is not closed")
        at = token.end()
        kind, said = str(token.lastgroup), token[0]
        if kind != "mark":
            entry.take(kind, said)
            continue
        if said == ":":
            if in_group or entry.angle is not None or "@" in (name := "".join(entry.words)) or _BREAK.search(name):
                raise AddressError("has a colon where no group can begin")
            in_group = True  # what was read is the group's name
        else:
            if said == ";" and not in_group:
                raise AddressError("has a semicolon; separate addresses with commas")
            yield entry
            in_group = in_group and said == ","
        entry = _Entry()
    yield entry


def _mailbox(spec: str, name: str) -> Mailbox:
    name = as_read(_BLANKS.sub(" ", name).strip())
    if "@" not in spec:
        if not _BARE.fullmatch(spec):
            raise AddressError("has no `@` and is no bare name either")
        return replace(mailbox({"name": name, "address": f"{spec}@bare.invalid"}), domain="")
    made = mailbox({"name": name, "address": spec})
    written = spec.rpartition("@")[2]
    # Upper and lower case of a domain mean the same; what the author wrote is kept.
    return replace(made, domain=written) if written.lower() == made.domain else made


def _unquoted(words: str) -> str:
    if len(words) > 1 and words[0] == words[-1] == '"':
        return _ESCAPED.sub(r"\1", words[1:-1])
    return words
