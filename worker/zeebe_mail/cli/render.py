"""``zeebe-mail render``: a mail as it would be sent, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zeebe_mail.ending import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zeebe_mail.operations.render import RenderedFile, RenderOutput

NOBODY = "nobody@example.org"

# The mail is in a frame without scripts and without access to the page around it.
_PREVIEW = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>{subject}</title>
<style>
body {{ font-family: sans-serif; margin: 1rem; }}
th {{ text-align: left; vertical-align: top; padding-right: 1rem; }}
iframe {{ width: 100%; height: 75vh; border: 1px solid #999; }}
iframe.phone {{ width: 375px; }}
pre {{ white-space: pre-wrap; border: 1px solid #999; padding: 1rem; }}
</style>
</head>
<body>
<table>
{headers}
</table>
{bodies}
</body>
</html>
"""
_FRAME = '<h2>HTML</h2>\n<iframe sandbox srcdoc="{html}"></iframe>\n<h2>HTML, narrow</h2>\n'
_NARROW = '<iframe sandbox class="phone" srcdoc="{html}"></iframe>'
_FILES = "<h2>Attachments</h2>\n<pre>{files}</pre>"
_TEXT = "<h2>Text</h2>\n<pre>{text}</pre>"


def render(
    variables: Annotated[
        Path | None, typer.Option(help="JSON file with a job's variables; with --template the template's.")
    ] = None,
    template: Annotated[
        str | None, typer.Option(help="Name of a mail template in the folder ZEEBE_MAIL_TEMPLATES_DIR.")
    ] = None,
    locale: Annotated[str | None, typer.Option(help="With --template: language, such as de or de-AT.")] = None,
    eml: Annotated[Path | None, typer.Option(help="Write the message to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the HTML to this file.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Write a preview and open it in the browser.")] = False,
) -> None:
    """Print headers, text and attachments of a mail as it would be sent. No server is used and nothing is sent.

    Exit code 1 when there is no mail, with the reason.
    """
    from base64 import b64decode

    from zeebe_mail.app import read_json, render_once
    from zeebe_mail.errors import WorkerError
    from zeebe_mail.secrets import Redactor
    from zeebe_mail.settings import load

    if variables is None and template is None:
        raise typer.BadParameter("--variables or --template must be given")
    given = read_json(variables) if variables else {}
    request = _of_template(template, locale, given) if template else _of_job(given)
    try:
        mail = run(render_once(load(), Redactor(), request))
    except WorkerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo("\n".join([*(f"{one.key}: {one.value}" for one in mail.headers), "", mail.text or ""]))
    if mail.attachments:
        typer.echo("\n".join(["", "Attachments:", *map(_file, mail.attachments)]))
    if eml:
        _write(eml, b64decode(mail.content or ""))
    if html:
        if mail.html is None:
            raise typer.BadParameter("--html: the mail has no HTML")
        _write(html, mail.html.encode())
    if open_:
        _open(mail)


def _of_template(name: str, locale: str | None, variables: Mapping[str, Any]) -> dict[str, Any]:
    """A mail to whom the template says, or to nobody whose name is shown."""
    template = {"name": name, "locale": locale, "variables": variables}
    return {"from": NOBODY, "bcc": NOBODY, "undisclosedRecipients": True, "template": template}


def _of_job(variables: Mapping[str, Any]) -> dict[str, Any]:
    """What a job that sends mail would send."""
    request, auth = variables.get("request"), variables.get("auth")
    if not isinstance(request, dict):
        raise typer.BadParameter("--variables: must have `request`, as a job that sends mail has")
    return {**request, "username": auth.get("username") if isinstance(auth, dict) else None}


def _file(one: RenderedFile) -> str:
    return f"  {one.name} ({one.content_type}, {one.size_bytes} bytes{', shown in the HTML' if one.inline else ''})"


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from error


def _open(mail: RenderOutput) -> None:
    import tempfile
    import webbrowser

    with tempfile.NamedTemporaryFile(prefix="mail-", suffix=".html", delete=False) as file:
        file.write(_preview(mail).encode())
    typer.echo(f"\nPreview: {file.name}")
    webbrowser.open(Path(file.name).as_uri())


def _preview(mail: RenderOutput) -> str:
    from base64 import b64decode
    from html import escape

    from zeebe_mail.message.inline_parts import with_urls

    shown = None if mail.html is None else with_urls(mail.html, _inline_urls(b64decode(mail.content or "")))
    rows = [f"<tr><th>{escape(one.key)}</th><td>{escape(one.value)}</td></tr>" for one in mail.headers]
    bodies = [] if shown is None else [(_FRAME + _NARROW).format(html=escape(shown))]
    bodies += [] if mail.text is None else [_TEXT.format(text=escape(mail.text))]
    bodies += [_FILES.format(files=escape("\n".join(map(_file, mail.attachments))))] if mail.attachments else []
    return _PREVIEW.format(subject=escape(mail.subject or ""), headers="\n".join(rows), bodies="\n".join(bodies))


def _inline_urls(message: bytes) -> dict[str, str]:
    """Each part that the mail's HTML may show, by its Content-ID, as a URL that has all of it (RFC 2397)."""
    from base64 import b64encode
    from email import message_from_bytes, policy

    urls: dict[str, str] = {}
    for part in message_from_bytes(message, policy=policy.default).walk():
        content = part.get_payload(decode=True)
        if part["Content-ID"] and isinstance(content, bytes):
            encoded = b64encode(content).decode("ascii")
            urls[part["Content-ID"].strip("<>")] = f"data:{part.get_content_type()};base64,{encoded}"
    return urls
