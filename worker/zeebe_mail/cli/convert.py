"""``zeebe-mail convert``: a model made for another mail connector, with our tasks in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zeebe_mail.compat.convert import ConvertedTask


def convert(
    file: Annotated[Path, typer.Argument(help="The model (.bpmn).", metavar="FILE", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the model to this file, which may be FILE itself; else to standard output."),
    ] = None,
) -> None:
    """Rewrite the tasks of Camunda's and Infosys' mail connectors for our task types.

    What becomes of each task is told on standard error. A task that cannot be rewritten as a whole stays as it is, and
    everything else in the file too, to the byte.

    Exit code 1 where a task stays, or was converted and has to be looked at; 2 where FILE is no model.
    """
    from zeebe_mail.compat.convert import NoModelError
    from zeebe_mail.compat.convert import convert as converted

    try:
        conversion = converted(file.read_bytes())
        if out:
            out.write_bytes(conversion.model)
    except NoModelError as error:
        raise _failed(f"{file} {error}.") from error
    except OSError as error:
        raise _failed(f"{error.filename}: {error.strerror}.") from error
    if not out:
        sys.stdout.buffer.write(conversion.model)
    for task in conversion.tasks:
        typer.echo(_told(task), err=True)
    if not conversion.tasks:
        typer.echo("There is no task of Camunda's or Infosys' mail connectors in it.", err=True)
    if not conversion.complete:
        raise typer.Exit(1)


def _told(task: ConvertedTask) -> str:
    name = " ".join(task.name.split())
    titled = f'{task.id} ("{name}")' if name else task.id
    done = f"is {task.becomes} now" if task.becomes else f"stays {task.was}"
    return "\n".join([f"{titled} {done}", *(f"    {remark}" for remark in task.remarks)])


def _failed(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)
