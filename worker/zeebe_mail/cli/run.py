"""``zeebe-mail run``: the worker."""

from __future__ import annotations

from typing import Annotated

import typer


def run(
    only: Annotated[
        list[str] | None, typer.Option(help="Work on these task types only; patterns as in a shell.")
    ] = None,
    but: Annotated[list[str] | None, typer.Option("--except", help="Work on all task types but these.")] = None,
) -> None:
    """Take jobs from Zeebe and do their mail until SIGTERM or Ctrl-C."""
    import asyncio

    from zeebe_mail.app import run_worker
    from zeebe_mail.secrets import Redactor
    from zeebe_mail.settings import SettingsError, load
    from zeebe_mail.telemetry.logs import configure_logs

    settings, redactor = load(), Redactor()
    configure_logs(level=settings.log_level, log_format=settings.log_format, mask=redactor.data)
    try:
        asyncio.run(run_worker(settings, redactor, only=only or (), but=but or ()))
    except SettingsError:
        raise
    except Exception as bug:
        # It was logged where it was caught, with its secrets masked, which Python's own traceback would not be.
        raise typer.Exit(1) from bug
