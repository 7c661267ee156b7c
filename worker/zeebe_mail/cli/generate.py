"""``zeebe-mail generate``: the files in the repository that are made from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 when a file is not current.")
    ] = False,
    root: Annotated[Path, typer.Option(help="Root of the repository.", file_okay=False, exists=True)] = Path(),
) -> None:
    """Write the generated pages of the documentation. For those who change zeebe-mail."""
    from zeebe_mail.modeler.pages import pages

    stale = []
    for name, text in pages().items():
        file = root / "docs" / name
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(file))
        if not check:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
    for name in stale:
        typer.echo(f"{'not current' if check else 'written'}: {name}")
    if check and stale:
        raise typer.Exit(1)
