"""Sets of message numbers (RFC 9051, 9: sequence-set): short ranges out, plain numbers in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

MAX_RANGES_TEXT = 8000
"""Characters of a set in one command: servers take lines of 8 kB (RFC 7162, 4), some of 64."""
LARGEST = 2**32 - 1


def ranges(numbers: Iterable[int]) -> Iterator[str]:
    """Numbers as ascending ranges: ``1:500``, ``502``."""
    start = last = None
    for number in sorted(set(numbers)):
        if last is not None and number == last + 1:
            last = number
            continue
        if start is not None:
            yield f"{start}:{last}" if last != start else f"{start}"
        start = last = number
    if start is not None:
        yield f"{start}:{last}" if last != start else f"{start}"


def batches(numbers: Sequence[int], at_most: int) -> Iterator[tuple[bytes, int]]:
    """Sets of at most so many numbers, each short enough for one command, and how many numbers each has."""
    ordered = sorted(set(numbers))
    for start in range(0, len(ordered), at_most):
        chosen: list[str] = []
        length = count = 0
        for part in ranges(ordered[start : start + at_most]):
            if chosen and length + len(part) > MAX_RANGES_TEXT:
                yield ",".join(chosen).encode(), count
                chosen, length, count = [], 0, 0
            chosen.append(part)
            length += len(part) + 1
            low, _, high = part.partition(":")
            count += int(high or low) - int(low) + 1
        if chosen:
            yield ",".join(chosen).encode(), count


def expanded(text: bytes, at_most: int, *, cut: bool = False) -> list[int]:
    """The numbers of a set that a server sent, in its order; with ``cut`` only the first of them.

    Raises:
        ValueError: it is no set, or has more numbers than there can be.
    """
    numbers: list[int] = []
    for part in text.split(b",") if text else ():
        low, _, high = part.partition(b":")
        first, last = int(low), int(high or low)
        if not (0 < first <= LARGEST and 0 < last <= LARGEST):
            raise ValueError("a number that no message has")
        step = 1 if last >= first else -1
        run = range(first, last + step, step)
        if len(numbers) + len(run) > at_most and not cut:
            raise ValueError("more numbers than there are messages")
        numbers += run[: at_most - len(numbers)]
    return numbers
