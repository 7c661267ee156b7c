"""Reads hostile mail in child processes that can be killed: limits on memory, CPU and time, and never an error.

A child is started when it is first needed, in a new Python that loads nothing but the parser, and is used again. One
that is killed, breaks or is interrupted is not: the next message gets a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

import zeebe_mail
from zeebe_mail.message.parse import MESSAGE_LIMIT, parse_header, too_large
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.reading import LENGTH, OUT_OF_MEMORY

log = logging.getLogger(__name__)

_CHUNK = 256 * 1024
_END = timedelta(seconds=5)
_MODULE = "zeebe_mail.message.reading"
_MESSAGE = TypeAdapter(ParsedMessage)
_IMPORTS = str(Path(zeebe_mail.__file__).parents[1])


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What one message may cost."""

    memory_bytes: int = 512 * 1024 * 1024
    """Address space of the child."""
    cpu: timedelta = timedelta(seconds=10)
    wall: timedelta = timedelta(seconds=30)
    answer_bytes: int = 128 * 1024 * 1024


DEFAULT_LIMITS = ReadingLimits()


class _ChildFailed(Exception):
    """The child gave no answer; the message says why."""


class Reader:
    """Parses messages, as many at once as there are children; more wait for their turn."""

    def __init__(self, *, children: int = 2, limits: ReadingLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._turns = asyncio.Semaphore(children)
        self._idle: list[_Child] = []
        self._closed = False

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
        async with self._turns:
            if self._closed:
                raise RuntimeError("The reader is closed.")
            try:
                message = await self._ask(raw)
            except _ChildFailed as error:
                log.warning("message not parsed", extra={"action": "parse_failed", "reason": str(error)})
                return parse_header(raw, received, str(error))
        return replace(message, raw=raw, received=received or message.received)

    async def aclose(self) -> None:
        """End the children; messages that are being read are finished first."""
        self._closed = True
        while self._idle:
            await self._idle.pop().aclose()

    async def _ask(self, raw: bytes) -> ParsedMessage:
        child = await self._child()
        kept = False
        try:
            async with asyncio.timeout(self._limits.wall.total_seconds()):
                answer = await child.answer(raw, self._limits.answer_bytes)
            message = _MESSAGE.validate_json(answer)
            kept = not self._closed
        except TimeoutError:
            raise _ChildFailed(
                f"The message could not be read within {self._limits.wall.total_seconds():g} seconds."
            ) from None
        except (OSError, EOFError):
            raise _ChildFailed(self._why(await child.ended())) from None
        except ValueError:
            raise _ChildFailed("The process that reads messages gave an answer that cannot be used.") from None
        finally:
            if kept:
                self._idle.append(child)
            else:
                await asyncio.shield(child.aclose())  # also where this task is cancelled once more
        return message

    async def _child(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            await child.aclose()
        try:
            return await _Child.start(self._limits)
        except OSError as error:
            raise _ChildFailed(f"The process that reads messages could not be started: {error.strerror}.") from error

    def _why(self, status: int) -> str:
        if status == -signal.SIGPROF:
            return f"The message needs more than {self._limits.cpu.total_seconds():g} seconds of CPU to be read."
        if status == OUT_OF_MEMORY:
            return f"The message needs more than {self._limits.memory_bytes // 2**20} MB of memory to be read."
        return f"The process that reads messages broke on this one (status {status})."


class _Child:
    """A process that runs ``reading``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout

    @classmethod
    async def start(cls, limits: ReadingLimits) -> _Child:
        """Start one. It gets nothing of the worker's environment, in which there are secrets.

        Raises:
            OSError: the system has no room for it.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", _MODULE, str(limits.memory_bytes), str(limits.cpu.total_seconds())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PYTHONPATH": _IMPORTS, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath, "LANG": "C.UTF-8"},
        )
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether it did not end by itself meanwhile."""
        return self._process.returncode is None

    async def answer(self, raw: bytes, limit: int) -> bytes:
        """What it says of a message.

        Raises:
            OSError, EOFError: it ended.
            ValueError: it answered more than the limit.
        """
        self._requests.write(LENGTH.pack(len(raw)))
        view = memoryview(raw)
        for at in range(0, len(raw), _CHUNK):
            self._requests.write(view[at : at + _CHUNK])
            await self._requests.drain()
        length = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))[0]
        if length > limit:
            raise ValueError("the answer is too long")
        return await self._answers.readexactly(length)

    async def ended(self) -> int:
        """The exit status of one that closed its output: it is about to end, or else is made to."""
        # To kill it right away would ask Popen for the status, and asyncio would miss it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END.total_seconds()):
                return await self._process.wait()
        return await self.aclose()

    async def aclose(self) -> int:
        """End it, if it has not ended; its exit status."""
        if self._process.returncode is None:
            self._requests.close()
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        # A pipe that is full is not read any more, and then its end is never seen: `wait` would not return.
        with contextlib.suppress(OSError):
            while await self._answers.read(_CHUNK):
                pass
        return await self._process.wait()
