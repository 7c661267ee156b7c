"""What lists show of a message: as much of its header as IMAP calls the envelope (RFC 9051, 7.5.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from zeebe_mail.message import encoded_words
from zeebe_mail.message.address_list import read_addresses
from zeebe_mail.message.dates import read_date, read_received
from zeebe_mail.message.header_fields import Header, message_start, read_header
from zeebe_mail.message.message_id import message_id_of
from zeebe_mail.message.parsed import Correspondent

IDENTIFIER = re.compile(r"<[^<>\s]{1,990}>")
_ADDRESS_FIELDS = 50  # of one name


@dataclass(frozen=True, slots=True)
class Envelope:
    """Decoded values; what the header does not have is None or empty."""

    message_id: str | None = None
    """With its angle brackets."""
    subject: str | None = None
    from_: tuple[Correspondent, ...] = ()
    to: tuple[Correspondent, ...] = ()
    cc: tuple[Correspondent, ...] = ()
    sent: datetime | None = None
    received: datetime | None = None
    """From the topmost Received header."""

    @property
    def from_address(self) -> str | None:
        """The first From address, bare."""
        return next((one.address for one in self.from_ if one.address), None)


def read_envelope(raw: bytes) -> Envelope:
    """Read a header, or a block of its fields. Never an exception: one message must not spoil a list."""
    try:
        return envelope_of(read_header(raw, message_start(raw, 0, len(raw)), len(raw)))
    except Exception:  # a bug of ours; whoever reads the message is told of it
        return Envelope()


def envelope_of(header: Header) -> Envelope:
    """The envelope in a header."""
    subject, date, received = header.first("subject"), header.first("date"), header.first("received")
    return Envelope(
        message_id=message_id_of(header),
        subject=encoded_words.header_text(subject) if subject is not None else None,
        from_=addresses_of(header.all("from")),
        to=addresses_of(header.all("to")),
        cc=addresses_of(header.all("cc")),
        sent=read_date(encoded_words.header_text(date)) if date is not None else None,
        received=read_received(encoded_words.raw_text(received)) if received is not None else None,
    )


def addresses_of(values: Iterable[bytes]) -> tuple[Correspondent, ...]:
    """The addresses of all fields of one name."""
    return tuple(one for value in list(values)[:_ADDRESS_FIELDS] for one in read_addresses(value))
