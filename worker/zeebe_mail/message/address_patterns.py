"""Addresses as an operator lists them: one, a domain, all domains below one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from zeebe_mail.message.address import AddressError, Mailbox, mailbox


class PatternError(ValueError):
    """An entry of a list that stands for no address; the message repeats it."""


@dataclass(frozen=True, slots=True)
class AddressPatterns:
    """Addresses as an operator lists them.

    ``jane@example.org`` is that address and its sub-addresses (``jane+…@example.org``, RFC 5233), ``@example.org`` all
    of that domain, ``*.example.org`` all of the domains below it. Upper and lower case do not matter, nor do full-width
    letters and blanks at the edges, and an international domain may be written in either form.
    """

    addresses: frozenset[tuple[str, str]] = frozenset()
    domains: frozenset[str] = frozenset()
    parents: tuple[str, ...] = ()
    """Each with a dot before it."""

    @classmethod
    def of(cls, entries: Iterable[str]) -> AddressPatterns:
        """Read entries.

        Raises:
            PatternError: one is none of the three forms.
        """
        addresses, domains, parents = set(), set(), []
        for entry in entries:
            local, at, domain = entry.strip().rstrip(".").rpartition("@")
            try:
                if at and not local:
                    domains.add(_domain(domain))
                elif not at and domain.startswith("*."):
                    parents.append(f".{_domain(domain[2:])}")
                elif "*" in local:
                    raise AddressError("has a wildcard where none can be")
                else:
                    addresses.add((folded(mailbox(f"{local}{at}{domain}").local), _domain(domain)))
            except AddressError:
                raise PatternError(
                    f'"{entry}" is no address, no domain such as @example.org, and no *.example.org'
                ) from None
        return cls(frozenset(addresses), frozenset(domains), tuple(parents))

    def __bool__(self) -> bool:
        return bool(self.addresses or self.domains or self.parents)

    def match(self, one: Mailbox) -> bool:
        """Whether an address is among them."""
        local, domain = folded(one.local), one.domain.lower()
        return (
            domain in self.domains
            or domain.endswith(self.parents)
            or not self.addresses.isdisjoint({(local, domain), (local.partition("+")[0], domain)})
        )


NO_ADDRESSES = AddressPatterns()


def _domain(text: str) -> str:
    return mailbox(f"x@{text}").domain.lower()


def folded(local: str) -> str:
    """What stands before the ``@``, as it is compared: as servers may read it that are generous."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", local).casefold()).strip()
