"""``zeebe-mail generate``: the files in the repository that are made from the code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

OURS = ("docs/operations/*.md", "element-templates/*.json")
"""What is there only because it is generated: a file more than that is an old one."""


def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 when a file is not current.")
    ] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Freeze the element templates: what changes later has a higher version.")
    ] = False,
    root: Annotated[Path, typer.Option(help="Root of the repository.", file_okay=False, exists=True)] = Path(),
) -> None:
    """Write the generated pages of the documentation and the element templates. For those who change zeebe-mail."""
    files = _files(release=release)
    stale = [root / name for name, text in files.items() if _text(root / name) != text]
    old = [file for pattern in OURS for file in root.glob(pattern) if str(file.relative_to(root)) not in files]
    if not check:
        for file in stale:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(files[str(file.relative_to(root))], encoding="utf-8")
        for file in old:
            file.unlink()
    for file in stale:
        typer.echo(f"{'not current' if check else 'written'}: {file}")
    for file in old:
        typer.echo(f"{'not generated any more' if check else 'removed'}: {file}")
    if check and (stale or old):
        raise typer.Exit(1)


def _files(*, release: bool) -> Mapping[str, str]:
    from zeebe_mail.modeler.element_template import element_templates
    from zeebe_mail.modeler.pages import pages
    from zeebe_mail.modeler.released import FILE, as_released, template_files
    from zeebe_mail.operations.catalogue import catalogue

    templates = element_templates(catalogue())
    found = {f"docs/{name}": text for name, text in pages().items()}
    found |= {f"element-templates/{name}": text for name, text in template_files(templates).items()}
    if release:
        found[f"worker/zeebe_mail/modeler/{FILE}"] = as_released(templates)
    return found


def _text(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
