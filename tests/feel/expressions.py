"""The short words of these tests: what an expression is, what it reports, how it fails."""

from typing import Any

import pytest

from zeebe_mail.feel import EvaluationError, Limits, compile_expression, compile_unary_tests
from zeebe_mail.feel.jsonl import encode, read, write

__all__ = ["failure", "is_null_because", "same_text", "test_of", "value"]


def value(text: str, /, **variables: Any) -> Any:
    """The value as in the conformance files, with numbers as decimals."""
    return encode(compile_expression(text).evaluate(variables).value)


def same_text(text: str, expected: str, /, **variables: Any) -> None:
    """The value written as JSON with exact numbers."""
    assert write(value(text, **variables)) == write(read(expected))


def test_of(text: str, given: Any) -> Any:
    return compile_unary_tests(text).evaluate(given).value


test_of.__test__ = False  # type: ignore[attr-defined] - a word, not a test


def is_null_because(text: str, /, *types: str, **variables: Any) -> None:
    evaluation = compile_expression(text).evaluate(variables)
    assert evaluation.value is None
    assert tuple(warning.type for warning in evaluation.warnings) == types


def failure(text: str, limits: Limits | None = None, /, **variables: Any) -> EvaluationError:
    with pytest.raises(EvaluationError) as caught:
        compile_expression(text).evaluate(variables, **({"limits": limits} if limits else {}))
    return caught.value
