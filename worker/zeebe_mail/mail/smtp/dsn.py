"""Delivery status notifications: what the servers on the way shall report to the sender (SMTP extension, RFC 3461)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Event = Literal["success", "failure", "delay"]

ENVELOPE_ID_LIMIT = 100  # characters; RFC 3461, 4.4

_NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")
_NOT_UTF8_XTEXT = re.compile(r"[^!-*,-<>-\[\]-~\u00a1-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class DsnRequest:
    """Which reports are wanted."""

    notify: tuple[Event, ...] | None = None
    """What is reported; none of it: never. Without it, what the servers think fit."""
    returns: Literal["full", "headers"] | None = None
    """How much of the mail comes back with a report of failure."""
    envelope_id: str | None = None
    """What reports call this mail: printable ASCII, at most ``ENVELOPE_ID_LIMIT`` characters."""

    def of_mail(self) -> list[str]:
        """The parameters of MAIL (4.3 and 4.4)."""
        parameters = []
        if self.returns:
            parameters.append("RET=FULL" if self.returns == "full" else "RET=HDRS")
        if self.envelope_id:
            parameters.append(f"ENVID={_xtext(self.envelope_id)}")
        return parameters

    def of_recipient(self, address: str, *, smtputf8: bool) -> list[str]:
        """The parameters of RCPT (4.1 and 4.2): a report names the address that was meant here."""
        parameters = []
        if self.notify is not None:
            parameters.append(f"NOTIFY={','.join(self.notify).upper() or 'NEVER'}")
        if address.isascii():
            parameters.append(f"ORCPT=rfc822;{_xtext(address)}")
        elif smtputf8:
            parameters.append(f"ORCPT=utf-8;{_utf8_xtext(address)}")
        return parameters


def _xtext(text: str) -> str:
    return _NOT_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text)


def _utf8_xtext(text: str) -> str:
    """RFC 6533, 3: utf-8-addr-xtext."""
    return _NOT_UTF8_XTEXT.sub(lambda found: rf"\x{{{ord(found[0]):02X}}}", text)
