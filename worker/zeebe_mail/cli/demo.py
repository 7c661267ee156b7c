"""``zeebe-mail demo``: see it work, on a machine that has only Python."""

from __future__ import annotations

import signal
from typing import Annotated, Literal

import typer

from zeebe_mail.ending import ended_by, held_back


def demo(
    engine: Annotated[
        Literal["broker", "docker"],
        typer.Option(help="Start the broker as a process (fetched once, 299 MB), or in Docker."),
    ] = "broker",
    address: Annotated[
        str | None, typer.Option(help="Use a broker that runs already, host:port. Default: ZEEBE_ADDRESS, if set.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave all running until Ctrl-C, for the Modeler.")] = False,
) -> None:
    """Send a mail from a BPMN process on a real Zeebe through a real mail server, both started here."""
    with ended_by(signal.SIGINT, signal.SIGTERM, signal.SIGHUP), held_back():
        try:
            _tell(engine, address, keep=keep)
        except ModuleNotFoundError as missing:
            typer.echo(f"zeebe-mail: the demo needs {missing.name}: pip install '.[demo]' in the clone", err=True)
            raise typer.Exit(2) from missing


def _tell(engine: str, address: str | None, *, keep: bool) -> None:
    from rich.console import Console

    from zeebe_mail.demo.error import DemoError
    from zeebe_mail.demo.story import Engine, tell

    try:
        tell(Console(), engine=Engine(engine), address=address, keep=keep)
    except DemoError as error:
        typer.echo(f"zeebe-mail: {error}", err=True)
        raise typer.Exit(1) from error
