"""Messages that help the author of a process: a caret under the place, and the name that was probably meant."""

from collections.abc import Iterable
from itertools import islice

__all__ = ["near_in_length", "nearest", "point_at"]

_MAX_NAME = 40  # characters of a name for which a similar one is looked for
_MAX_CANDIDATES = 200
_WIDTH = 100  # columns of source shown around the caret


def point_at(text: str, position: int) -> str:
    """The line of `text` that holds `position`, with a caret below it; a long line is cut around the caret."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    column = position - start
    left = max(0, column - _WIDTH // 2)
    right = left + _WIDTH
    shown = ("…" if left else "") + line[left:right] + ("…" if right < len(line) else "")
    indent = column - left + (1 if left else 0)
    # Tabs stay tabs, so that the caret stands under its character whatever their width.
    blank = "".join("\t" if character == "\t" else " " for character in shown[:indent])
    return f"  {shown}\n  {blank}^"


def near_in_length(name: str, known: Iterable[str]) -> list[str]:
    """Those of `known` names, at most 200, whose length lets `name` be one of them misspelt."""
    if len(name) > _MAX_NAME:
        return []
    low, high = len(name) - _most_edits(name), min(len(name) + _most_edits(name), _MAX_NAME)
    return list(islice((candidate for candidate in known if low <= len(candidate) <= high), _MAX_CANDIDATES))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` names that `name` was probably meant to be, if any is near enough."""
    lowered = name.lower()
    best: str | None = None
    best_distance = _most_edits(name) + 1
    for candidate in known:
        if abs(len(candidate) - len(name)) >= best_distance:
            continue
        distance = _edits(lowered, candidate.lower(), best_distance)
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def _most_edits(name: str) -> int:
    return max(1, len(name) // 3)


def _edits(left: str, right: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words, or `limit` if that many."""
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for row, character in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            cost = min(
                previous[column] + 1,
                current[column - 1] + 1,
                previous[column - 1] + (character != other),
            )
            if row > 1 and column > 1 and character == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) >= limit:
            return limit
        before, previous = previous, current
    return previous[-1]
