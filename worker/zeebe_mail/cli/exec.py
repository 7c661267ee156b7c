"""``zeebe-mail exec``: one job without a broker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def exec_(
    task_type: Annotated[str, typer.Argument(help="For example mail:smtp-send:1.")],
    variables: Annotated[Path, typer.Option(help="JSON file with the job's variables.")],
    headers: Annotated[Path | None, typer.Option(help="JSON file with the task's headers.")] = None,
) -> None:
    """Run one job without a broker and print its outcome as JSON. The mail is real.

    Exit code 0 for a completed job, 1 for any other outcome.
    """
    import asyncio
    import dataclasses
    import json

    from zeebe_mail.app import read_json, run_once
    from zeebe_mail.jobs.outcome import Complete
    from zeebe_mail.secrets import Redactor
    from zeebe_mail.settings import load
    from zeebe_mail.telemetry.logs import configure_logs

    settings, redactor = load(), Redactor()
    configure_logs(level=settings.log_level, log_format=settings.log_format, mask=redactor.data)
    given_headers = {name: str(value) for name, value in read_json(headers).items()} if headers else {}
    outcome = asyncio.run(run_once(settings, redactor, task_type, read_json(variables), given_headers))
    shown = {"outcome": type(outcome).__name__, **dataclasses.asdict(outcome)}
    if "backoff" in shown:
        shown["backoffSeconds"] = shown.pop("backoff").total_seconds()
    typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    if not isinstance(outcome, Complete):
        raise typer.Exit(1)
