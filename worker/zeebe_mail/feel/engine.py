"""Compile once, evaluate often."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from zeebe_mail.feel.boundary import LARGEST_DOUBLE, read_variables
from zeebe_mail.feel.builtins import LIBRARY
from zeebe_mail.feel.compiler import compile_node
from zeebe_mail.feel.errors import BudgetExceeded, EvaluationError, FeelError, FeelWarning, InternalError, Suppressed
from zeebe_mail.feel.host import NO_FUNCTIONS, HostFunctions
from zeebe_mail.feel.parser import parse_expression, parse_unary_tests
from zeebe_mail.feel.run import Functions, Limits, Run, Scope
from zeebe_mail.feel.semantics import INPUT, Code
from zeebe_mail.feel.stdlib_temporal import from_datetime
from zeebe_mail.feel.temporal import ZonedDateTime
from zeebe_mail.feel.values import Function, Value

__all__ = ["DEFAULT_LIMITS", "Evaluation", "Expression", "UnaryTests", "compile_expression", "compile_unary_tests"]

DEFAULT_LIMITS = Limits()
_CACHE_SIZE = 1024
_NOT_GIVEN: Any = object()


class Evaluation(NamedTuple):
    """A value, and the failures on the way that became null."""

    value: Value
    warnings: tuple[FeelWarning, ...] = ()


class Expression:
    """A compiled expression. It holds no state: threads may share it.

    `called` are the names of the functions that it calls; those that a context has are not among them.
    """

    __slots__ = ("_code", "called", "text")

    def __init__(self, text: str, code: Code, called: frozenset[str]) -> None:
        self.text = text
        self.called = called
        self._code = code

    def evaluate(
        self,
        variables: Mapping[str, Any] | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        clock: datetime | ZonedDateTime | None = None,
    ) -> Evaluation:
        """The value of the expression where `variables` are known; see `from_json` for what they may be.

        `clock` is what `now()` answers, instead of the system's.

        Raises:
            EvaluationError: there is no value, or `BudgetExceeded`: it would cost more than `limits`.
        """
        return _evaluate(self._code, variables or {}, limits, clock)


class UnaryTests:
    """Compiled unary tests, as in a cell of a decision table. They hold no state: threads may share them."""

    __slots__ = ("_code", "text")

    def __init__(self, text: str, code: Code) -> None:
        self.text = text
        self._code = code

    def evaluate(
        self,
        input: Any = _NOT_GIVEN,  # noqa: A002 - FEEL's own word
        variables: Mapping[str, Any] | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        clock: datetime | ZonedDateTime | None = None,
    ) -> Evaluation:
        """Whether the input passes: true, false, or null when that cannot be said.

        Raises:
            EvaluationError: there is no value, or `BudgetExceeded`: it would cost more than `limits`.
        """
        given = {} if input is _NOT_GIVEN else {INPUT: input}
        return _evaluate(self._code, {**(variables or {}), **given}, limits, clock)


@lru_cache(maxsize=_CACHE_SIZE)
def compile_expression(text: str, functions: HostFunctions = NO_FUNCTIONS) -> Expression:
    """The compiled expression, from a cache if the same text was compiled before with the same functions.

    Raises:
        FeelSyntaxError: the text is not FEEL.
        BudgetExceeded: it is too long or nested too deep.
    """
    return Expression(text, *_compile(parse_expression, text, functions))


@lru_cache(maxsize=_CACHE_SIZE)
def compile_unary_tests(text: str, functions: HostFunctions = NO_FUNCTIONS) -> UnaryTests:
    """The compiled unary tests; cached, and with the errors of `compile_expression`."""
    code, _ = _compile(parse_unary_tests, text, functions)
    return UnaryTests(text, code)


def _compile(parse: Any, text: str, functions: HostFunctions) -> tuple[Code, frozenset[str]]:
    library = LIBRARY if functions is NO_FUNCTIONS else {**LIBRARY, **functions.library}
    try:
        return compile_node(parse(text), library)
    except RecursionError as error:
        raise BudgetExceeded("The expression is nested too deep for the stack of this thread.") from error
    except FeelError:
        raise
    except Exception as error:
        raise _defect("read", error) from error


def _evaluate(
    code: Code, variables: Mapping[str, Any], limits: Limits, clock: datetime | ZonedDateTime | None
) -> Evaluation:
    run = Run(limits, _moment(clock) if isinstance(clock, datetime) else clock)
    try:
        names = read_variables(variables, limits.max_items)
        # A function is called by the name of its variable, which other values are not.
        functions = {name: [value] for name, value in names.items() if type(value) is Function}
        scope = Scope(names, Functions(functions, None) if functions else None, None, run)
        value = code(scope)
        _check_size(value, run)
    except Suppressed as failure:
        raise _failed(EvaluationError(failure.message), run) from failure
    except EvaluationError as error:
        raise _failed(error, run) from error.__cause__
    except RecursionError as error:
        raise _failed(BudgetExceeded("The evaluation is nested too deep for the stack of this thread."), run) from error
    except MemoryError as error:
        raise _failed(BudgetExceeded("The evaluation takes more memory than there is."), run) from error
    except FeelError:
        raise
    except Exception as error:
        raise _failed(_defect("evaluated", error), run) from error
    return Evaluation(value, tuple(run.warnings))


def _check_size(value: Value, run: Run) -> None:
    """A value may hold the same list many times; what leaves is written out in full, so that is what counts."""
    items = characters = 0
    pending = [value]
    while pending:
        part = pending.pop()
        if type(part) is str:
            characters += len(part)
            if characters > run.limits.max_characters:
                raise run.exceeded(f"The texts of the result are longer than {run.limits.max_characters} characters")
        elif isinstance(part, list | dict):
            items += len(part)
            if items > run.limits.max_items:
                raise run.exceeded(f"The result has more than {run.limits.max_items} items")
            pending.extend(part if isinstance(part, list) else part.values())
        elif type(part) is Decimal and part.adjusted() >= LARGEST_DOUBLE.adjusted() and abs(part) > LARGEST_DOUBLE:
            run.warn("NUMBER_OUT_OF_RANGE", f"The number {part:.4E} is {LARGEST_DOUBLE} where it leaves as JSON")


def _moment(clock: datetime) -> ZonedDateTime:
    moment = from_datetime(clock if clock.tzinfo else clock.astimezone())
    assert isinstance(moment, ZonedDateTime)
    return moment


def _defect(verb: str, error: Exception) -> InternalError:
    """The last guard: callers need to know of no error but `FeelError`."""
    return InternalError(f"The expression cannot be {verb}: {type(error).__name__}: {str(error)[:300]}")


def _failed(error: EvaluationError, run: Run) -> EvaluationError:
    error.warnings = tuple(run.warnings)
    return error
