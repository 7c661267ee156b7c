"""`zeebe-mail feel`: try an expression, or answer a whole set of them."""

import sys
from decimal import Decimal
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import Annotated, Any

import typer

from zeebe_mail.feel import EvaluationError, FeelError, FeelWarning, compile_expression, jsonl, point_at, to_json
from zeebe_mail.jobs.connector_functions import CONNECTOR_FUNCTIONS
from zeebe_mail.jobs.created_documents import announced

__all__ = ["feel"]


def feel(
    expression: Annotated[
        str | None,
        typer.Argument(help="The expression; a leading `=`, as in the Modeler, is dropped.", show_default=False),
    ] = None,
    context: Annotated[
        Path | None,
        typer.Option(
            help="A file with the variables as a JSON object; `-` reads it from standard input.", metavar="FILE"
        ),
    ] = None,
    answer_lines: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help="Answer cases from standard input, one JSON object a line, on standard output: the engine alone, to "
            "compare it with others, and without the functions of connectors.",
        ),
    ] = False,
) -> None:
    """Evaluate a FEEL expression as Camunda does: the value to standard output, warnings to standard error.

    Put `--` before an expression that begins with a minus: zeebe-mail feel -- -1.

    It knows the functions of connectors too: bpmnError, jobError, ignoreError, backoff and createDocument, which keeps
    nothing here.

    Ends with status 1 if the expression cannot be read or evaluated.
    """
    if answer_lines == (expression is not None):
        raise typer.BadParameter("Give either an expression or --jsonl.")
    if answer_lines:
        stdin = typer.get_text_stream("stdin", encoding="utf-8", errors="replace")
        jsonl.run(stdin, typer.get_text_stream("stdout", encoding="utf-8"))
        return
    assert expression is not None
    text = expression.strip().removeprefix("=").strip()
    variables = _variables(context)
    try:
        evaluation = compile_expression(text, CONNECTOR_FUNCTIONS).evaluate(variables)
        shown = dumps(announced(to_json(evaluation.value)), indent=2, ensure_ascii=False)
    except EvaluationError as error:
        _report(text, error.warnings)
        raise _failed(str(error)) from error
    except FeelError as error:
        raise _failed(str(error)) from error
    _report(text, evaluation.warnings)
    typer.echo(shown)


def _variables(context: Path | None) -> dict[str, Any]:
    if context is None:
        return {}
    try:
        text = sys.stdin.read() if str(context) == "-" else context.read_text("utf-8")
        # Numbers of more digits than Python reads are refused by the engine, which says what it takes.
        variables = loads(text.removeprefix("\ufeff"), parse_int=_integer)
    except OSError as error:
        raise _failed(f"Cannot read the context {context}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise _failed(f"The context {context} is not UTF-8: {error.reason} at byte {error.start}.") from error
    except JSONDecodeError as error:
        raise _failed(f"The context {context} is not JSON: {error}.") from error
    except RecursionError as error:
        raise _failed(f"The context {context} is nested too deep.") from error
    if not isinstance(variables, dict):
        raise _failed(f"The context {context} must be a JSON object with the variables.")
    return variables


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 1000 else Decimal(digits)


def _report(text: str, warnings: tuple[FeelWarning, ...]) -> None:
    for warning in warnings:
        typer.echo(f"{warning.type}: {warning.message}{f'. {warning.hint}' if warning.hint else ''}", err=True)
        if warning.position is not None:
            typer.echo(point_at(text, warning.position), err=True)


def _failed(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)
