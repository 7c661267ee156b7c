"""Mail addresses: a strict parser of our own (RFC 5322, 3.4, without comments and obsolete forms).

Many an accident began with a lenient one: what one program reads as two recipients, another reads as one with an odd
name. Here each input is exactly one mailbox or an error that says which entry is wrong and why, without repeating it.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ATEXT = r"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u00a1-\U0010ffff"
_DOT_ATOM = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_ESCAPED = re.compile(r"\\(.)")
_SIMPLE = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+@[A-Za-z0-9.-]+")
_SPECIAL = re.compile(r"[()<>\[\]:;@\\,\"]")
# Controls, line separators, what turns the reading direction, and halves of characters.
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_LOCAL_LIMIT, _DOMAIN_LIMIT = 64, 253  # octets; RFC 5321, 4.5.3.1


class AddressError(ValueError):
    """Not a mail address; the message says why and does not repeat it."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mail address with its display name.

    ``local`` is what it means, without quotes; ``domain`` is in ASCII (A-labels), lower case. Without a domain it is a
    bare name that the mail server completes; our own parser makes none such.
    """

    local: str
    domain: str
    name: str = ""

    @property
    def address(self) -> str:
        """The address in wire form, quoted where it must be: for headers and envelopes alike."""
        return f"{_local_on_wire(self.local)}@{self.domain}" if self.domain else _local_on_wire(self.local)


def mailboxes(value: Any) -> tuple[Mailbox, ...]:
    """All the mailboxes of an input: a string with ``,`` or ``;``, ``{name, address}``, a list of these, or nothing.

    Raises:
        AddressError: names the entry that is wrong by its position.
    """
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return tuple(_each(split(value)))
    if isinstance(value, Mapping | Mailbox):
        return (mailbox(value),)
    if isinstance(value, list | tuple):
        return tuple(_each(_flat(value)))
    raise AddressError("must be a string, a list, or an object with `name` and `address`")


def mailbox(value: Any) -> Mailbox:
    """The one mailbox of an input.

    Raises:
        AddressError: it is none, or more than one.
    """
    if isinstance(value, Mailbox):
        return value
    if isinstance(value, str):
        return _parse(value)
    if isinstance(value, Mapping):
        return _from_object(value)
    raise AddressError("must be a string, or an object with `name` and `address`")


def envelope(*groups: Iterable[Mailbox]) -> tuple[str, ...]:
    """Each address once, in the order given."""
    return tuple(dict.fromkeys(one.address for group in groups for one in group))


def split(text: str) -> list[str]:
    """Cut a list at ``,`` and ``;`` outside of quotes and angle brackets; blank entries are left out."""
    if '"' not in text and "<" not in text:
        return [part for part in re.split("[,;]", text) if part.strip()]
    parts, start, at, angle = [], 0, 0, False
    while at < len(text):
        char = text[at]
        if char == '"':
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                raise AddressError("a quotation mark is not closed")
            at = quoted.end()
            continue
        if char in "<>":
            angle = char == "<"
        elif char in ",;" and not angle:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [part for part in (*parts, text[start:]) if part.strip()]


def _flat(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, str):
            yield from split(value)
        elif value is not None:
            yield value


def _each(values: Iterable[Any]) -> Iterable[Mailbox]:
    for position, value in enumerate(values, 1):
        try:
            yield mailbox(value)
        except AddressError as error:
            raise AddressError(f"entry {position}: {error}") from None


def _from_object(value: Mapping[Any, Any]) -> Mailbox:
    unknown = sorted(str(key) for key in value.keys() - {"name", "address"})
    if unknown or "address" not in value:
        raise AddressError("an object must have `address`, may have `name`, and nothing else")
    name, address = value.get("name") or "", value["address"]
    if not isinstance(name, str) or not isinstance(address, str):
        raise AddressError("`name` and `address` must be strings")
    parsed = _parse(address)
    if parsed.name:
        raise AddressError("`address` must not contain a name; put it into `name`")
    _refuse_unwanted(name)
    return Mailbox(parsed.local, parsed.domain, name.strip())


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> Mailbox:
    _refuse_unwanted(text)
    text = text.strip()
    if _SIMPLE.fullmatch(text):
        return _addr_spec(text)
    if not text.endswith(">"):
        return _addr_spec(text)
    name, opening, address = _before_angle(text[:-1])
    if not opening:
        raise AddressError("has `>` without `<`")
    parsed = _addr_spec(address)
    return Mailbox(parsed.local, parsed.domain, _display_name(name.strip()))


def _before_angle(text: str) -> tuple[str, str, str]:
    quoted = _QUOTED.match(text.lstrip())
    skip = len(text) - len(text.lstrip()) + quoted.end() if quoted else 0
    name, opening, address = text[skip:].partition("<")
    return text[:skip] + name, opening, address


def _display_name(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return _ESCAPED.sub(r"\1", text[1:-1]).strip()
    if "(" in text or ")" in text:
        raise AddressError("comments in parentheses are not supported; put the name into quotation marks")
    if _SPECIAL.search(text):
        raise AddressError("the name has special characters; put it into quotation marks")
    return text


def _addr_spec(text: str) -> Mailbox:
    quoted = _QUOTED.match(text)
    if quoted:
        local, rest = _ESCAPED.sub(r"\1", quoted[0][1:-1]), text[quoted.end() :]
        if not rest.startswith("@"):
            raise AddressError("has no `@` after the quoted part")
        domain = rest[1:]
    else:
        local, at, domain = text.partition("@")
        if not at:
            raise AddressError("has no `@`")
        if not local:
            raise AddressError("has nothing before the `@`")
        if not (_DOT_ATOM.fullmatch(local) and local.isprintable()):
            raise AddressError("has characters before the `@` that are not allowed there")
    if len(local.encode()) > _LOCAL_LIMIT:
        raise AddressError(f"has more than {_LOCAL_LIMIT} bytes before the `@`")
    return Mailbox(local, _domain(domain))


def _domain(text: str) -> str:
    if not text:
        raise AddressError("has nothing after the `@`")
    if text.startswith("["):
        return _literal(text)
    domain = text if text.isascii() else _a_labels(text)
    if len(domain) > _DOMAIN_LIMIT or not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise AddressError("has no valid domain after the `@`")
    return domain.lower()


def _literal(text: str) -> str:
    found = re.fullmatch(r"\[(IPv6:)?([0-9A-Fa-f.:]+)\]", text, re.IGNORECASE)
    try:
        if found and found[1]:
            return f"[IPv6:{ipaddress.IPv6Address(found[2])}]"
        return f"[{ipaddress.IPv4Address(found[2] if found else '')}]"
    except ValueError:
        raise AddressError("has no valid IP address between brackets after the `@`") from None


def _a_labels(domain: str) -> str:
    import idna  # here, because its tables cost 3 MB and most workers never see such a domain

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise AddressError("has no valid international domain after the `@`") from None


def _local_on_wire(local: str) -> str:
    if _DOT_ATOM.fullmatch(local):
        return local
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _refuse_unwanted(text: str) -> None:
    if _UNWANTED.search(text):
        raise AddressError("contains line breaks, control characters or characters that turn the text direction")
