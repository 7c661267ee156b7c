"""``zeebe-mail check``: what works and what does not, step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zeebe_mail.ending import run

if TYPE_CHECKING:
    from zeebe_mail.auth.models import Auth
    from zeebe_mail.mail.probe import Step
    from zeebe_mail.mail.server import SmtpServer
    from zeebe_mail.settings import Settings


def check(
    server: Annotated[
        str | None,
        typer.Option(help="A mail server, host:port or smtp://host:port (STARTTLS) or smtps://host:port (TLS)."),
    ] = None,
    security: Annotated[
        Literal["SSL_TLS", "STARTTLS", "NONE"] | None,
        typer.Option(help="Default: SSL_TLS for port 465, else STARTTLS."),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Log in as this user.")] = None,
    password_secret: Annotated[
        str | None, typer.Option(help="Name of the secret that holds the password. Without it, you are asked.")
    ] = None,
) -> None:
    """Check settings and gateway, or with --server a mail server: DNS, TCP, TLS, capabilities, AUTH. Nothing is sent.

    Exit code 0 when all is well, 1 when a step fails.
    """
    from zeebe_mail.settings import load

    settings = load()
    if server is None:
        steps = _cluster(settings)
    else:
        place = _place(server, security)
        steps = _mail_server(settings, place, _login(settings, place, user, password_secret))
    if not run(_show(steps)):
        raise typer.Exit(1)


async def _show(steps: AsyncIterator[Step]) -> bool:
    from rich.console import Console

    console = Console()
    good = True
    async for step in steps:
        mark = "[green]✓[/green]" if step.good else "[red]✗[/red]"
        console.print(f"{mark} [bold]{step.name:13}[/bold]", end="")
        console.print(step.result, markup=False, highlight=False, soft_wrap=True)
        if not step.good:
            good = False
            console.print(f"  → {step.hint}", markup=False, highlight=False, soft_wrap=True)
    return good


async def _cluster(settings: Settings) -> AsyncIterator[Step]:
    from zeebe_mail.app import gateway_options, mailroom, task_types
    from zeebe_mail.mail.probe import Step
    from zeebe_mail.secrets import Redactor
    from zeebe_mail.zeebe.client import connect
    from zeebe_mail.zeebe.gateway import GatewayUnavailable, Rejected

    options = gateway_options(settings)
    faces = task_types(settings)
    async with mailroom(settings, Redactor(), faces):
        pass  # all that `run` makes of the settings can be made
    yield Step("settings", good=True, result="understood")
    yield Step("task types", good=True, result=", ".join(sorted(faces)))
    where = f"{options.address} {'with' if options.tls else 'without'} TLS{', with OAuth' if options.oauth else ''}"
    try:
        async with connect(options) as client:
            topology = await client.topology()
    except (GatewayUnavailable, Rejected) as error:
        hint = "Check ZEEBE_ADDRESS, TLS (ZEEBE_INSECURE_CONNECTION) and OAuth settings, and that the cluster is up."
        yield Step("gateway", good=False, result=f"{where}: {error}", hint=hint)
        return
    size = f"{topology.brokers} broker(s), {topology.partitions} partition(s)"
    yield Step("gateway", good=True, result=f"{where}: Zeebe {topology.gateway_version}, {size}")
    hint = "Wait for the cluster, or look at its brokers: a partition has no healthy leader."
    yield Step("partitions", good=topology.ready, result="ready" if topology.ready else "not ready", hint=hint)


async def _mail_server(settings: Settings, place: SmtpServer, auth: Auth) -> AsyncIterator[Step]:
    from zeebe_mail.app import smtp_connector
    from zeebe_mail.mail.probe import probe_smtp

    async for step in probe_smtp(place, auth, smtp_connector(settings)):
        yield step


def _place(server: str, security: str | None) -> SmtpServer:
    import re

    from zeebe_mail.errors import InputError
    from zeebe_mail.jobs.validate import validate
    from zeebe_mail.mail.server import SmtpServer
    from zeebe_mail.settings import SettingsError

    match = re.fullmatch(r"(?:(smtps?)://)?(.+?)(?::(\d+))?/?", server.strip())
    if match is None:
        raise SettingsError(f'--server "{server}" is not host:port, smtp://host:port or smtps://host:port')
    scheme, host, port = match.groups()
    chosen = security or ("SSL_TLS" if scheme == "smtps" or (scheme is None and port == "465") else "STARTTLS")
    try:
        return validate(SmtpServer, {"host": host, "port": port, "security": chosen})
    except InputError as error:
        raise SettingsError(f"--server: {error.message}") from error


def _login(settings: Settings, place: SmtpServer, user: str | None, password_secret: str | None) -> Auth:
    from zeebe_mail.app import secret_resolver
    from zeebe_mail.auth.models import NoAuth
    from zeebe_mail.secrets import Redactor

    if user is None:
        return NoAuth()
    if password_secret is None:
        _password_auth(user, "-")  # what is wrong with the name is said before anybody types a password
        return _password_auth(user, typer.prompt("Password", hide_input=True))
    reference = f"{{{{secrets.{password_secret}}}}}"
    password = secret_resolver(settings).replace(reference, Redactor(), host=place.host, task_type="mail:smtp-send:1")
    return _password_auth(user, password)


def _password_auth(user: str, password: str) -> Auth:
    from zeebe_mail.auth.models import PasswordAuth
    from zeebe_mail.errors import InputError
    from zeebe_mail.jobs.validate import validate
    from zeebe_mail.settings import SettingsError

    try:
        return validate(PasswordAuth, {"type": "password", "username": user, "password": password})
    except InputError as error:
        raise SettingsError(f"--user and its password: {error.message}") from error
