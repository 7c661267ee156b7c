"""``zeebe-mail templates``: the element templates for the Modeler."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def templates(
    out: Annotated[
        Path, typer.Option(help="Where to, for example resources/element-templates of the Modeler.", file_okay=False)
    ],
    docs: Annotated[
        str | None, typer.Option(help="Address of a copy of docs/, which the templates then link.", metavar="URL")
    ] = None,
) -> None:
    """Write the element templates of all operations as files for Desktop or Web Modeler."""
    from zeebe_mail.modeler.element_template import element_templates
    from zeebe_mail.modeler.released import template_files
    from zeebe_mail.operations.catalogue import catalogue

    out.mkdir(parents=True, exist_ok=True)
    for name, text in template_files(element_templates(catalogue()), docs).items():
        (out / name).write_text(text, encoding="utf-8")
        typer.echo(str(out / name))
