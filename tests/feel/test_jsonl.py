import io
import json
from typing import Any

import pytest

from zeebe_mail.feel.jsonl import answer, decode, encode, read, run, write


def answers(*lines: str) -> list[Any]:
    out = io.StringIO()
    run(io.StringIO("\n".join(lines)), out)
    return [read(line) for line in out.getvalue().splitlines()]


def test_each_line_is_answered_and_none_stops_the_rest() -> None:
    replies = answers(
        '{"id": 1, "expression": "1 + 1.50"}',
        "not JSON",
        "",
        '{"id": "b", "kind": "unary-tests", "expression": "< 5", "input": 3}',
        '{"id": 2, "expression": "1 +"}',
        '{"id": 3, "expression": "x", "context": {"x": {"@type": "nonsense", "value": "1"}}}',
        '{"id": 4}',
        "[1]",
        '{"id": 5, "expression": "1", "kind": "poem"}',
        '{"id": 6, "expression": "for i in 1..1000000000 return i"}',
        '{"id": 7, "expression": "missing"}',
    )
    assert [reply["outcome"] for reply in replies] == ["value", "failure", "value", *["failure"] * 6, "value"]
    assert replies[0] == {"id": 1, "outcome": "value", "value": read("2.50"), "warnings": []}
    assert replies[2]["value"] is True
    assert "column 4" in replies[3]["message"]
    assert replies[-1]["warnings"] == [
        {"type": "NO_VARIABLE_FOUND", "message": "No variable found with name 'missing'"}
    ]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ('"expression": "x", "context": {"x": {"@type": {}}}', "no values of the type 'dict'"),
        ('"expression": "x", "context": {"x": {"@type": []}}', "no values of the type 'list'"),
        ('"expression": "x", "context": {"x": {"@type": "date"}}', 'its "value" is no text'),
        ('"expression": "x", "context": {"x": {"@type": "date", "value": "tomorrow"}}', "'tomorrow' is no date"),
        ('"expression": "x", "context": {"x": 1e99999999999999999999}', "out of range"),
        ('"expression": "x", "context": {"x": ' + "[" * 700 + "]" * 700 + "}", "deeper than 150"),
        ('"expression": "x", "context": {"x": ' + '{"a":' * 800 + "1" + "}" * 800 + "}", "deeper than 150"),
        ('"expression": "x", "context": false', "context of the case is not an object"),
        ('"expression": "x", "context": []', "context of the case is not an object"),
        ('"expression": "x", "kind": {}', "neither 'expression' nor 'unary-tests'"),
    ],
)
def test_a_case_that_cannot_be_read_fails_under_its_id(case: str, message: str) -> None:
    replies = answers(f'{{"id": 7, {case}}}', '{"id": 8, "expression": "1"}')
    assert [reply["id"] for reply in replies] == [7, 8]
    assert replies[0]["outcome"] == "failure"
    assert message in replies[0]["message"]


def test_an_id_comes_back_whatever_number_it_is() -> None:
    out = io.StringIO()
    run(io.StringIO('{"id": 1e99999999999999999999, "expression": "1"}'), out)
    assert out.getvalue().startswith('{"id": 1e99999999999999999999, "outcome": "value"')


def test_a_byte_order_mark_is_no_part_of_a_line() -> None:
    assert answers('\ufeff{"id": 1, "expression": "2"}', "\ufeff")[0]["value"] == 2


def test_numbers_are_exact() -> None:
    (reply,) = answers('{"id": 1, "expression": "x + 0.10", "context": {"x": 123456789012345678901234567890.10}}')
    assert write(reply["value"]) == "123456789012345678901234567890.20"


def test_the_clock_of_a_case_counts() -> None:
    clock = {"@type": "date and time", "value": "2026-01-31T10:00:00+01:00"}
    assert answer({"expression": "now()", "clock": clock})["value"] == clock


def test_a_unary_test_may_have_no_input() -> None:
    reply = answer({"kind": "unary-tests", "expression": "< 5"})
    assert reply["value"] is None
    assert reply["warnings"][0]["message"] == "No input value found."


def test_a_function_in_the_context_is_given_as_text() -> None:
    context = {"f": {"@type": "function", "value": "function(x) x + 1"}}
    assert answer({"expression": "f(1)", "context": context})["value"] == 2


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("date", "2026-01-31"),
        ("time", "10:30:00"),
        ("time", "10:30:00@Europe/Berlin"),
        ("date and time", "2026-01-31T10:30:00Z"),
        ("days and time duration", "PT26H0.5S"),
        ("years and months duration", "P1Y2M"),
    ],
)
def test_typed_values_come_back(kind: str, text: str) -> None:
    typed = {"@type": kind, "value": text}
    assert encode(decode(typed)) == typed


def test_lines_are_plain_json() -> None:
    assert json.loads(write({"a": ['"\n\u2028', None, True, read("1.0")]})) == {"a": ['"\n\u2028', None, True, 1.0]}
