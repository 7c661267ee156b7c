"""Reads hostile mail in child processes that can be killed, and never ends in an error."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from zeebe_mail.message.child import ChildFailed, Children, Failure, Limits
from zeebe_mail.message.parse import MESSAGE_LIMIT, parse_header, too_large
from zeebe_mail.message.parsed import ParsedMessage

log = logging.getLogger(__name__)

_MODULE = "zeebe_mail.message.reading"
_MESSAGE = TypeAdapter(ParsedMessage)


@dataclass(frozen=True, slots=True)
class ReadingLimits(Limits):
    """What one message may cost."""

    memory_bytes: int = 512 * 1024 * 1024
    cpu: timedelta = timedelta(seconds=10)
    wall: timedelta = timedelta(seconds=30)
    answer_bytes: int = 128 * 1024 * 1024


DEFAULT_LIMITS = ReadingLimits()


class Reader:
    """Parses messages, as many at once as there are children; more wait for their turn."""

    def __init__(self, *, children: int = 2, limits: ReadingLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._children = Children(_MODULE, count=children, limits=limits)

    async def read(self, raw: bytes, received: datetime | None = None) -> ParsedMessage:
        """Parse a message as ``parse`` does.

        Returns:
            the message; with ``parse_error`` and what its header says, if the child broke, was killed for what it
            needed, or took too long.

        Raises:
            RuntimeError: the reader was closed.
        """
        if len(raw) > MESSAGE_LIMIT:
            return parse_header(raw, received, too_large(len(raw)))
        try:
            message = await self._children.ask(raw, _MESSAGE.validate_json)
        except ChildFailed as error:
            reason = self._reason(error)
            log.warning("message not parsed", extra={"action": "parse_failed", "reason": reason})
            return parse_header(raw, received, reason)
        return replace(message, raw=raw, received=received or message.received)

    async def aclose(self) -> None:
        """End the children; messages that are being read are finished first."""
        await self._children.aclose()

    def _reason(self, error: ChildFailed) -> str:
        limits = self._limits
        return {
            Failure.NOT_STARTED: f"The process that reads messages could not be started: {error.detail}.",
            Failure.CPU: f"The message needs more than {limits.cpu.total_seconds():g} seconds of CPU to be read.",
            Failure.WALL: f"The message could not be read within {limits.wall.total_seconds():g} seconds.",
            Failure.MEMORY: f"The message needs more than {limits.memory_bytes // 2**20} MB of memory to be read.",
            Failure.UNUSABLE: "The process that reads messages gave an answer that cannot be used.",
            Failure.BROKEN: f"The process that reads messages broke on this one ({error.detail}).",
        }[error.failure]
