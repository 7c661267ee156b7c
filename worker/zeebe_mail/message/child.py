"""Work on what strangers wrote, in child processes that can be killed: limits on memory, CPU and time.

A child is started when it is first needed, in a new Python that loads nothing but its module (which runs
``serving.serve``), and is used again. One that is killed, breaks or is interrupted is not: the next gets a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import zeebe_mail
from zeebe_mail.message.serving import LENGTH, OUT_OF_MEMORY

_CHUNK = 256 * 1024
_END = timedelta(seconds=5)
_IMPORTS = str(Path(zeebe_mail.__file__).parents[1])

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may cost."""

    memory_bytes: int
    """Address space of the child."""
    cpu: timedelta
    wall: timedelta
    answer_bytes: int


class Failure(enum.Enum):
    """Why there is no answer."""

    NOT_STARTED = "the system has no room for the child"
    CPU = "it took more CPU than allowed"
    WALL = "it took longer than allowed"
    MEMORY = "it took more memory than allowed"
    UNUSABLE = "its answer is too long, or is none"
    BROKEN = "the child ended by itself"


class ChildFailed(Exception):
    """A child gave no answer."""

    def __init__(self, failure: Failure, detail: str = "") -> None:
        """``detail``: the system's words, or the exit status of a child that broke."""
        super().__init__(f"{failure.value} {detail}".rstrip())
        self.failure = failure
        self.detail = detail


class Children:
    """Children of one kind, as many at work at once as allowed; more work waits for its turn."""

    def __init__(self, module: str, *arguments: str, count: int, limits: Limits) -> None:
        self._command = (
            *(sys.executable, "-P", "-m", module),
            *(str(limits.memory_bytes), str(limits.cpu.total_seconds()), *arguments),
        )
        self._limits = limits
        self._turns = asyncio.Semaphore(count)
        self._idle: list[_Child] = []
        self._closed = False

    async def ask(self, question: bytes, read: Callable[[bytes], Answer]) -> Answer:
        """What a child answers, read.

        Raises:
            ChildFailed: there is no answer, or ``read`` raised ValueError.
            RuntimeError: the children were ended.
        """
        async with self._turns:
            if self._closed:
                raise RuntimeError("The children are closed.")
            child = await self._child()
            kept = False
            try:
                async with asyncio.timeout(self._limits.wall.total_seconds()):
                    answer = read(await child.answer(question, self._limits.answer_bytes))
                kept = not self._closed
            except TimeoutError:
                raise ChildFailed(Failure.WALL) from None
            except (OSError, EOFError):
                raise _why(await child.ended()) from None
            except ValueError:
                raise ChildFailed(Failure.UNUSABLE) from None
            finally:
                if kept:
                    self._idle.append(child)
                else:
                    await asyncio.shield(child.aclose())  # also where this task is cancelled once more
            return answer

    async def aclose(self) -> None:
        """End the children; work that has begun is finished first."""
        self._closed = True
        while self._idle:
            await self._idle.pop().aclose()

    async def _child(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            await child.aclose()
        try:
            return await _Child.start(self._command)
        except OSError as error:
            raise ChildFailed(Failure.NOT_STARTED, error.strerror or "") from error


def _why(status: int) -> ChildFailed:
    if status == -signal.SIGPROF:
        return ChildFailed(Failure.CPU)
    # Libraries in Rust and C++ abort where there is no memory for them.
    if status in (OUT_OF_MEMORY, -signal.SIGABRT):
        return ChildFailed(Failure.MEMORY)
    return ChildFailed(Failure.BROKEN, f"status {status}")


class _Child:
    """A process that serves."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._requests = process.stdin
        self._answers = process.stdout

    @classmethod
    async def start(cls, command: tuple[str, ...]) -> _Child:
        """Start one. It gets nothing of the worker's environment, in which there are secrets.

        Raises:
            OSError: the system has no room for it.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
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

    async def answer(self, question: bytes, limit: int) -> bytes:
        """What it says to that.

        Raises:
            OSError, EOFError: it ended.
            ValueError: it answered more than the limit.
        """
        self._requests.write(LENGTH.pack(len(question)))
        view = memoryview(question)
        for at in range(0, len(question), _CHUNK):
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
