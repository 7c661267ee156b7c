"""One evaluation: what it may use, what it has used, and what it reported.

Budgets are counted where work is done: each iteration, each item tested, each call, each element built. The clocks are
looked at once in a thousand steps, because nothing else can interrupt Python; what runs inside one step (a pattern, a
long text) has its own limit. There are two: one of the wall, and one of the processor, which a busy machine does not
make run faster.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from time import monotonic, thread_time
from typing import NamedTuple

from zeebe_mail.feel.diagnostics import near_in_length, nearest
from zeebe_mail.feel.errors import BudgetExceeded, FeelWarning
from zeebe_mail.feel.temporal import ZonedDateTime
from zeebe_mail.feel.values import Function, Value

__all__ = ["LONG_TEXT", "Functions", "Limits", "Run", "Scope"]

LONG_TEXT = 4096  # characters; to read that many is a step
_SLICE = 1000
_PIECES = 255  # pieces of a text are counted 256 at a time
_MAX_WARNINGS = 100
# To find the nearest name is slow: so many are compared in one evaluation, and so many of one place looked at.
_MAX_COMPARED = 400
_MAX_LOOKED_AT = 2000


class Limits(NamedTuple):
    """What one evaluation may use; lists and texts count together over the whole evaluation.

    The defaults end an expression within a second of work and 200 MB.
    """

    max_steps: int = 1_500_000
    max_items: int = 1_100_000
    max_characters: int = 10_000_000
    max_processor_s: float = 0.75
    max_s: float = 5
    max_pattern_s: float = 0.2


class Run:
    __slots__ = (
        "_characters_left",
        "_compared_left",
        "_deadline",
        "_fuel",
        "_items_left",
        "_processor_deadline",
        "_steps_left",
        "clock",
        "limits",
        "warnings",
    )

    def __init__(self, limits: Limits, clock: ZonedDateTime | None) -> None:
        self.limits = limits
        self.clock = clock
        self.warnings: list[FeelWarning] = []
        self._fuel = min(_SLICE, limits.max_steps)
        self._steps_left = limits.max_steps - self._fuel
        self._items_left = limits.max_items
        self._characters_left = limits.max_characters
        self._compared_left = _MAX_COMPARED
        self._deadline = monotonic() + limits.max_s
        self._processor_deadline: float | None = None  # from the first look at the clock on, which is slow

    def spend(self, steps: int = 1) -> None:
        """Raises BudgetExceeded when the steps or the time are used up."""
        self._fuel -= steps
        if self._fuel < 0:
            self._refuel()

    def _refuel(self) -> None:
        self._steps_left += self._fuel
        if self._steps_left < 0:
            raise self.exceeded(f"The expression takes more than {self.limits.max_steps} steps")
        self._look_at_clocks()
        self._fuel = min(_SLICE, self._steps_left)
        self._steps_left -= self._fuel

    def _look_at_clocks(self) -> None:
        now = thread_time()
        if self._processor_deadline is None:
            self._processor_deadline = now + self.limits.max_processor_s
        elif now > self._processor_deadline:
            raise self.exceeded(f"The expression takes longer than {self.limits.max_processor_s} s of work")
        if monotonic() > self._deadline:
            raise self.exceeded(f"The expression takes longer than {self.limits.max_s} s")

    @property
    def steps_left(self) -> int:
        return self._steps_left + self._fuel

    @property
    def pattern_s(self) -> float:
        """How long one search for a pattern may take now."""
        self._look_at_clocks()
        return min(self.limits.max_pattern_s, max(0.001, self._deadline - monotonic()))

    def touch(self, *texts: str) -> None:
        """Called before texts are read from end to end, which is more than a step when they are long."""
        self.spend(sum(map(len, texts)) // LONG_TEXT)

    def reserve_characters(self, count: int) -> None:
        """Called before a text of that length is built."""
        self._characters_left -= count
        if self._characters_left < 0:
            raise self.exceeded(f"The texts of the expression are longer than {self.limits.max_characters} characters")
        self.spend(1 + (count >> 12))

    def join(self, pieces: Iterable[str]) -> str:
        """One text from many pieces, each of them a step."""
        kept: list[str] = []
        pending = 0
        for piece in pieces:
            kept.append(piece)
            pending += len(piece)
            if not len(kept) & _PIECES:
                self.spend(_PIECES + 1)
                self.reserve_characters(pending)
                pending = 0
        self.reserve_characters(pending)
        return "".join(kept)

    def reserve_items(self, count: int) -> None:
        """Called before a list or a context with that many items is built."""
        self._items_left -= count
        if self._items_left < 0:
            raise self.exceeded(f"The lists of the expression have more than {self.limits.max_items} items")
        self.spend(1 + (count >> 5))

    def exceeded(self, reason: str) -> BudgetExceeded:
        return BudgetExceeded(f"{reason}. Make it smaller, or let the worker do less at once.")

    def warn(self, kind: str, message: str, at: int | None = None, hint: str | None = None) -> None:
        if len(self.warnings) < _MAX_WARNINGS:
            self.warnings.append(FeelWarning(kind, message, at, hint))

    def warn_missing(self, kind: str, message: str, at: int, name: str, known: Callable[[], Iterable[str]]) -> None:
        """A warning about a name, with the nearest one that exists."""
        if len(self.warnings) < _MAX_WARNINGS:
            similar = None
            if self._compared_left > 0:
                candidates = near_in_length(name, islice(known(), _MAX_LOOKED_AT))[: self._compared_left]
                self._compared_left -= max(1, len(candidates))
                similar = nearest(name, candidates)
            self.warn(kind, message, at, f"Did you mean '{similar}'?" if similar else None)


class Functions:
    """Functions that contexts define, the innermost context first."""

    __slots__ = ("outer", "table")

    def __init__(self, table: dict[str, list[Function]], outer: "Functions | None") -> None:
        self.table = table
        self.outer = outer


class Scope:
    """The names that an expression sees, innermost first."""

    __slots__ = ("functions", "names", "outer", "run")

    def __init__(self, names: dict[str, Value], functions: Functions | None, outer: "Scope | None", run: Run) -> None:
        self.names = names
        self.functions = functions
        self.outer = outer
        self.run = run

    def inner(self, names: dict[str, Value]) -> "Scope":
        return Scope(names, self.functions, self, self.run)

    def all_names(self) -> Iterator[str]:
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.outer
