"""How a command ends at Ctrl-C, SIGTERM or a closed terminal: in good order, with exit code 128 + signal.

Nothing here raises KeyboardInterrupt: one that passes through `exec` of a string, as it does while a dataclass is
made, lets Python end by SIGINT whatever is made of it afterwards.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from types import FrameType

T = TypeVar("T")


class _Ending:
    """The first signal that came, and what it does. One for the process, as its signals are."""

    def __init__(self) -> None:
        self.number = 0
        self.react: Callable[[], object] = self.leave

    def handle(self, number: int, _: FrameType | None) -> None:
        """Later signals do nothing: they must not end what the first one has begun to clean up."""
        if not self.number:
            self.number = number
            self.react()

    def leave(self) -> None:
        raise SystemExit(128 + self.number)


_ending = _Ending()


@contextmanager
def ended_by(*numbers: signal.Signals, afterwards: signal.Handlers | None = None) -> Iterator[None]:
    """These signals raise SystemExit in the block, but for those that the caller had us ignore.

    Args:
        afterwards: What they do after the block. Default: what they did before.
    """
    before = {number: signal.getsignal(number) for number in numbers}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    try:
        for number in heard:
            signal.signal(number, _ending.handle)
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number] if afterwards is None else afterwards)
        _ending.number = 0


def held_back() -> AbstractContextManager[None]:
    """Signals take effect only after the block: for what makes things that must be cleaned up, and cleans them up."""
    return _reacting(lambda: None)


def let_through() -> AbstractContextManager[None]:
    """Within `held_back`, where there is a wait: signals take effect at once, and so do those that came before."""
    return _reacting(_ending.leave)


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, but a signal cancels `main`, and does not raise wherever the loop happens to be."""
    import asyncio

    return asyncio.run(_cancelled_by_signals(main))


async def _cancelled_by_signals(main: Coroutine[Any, Any, T]) -> T:
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task
    with _woken_by_signals(loop), _reacting(lambda: loop.call_soon_threadsafe(task.cancel)):
        return await main


@contextmanager
def _woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """A loop that waits turns once for each signal, so that Python gets to calling the handler."""
    import socket

    reader, writer = socket.socketpair()
    with reader, writer:
        reader.settimeout(0)
        writer.settimeout(0)
        loop.add_reader(reader, reader.recv, 1)
        before = signal.set_wakeup_fd(writer.fileno())
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reader)


@contextmanager
def _reacting(react: Callable[[], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # where Python runs signal handlers
        yield
        return
    before = _ending.react
    try:
        _ending.react = react
        if _ending.number:
            react()
        yield
    finally:
        _ending.react = before
        if _ending.number:
            before()
