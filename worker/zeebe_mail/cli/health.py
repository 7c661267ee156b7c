"""``zeebe-mail health``: asks a running worker; made for container health checks."""

from __future__ import annotations

from typing import Annotated

import typer


def health(
    live: Annotated[bool, typer.Option("--live", help="Ask only whether the worker is alive.")] = False,
) -> None:
    """Ask the worker on this machine whether it is ready; exit code 0 when it is."""
    import http.client
    import urllib.error
    import urllib.request

    from zeebe_mail.settings import load

    settings = load()
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(settings.http_host, settings.http_host)  # noqa: S104 - compared
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}/{'live' if live else 'ready'}"
    # The worker is on this machine: no proxy of the environment has a part in it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            typer.echo(answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        typer.echo(error.read().decode(errors="replace"))
        raise typer.Exit(1) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = "something else is there" if isinstance(error, http.client.HTTPException) else error
        typer.echo(f"No worker answers on port {settings.http_port} ({why}).")
        raise typer.Exit(1) from error
