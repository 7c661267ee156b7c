"""What the README tells people to type can be typed."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

import zeebe_mail
from zeebe_mail.cli import app

README = Path(zeebe_mail.__file__).parents[2] / "README.md"
COMMANDS = typer.main.get_command(app)


def command_lines() -> list[str]:
    """Each `zeebe-mail …` in a code block or in backticks."""
    text = README.read_text(encoding="utf-8")
    inline = re.findall(r"`(?:[A-Z_]+=\S+ )*(zeebe-mail [^`]+)`", text)
    blocks = re.findall(r"^(?: {4}|\$ )(?:[A-Z_]+=\S+ )*(zeebe-mail .+)$", text, re.MULTILINE)
    fenced = [
        line.strip().removeprefix("$ ")
        for block in re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if line.strip().removeprefix("$ ").startswith("zeebe-mail ")
    ]
    return list(dict.fromkeys([*inline, *blocks, *fenced]))


def test_the_readme_shows_the_commands() -> None:
    assert isinstance(COMMANDS, click.Group) or hasattr(COMMANDS, "commands")
    shown = {line.split()[1] for line in command_lines()}
    assert shown >= {"run", "check", "exec", "health", "deploy", "demo", "feel"}


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_has_a_command_and_options_that_exist(line: str) -> None:
    _, name, *arguments = shlex.split(line.partition(" #")[0])
    command = COMMANDS.commands[name]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    given = {argument.partition("=")[0] for argument in arguments if re.match(r"--?[a-z]", argument)}
    assert given <= known, f"{line}: {given - known}"
