import json
from decimal import Decimal

import pytest

from zeebe_mail.feel import FeelError, compile_expression, from_json, to_json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.0", "1"),
        ("10 / 4", "2.5"),
        ("1 / 3", "0.3333333333333333"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9.223372036854776e+18"),
        ("10 ** 400", "1.7976931348623157e+308"),
        ("-10 ** 400 - 1", "1.7976931348623157e+308"),
        ('@"2026-01-31"', '"2026-01-31"'),
        ('@"2026-01-31T10:30:00@Europe/Berlin"', '"2026-01-31T10:30:00+01:00"'),
        ('@"10:30:00@Europe/Berlin"', '"10:30:00+01:00"'),
        ('@"P1DT2H"', '"PT26H"'),
        ('@"-P14M"', '"P-1Y-2M"'),
        ("{f: function(x) x, a: 1}", '{"a": 1}'),
        ("[function(x) x]", '["function(x)"]'),
    ],
)
def test_what_leaves_is_json(text: str, expected: str) -> None:
    assert json.dumps(to_json(compile_expression(text).evaluate().value)) == expected


def test_floats_come_in_as_java_writes_them() -> None:
    assert [str(from_json(number)) for number in (1.0, 0.1, 1e16, 1e-5, 1e7)] == [
        "1.0",
        "0.1",
        "1.0E+16",
        "0.000010",
        "1.0E+7",
    ]


def test_what_is_not_finite_becomes_null() -> None:
    assert from_json([float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")]) == [None] * 4


def test_there_is_no_negative_zero() -> None:
    assert str(from_json(-0.0)) == "0.0"
    assert str(from_json(Decimal("-0.00"))) == "0.00"


def test_half_a_character_does_not_leave() -> None:
    half = compile_expression('substring("a🐎", 2, 1)').evaluate().value
    assert to_json(half) == "?"


def test_objects_are_no_data() -> None:
    with pytest.raises(FeelError, match="type object is not data"):
        from_json({"a": object()})


def test_tuples_and_mappings_are_data() -> None:
    assert from_json({1: (True, "x")}) == {"1": [True, "x"]}


def test_attributes_cannot_be_reached() -> None:
    evaluation = compile_expression("x.__class__").evaluate({"x": "text"})
    assert evaluation.value is None
    assert evaluation.warnings[0].type == "NO_PROPERTY_FOUND"
