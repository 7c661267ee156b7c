"""Booleans, missing values and assertions."""

from zeebe_mail.feel.builtins.declare import builtin
from zeebe_mail.feel.errors import FailedAssertion
from zeebe_mail.feel.run import Run
from zeebe_mail.feel.values import Value, show_all

__all__ = ["FUNCTIONS"]


@builtin("not(negand: any)")
def not_(run: Run, negand: Value) -> bool | None:
    """The opposite of a boolean; null for anything else."""
    return not negand if type(negand) is bool else None


@builtin("is defined(value: any)")
def is_defined(run: Run, value: Value) -> bool:
    """Whether the value is not null; a missing variable is null."""
    return value is not None


@builtin("get or else(value: any, default: any)")
def get_or_else(run: Run, value: Value, default: Value) -> Value:
    """The value, or the default if it is null."""
    return default if value is None else value


@builtin("assert(value: any, condition: any)")
def assert_(run: Run, value: Value, condition: Value) -> Value:
    """The value if the condition is true; otherwise the evaluation fails."""
    return value if condition is True else _fail(run, "The condition is not fulfilled")


@builtin("assert(value: any, condition: any, cause: any)")
def assert_with_cause(run: Run, value: Value, condition: Value, cause: Value) -> Value:
    """The value if the condition is true; otherwise the evaluation fails with the cause as its message."""
    if condition is True:
        return value
    return _fail(run, cause if type(cause) is str else f"Illegal arguments: {show_all((value, condition, cause))}")


def _fail(run: Run, message: str) -> Value:
    run.warn("ASSERT_FAILURE", message)
    raise FailedAssertion(f"Assertion failure: {message}")


FUNCTIONS = [not_, is_defined, get_or_else, assert_, assert_with_cause]
