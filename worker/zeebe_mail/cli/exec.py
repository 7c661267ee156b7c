"""``zeebe-mail exec``: one job without a broker, or only its settlement without any mail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeebe_mail.ending import run

if TYPE_CHECKING:
    from zeebe_mail.jobs.settle import Settled


def exec_(
    task_type: Annotated[str | None, typer.Argument(help="For example mail:smtp-send:1.")] = None,
    variables: Annotated[Path | None, typer.Option(help="JSON file with the job's variables.")] = None,
    headers: Annotated[
        Path | None,
        typer.Option(help="JSON file with the task's headers. Without it a job's whole result is shown as `result`."),
    ] = None,
    response: Annotated[
        Path | None, typer.Option(help="JSON file with a response: evaluate the expressions on it, without any mail.")
    ] = None,
    error: Annotated[
        str | None, typer.Option(help="Code of an error: evaluate the error expression on it, without any mail.")
    ] = None,
    error_details: Annotated[Path | None, typer.Option(help="With --error: JSON file with its details.")] = None,
    retries: Annotated[int, typer.Option(help="With --response or --error: retries the job has left.", min=0)] = 3,
) -> None:
    """Run one job without a broker and print its outcome as JSON, and what its expressions gave. The mail is real.

    With --response or --error no mail is touched: only the headers' expressions are evaluated. Exit code 0 for a
    completed job, 1 for any other outcome.
    """
    import json

    from zeebe_mail.app import read_any_json, read_json
    from zeebe_mail.jobs.outcome import Complete
    from zeebe_mail.secrets import Redactor
    from zeebe_mail.settings import load
    from zeebe_mail.telemetry.logs import configure_logs

    settings, redactor = load(), Redactor()
    configure_logs(level=settings.log_level, log_format=settings.log_format, mask=redactor.data)
    given_headers = {name: _text(value) for name, value in read_json(headers).items()} if headers else {}
    if response and error:
        raise typer.BadParameter("--response and --error exclude each other")
    if response or error:
        from zeebe_mail.app import settle_once

        settling = settle_once(
            settings,
            given_headers,
            task_type=task_type,
            response=read_any_json(response) if response else None,
            error_code=error,
            error_details=read_json(error_details) if error_details else None,
            retries=retries,
        )
        settled = run(settling)
    else:
        from zeebe_mail.app import run_once

        if task_type is None or variables is None:
            raise typer.BadParameter("TASK_TYPE and --variables, or --response, or --error must be given")
        if headers is None:
            given_headers = {"resultVariable": "result"}
        settled = run(run_once(settings, redactor, task_type, read_json(variables), given_headers))
    typer.echo(json.dumps(_shown(settled), indent=2, ensure_ascii=False))
    if not isinstance(settled.outcome, Complete):
        raise typer.Exit(1)


def _text(value: Any) -> str:
    """A header as the Modeler would write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(settled: Settled) -> dict[str, Any]:
    import dataclasses

    outcome = settled.outcome
    shown = {"outcome": type(outcome).__name__, **dataclasses.asdict(outcome)}
    if "backoff" in shown:
        shown["backoffSeconds"] = shown.pop("backoff").total_seconds()
    return shown | {
        "resultMapping": settled.result_mapping,
        "errorMapping": settled.error_mapping,
        "warnings": settled.warnings,
    }
