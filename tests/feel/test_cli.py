import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from zeebe_mail.cli.feel import feel


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(feel)
    return app


@pytest.fixture
def context(tmp_path: Path) -> Path:
    path = tmp_path / "context.json"
    path.write_text(json.dumps({"response": {"body": {"id": 7}}}), "utf-8")
    return path


def call(app: typer.Typer, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def test_the_value_is_printed_as_json(app: typer.Typer, context: Path) -> None:
    result = call(app, '= {id: response.body.id, on: @"2026-01-31"}', "--context", str(context))
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"id": 7, "on": "2026-01-31"}
    assert result.stderr == ""


def test_warnings_point_into_the_expression(app: typer.Typer, context: Path) -> None:
    result = call(app, "respone.body", "--context", str(context))
    assert result.stdout == "null\n"
    assert result.stderr.splitlines() == [
        "NO_VARIABLE_FOUND: No variable found with name 'respone'. Did you mean 'response'?",
        "  respone.body",
        "  ^",
    ]


@pytest.mark.parametrize("expression", ['number("1E400")', "-(100 ** 200)"])
def test_a_number_that_json_cannot_hold_is_told(app: typer.Typer, expression: str) -> None:
    result = call(app, "--", f"{{a: [{expression}]}}")
    assert abs(json.loads(result.stdout)["a"][0]) == 1.7976931348623157e308
    assert result.stderr.startswith("NUMBER_OUT_OF_RANGE: ")


def test_a_created_document_is_shown_by_its_name(app: typer.Typer) -> None:
    result = call(app, '{report: createDocument({content: "aGk=", name: "a.txt", contentType: "text/plain"})}')
    assert json.loads(result.stdout) == {"report": {"createDocument": {"name": "a.txt", "contentType": "text/plain"}}}


def test_a_syntax_error_ends_with_status_1(app: typer.Typer) -> None:
    result = call(app, "if x then")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-2:] == ["  if x then", "           ^"]


def test_a_failed_evaluation_ends_with_status_1(app: typer.Typer) -> None:
    result = call(app, 'assert(1, false, "too small")')
    assert result.exit_code == 1
    assert "Assertion failure: too small" in result.stderr


def test_the_context_can_come_from_standard_input(app: typer.Typer) -> None:
    assert call(app, "x + 1", "--context", "-", stdin='{"x": 1}').stdout == "2\n"


@pytest.mark.parametrize("content", ["[1]", "{", '"x"'])
def test_a_context_that_is_no_object_is_refused(app: typer.Typer, tmp_path: Path, content: str) -> None:
    path = tmp_path / "context.json"
    path.write_text(content, "utf-8")
    result = call(app, "x", "--context", str(path))
    assert result.exit_code == 1
    assert "The context" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"x": "\xff"}', "is not UTF-8"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b'{"x": ' + b"[" * 500 + b"]" * 500 + b"}", "nested deeper than 150"),
        (b'{"x": ' + b"9" * 5000 + b"}", "A number may have 500 digits"),
        (b'{"x": 1e400000}', ""),
    ],
)
def test_a_hostile_context_is_refused_without_a_traceback(
    app: typer.Typer, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "context.json"
    path.write_bytes(content)
    result = call(app, "x", "--context", str(path))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert message in result.stderr


def test_half_a_character_as_a_key_can_be_printed(app: typer.Typer) -> None:
    assert json.loads(call(app, 'context put({}, substring("🐎", 2), 1)').stdout) == {"?": 1}


def test_a_result_that_is_nested_too_deep_ends_with_status_1(app: typer.Typer) -> None:
    nested = ", ".join(f"l{i}: [l{i - 1}]" for i in range(1, 200))
    result = call(app, f"{{l0: [1], {nested}}}.l199")
    assert result.exit_code == 1
    assert "deeper than 150" in result.stderr


def test_an_expression_may_begin_with_a_minus(app: typer.Typer) -> None:
    assert call(app, "--", "-1").stdout == "-1\n"


def test_bytes_that_are_no_text_do_not_stop_a_set(app: typer.Typer) -> None:
    lines = b'\xef\xbb\xbf{"id": 1, "expression": "1"}\n\xff\n{"id": 2, "expression": "1"}\n'
    result = CliRunner().invoke(app, ["--jsonl"], input=lines)
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [1, None, 2]


def test_a_missing_context_file_is_named(app: typer.Typer, tmp_path: Path) -> None:
    result = call(app, "x", "--context", str(tmp_path / "none.json"))
    assert result.exit_code == 1
    assert "none.json" in result.stderr


def test_whole_sets_are_answered(app: typer.Typer) -> None:
    result = call(app, "--jsonl", stdin='{"id": 1, "expression": "1 + 1"}\n{"id": 2, "expression": "(" }\n')
    assert result.exit_code == 0
    assert [json.loads(line)["outcome"] for line in result.stdout.splitlines()] == ["value", "failure"]


def test_it_is_either_an_expression_or_a_set(app: typer.Typer) -> None:
    assert call(app).exit_code == 2
    assert call(app, "1", "--jsonl").exit_code == 2
