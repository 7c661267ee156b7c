"""``zeebe-mail health``: asks a running worker; made for container health checks."""

from __future__ import annotations

from typing import Annotated

import typer


def health(
    live: Annotated[bool, typer.Option("--live", help="Ask only whether the worker is alive.")] = False,
) -> None:
    """Ask the worker on this machine whether it is ready; exit code 0 when it is."""
    import urllib.error
    import urllib.request

    from zeebe_mail.settings import load

    settings = load()
    host = "127.0.0.1" if settings.http_host in ("0.0.0.0", "::", "") else settings.http_host  # noqa: S104 - compared
    url = f"http://{host}:{settings.http_port}/{'live' if live else 'ready'}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            typer.echo(answer.read().decode())
    except urllib.error.HTTPError as error:
        typer.echo(error.read().decode())
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"No worker answers on port {settings.http_port} ({error}).")
        raise typer.Exit(1) from error
