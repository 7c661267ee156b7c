"""What can go wrong, and whose fault it is.

* FeelError                 everything this package raises on purpose
  x FeelSyntaxError         the text is not FEEL; nothing was evaluated
  x EvaluationError         the expression has no value (a failed assert, `?` without input, text index out of range)
    + BudgetExceeded        it would take too many steps, too much memory or too long
    + FailedAssertion       a condition of `assert` does not hold
    + InternalError         a defect of this package; the exception that shows it is the cause

Nearly everything else that goes wrong in FEEL is a null and a `FeelWarning`, see `Evaluation.warnings`.
"""

from typing import NamedTuple

from zeebe_mail.feel.diagnostics import point_at

__all__ = [
    "BudgetExceeded",
    "EvaluationError",
    "FailedAssertion",
    "FeelError",
    "FeelSyntaxError",
    "FeelWarning",
    "InternalError",
    "Suppressed",
]


class FeelError(Exception):
    """Base of all errors of the expression engine; the message is meant for the author of the process."""


class FeelSyntaxError(FeelError):
    """The text cannot be read.

    `position` counts characters from 0; `line` and `column` count from 1; `expected` says what could have stood there.
    """

    def __init__(self, text: str, position: int, found: str, expected: tuple[str, ...]) -> None:
        self.text = text
        self.position = position
        self.found = found
        self.expected = expected
        self.line = text.count("\n", 0, position) + 1
        self.column = position - (text.rfind("\n", 0, position) + 1) + 1
        wanted = f", expected {_either(expected)}" if expected else ""
        super().__init__(
            f"Cannot read the expression at line {self.line}, column {self.column}: found {found}{wanted}.\n"
            f"{point_at(text, position)}"
        )


class EvaluationError(FeelError):
    """The expression can be read but has no value, not even null.

    `warnings` holds what was reported before evaluation stopped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.warnings: tuple[FeelWarning, ...] = ()


class BudgetExceeded(EvaluationError):
    """The expression asked for more steps, memory, depth or time than it may have."""


class FailedAssertion(EvaluationError):
    """A condition of `assert` does not hold."""


class InternalError(EvaluationError):
    """A defect of this package or of a function of the host; no expression should ever end like this."""


class FeelWarning(NamedTuple):
    """A failure that became null. `type` and `message` are Camunda's; `position` and `hint` help to find the cause."""

    type: str
    message: str
    position: int | None = None
    hint: str | None = None


class Suppressed(Exception):
    """A value that could not be computed, on its way to the operator that turns it into null."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _either(expected: tuple[str, ...]) -> str:
    if len(expected) == 1:
        return expected[0]
    return ", ".join(expected[:-1]) + " or " + expected[-1]
