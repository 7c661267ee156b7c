"""The command line: one file for each command."""

from __future__ import annotations

import sys

import typer

from zeebe_mail.cli.check import check
from zeebe_mail.cli.convert import convert
from zeebe_mail.cli.demo import demo
from zeebe_mail.cli.deploy import deploy
from zeebe_mail.cli.exec import exec_
from zeebe_mail.cli.feel import feel
from zeebe_mail.cli.generate import generate
from zeebe_mail.cli.health import health
from zeebe_mail.cli.ledger import ledger
from zeebe_mail.cli.parse import parse
from zeebe_mail.cli.render import render
from zeebe_mail.cli.run import run
from zeebe_mail.cli.templates import templates
from zeebe_mail.errors import SecretError
from zeebe_mail.settings import SettingsError

app = typer.Typer(
    name="zeebe-mail",
    help="A Camunda 8 / Zeebe job worker that does mail.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(run)
app.command("exec")(exec_)
app.command()(check)
app.command()(deploy)
app.command()(health)
app.command()(feel)
app.command()(parse)
app.command()(render)
app.command()(convert)
app.command()(templates)
app.command()(demo)
app.add_typer(ledger)
app.command(hidden=True)(generate)


def main() -> None:
    """Run a command; what a person can mend is said in plain lines, with exit code 2."""
    try:
        app()
    except (SettingsError, SecretError) as error:
        for line in str(error).splitlines():
            typer.echo(f"zeebe-mail: {line}", err=True)
        sys.exit(2)
