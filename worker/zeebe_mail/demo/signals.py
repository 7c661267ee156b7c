"""Ctrl-C, SIGTERM and a closed terminal while processes are started: nothing may be left behind."""

import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal raise SystemExit in the block, so what it started is stopped as after Ctrl-C."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Signals that end us take effect only after the block.

    Between the start of a process and the line that keeps its number an exception would leave it to nobody.
    Outside the main thread nothing is done: Python runs signal handlers in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before = {each: signal.signal(each, lambda number, _: arrived.append(number)) for each in ENDING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in arrived:
            signal.raise_signal(number)


def dies_with_us(number: signal.Signals) -> list[str]:
    """What to put before a command so that Linux sends it this signal when we end without a chance to stop it.

    Empty where there is no `setpriv`, and outside the main thread: the kernel watches the thread, not the process.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", number.name.removeprefix("SIG")]
