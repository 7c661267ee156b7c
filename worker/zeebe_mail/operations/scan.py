"""Searching a POP3 mailbox: the server cannot, so headers, and bodies where needed, are read here, within limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from zeebe_mail.form import Prompt
from zeebe_mail.mail.pop3 import REMEMBERED, Listed, Pop3Session
from zeebe_mail.message.criteria import And, Criterion
from zeebe_mail.message.dates import read_received
from zeebe_mail.message.encoded_words import raw_text
from zeebe_mail.message.header_fields import Header, read_header
from zeebe_mail.message.matching import Candidate, matches, needs
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.reader import Reader

MESSAGE_LIMIT = 25 * 1024 * 1024
"""Bytes of one message whose body is searched."""

_AT_ONCE = 2  # messages that are checked before other jobs go on

MaxScan = Annotated[int, Field(ge=1, le=1_000_000), Prompt("Look at, at most", group="limits", hint="Messages")]
MaxBytes = Annotated[int, Field(ge=1, le=2**40), Prompt("Read, at most", group="limits", hint="Bytes of bodies")]


@dataclass(slots=True)
class Scan:
    """What was found, and how far it was looked."""

    found: list[Listed] = field(default_factory=list)
    """The newest first."""
    scanned: int = 0
    """Messages that were looked at."""
    skipped: int = 0
    """Those of them whose body is too large to be searched, or had no room any more."""
    read_bytes: int = 0
    """Of bodies."""
    complete: bool = True
    """Whether all messages were looked at, and none was skipped."""


async def scan(pop3: Pop3Session, criterion: Criterion, reader: Reader, *, max_scan: int, max_bytes: int) -> Scan:
    """Look for messages that match, from the newest to the oldest.

    Headers are asked for once and remembered. Bodies are only read of messages that the rest of the criterion allows,
    and each time anew.
    """
    listing = (await pop3.listing())[::-1]
    result = Scan(complete=len(listing) <= max_scan)
    of_header, of_body = _divided(criterion)
    async for one, candidate in _candidates(pop3, listing[:max_scan], of_header):
        result.scanned += 1
        if result.scanned % _AT_ONCE == 0:
            await asyncio.sleep(0)
        if matches(of_header, candidate):
            result.found.append(one)
    if of_body.parts:
        await _search_bodies(pop3, of_body, reader, result, max_bytes)
    return result


def _divided(criterion: Criterion) -> tuple[And, And]:
    """The parts that a header decides, and those for which the body is needed; both have to hold."""
    parts = criterion.parts if isinstance(criterion, And) else (criterion,)
    of_body = tuple(part for part in parts if needs(part).body)
    return And(tuple(part for part in parts if part not in of_body)), And(of_body)


async def _candidates(
    pop3: Pop3Session, messages: Sequence[Listed], criterion: Criterion
) -> AsyncIterator[tuple[Listed, Candidate]]:
    wanted = needs(criterion)
    known = wanted.headers <= REMEMBERED and not wanted.whole_header
    highest = messages[0].number if messages else 0
    async for one, block in pop3.summaries(messages) if known else pop3.headers(messages):
        yield one, _candidate(one, read_header(block, 0, len(block)), highest)


def _candidate(one: Listed, header: Header, highest: int, message: ParsedMessage | None = None) -> Candidate:
    received = header.first("received")
    return Candidate(
        header=header,
        size=one.size,
        received=read_received(raw_text(received)) if received is not None else None,
        body=_text(message) if message else "",
        text=message.all_text if message else "",
        attachments=len(message.attachments) if message else 0,
        sequence=one.number,
        highest_sequence=highest,
    )


async def _search_bodies(pop3: Pop3Session, criterion: Criterion, reader: Reader, result: Scan, max_bytes: int) -> None:
    highest = max((one.number for one in await pop3.listing()), default=0)
    affordable = []
    for one in result.found:
        if one.size <= MESSAGE_LIMIT and result.read_bytes + one.size <= max_bytes:
            affordable.append(one)
            result.read_bytes += one.size
    result.skipped = len(result.found) - len(affordable)
    result.complete = result.complete and not result.skipped
    result.found = []
    async for one, raw in pop3.messages(affordable, limit=MESSAGE_LIMIT):
        message = await reader.read(raw)
        if matches(criterion, _candidate(one, read_header(raw, 0, len(raw)), highest, message)):
            result.found.append(one)


def _text(message: ParsedMessage) -> str:
    """All that a body says, its HTML as it stands too: so do servers of IMAP search in BODY."""
    return "\n".join(filter(None, (message.text, message.html, *map(_text, message.messages))))
