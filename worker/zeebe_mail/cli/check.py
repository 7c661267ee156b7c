"""``zeebe-mail check``: what works and what does not, step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zeebe_mail.ending import run

if TYPE_CHECKING:
    from zeebe_mail.auth.models import Auth
    from zeebe_mail.mail.probe import Step
    from zeebe_mail.mail.server import MailServer
    from zeebe_mail.settings import Settings

ADDRESS = r"(?:(?P<scheme>[a-z0-9]+)://)?(?P<host>.+?)(?::(?P<port>\d+))?/?"
SCHEMES = {"smtp": "smtp", "smtps": "smtp", "imap": "imap", "imaps": "imap", "pop3": "pop3", "pop3s": "pop3"}
PROTOCOLS = {"143": "imap", "993": "imap", "110": "pop3", "995": "pop3"}  # of a port without a scheme; else SMTP


def check(
    server: Annotated[
        str | None,
        typer.Option(
            help="A mail server: host:port, smtp://, imap:// or pop3://host:port (STARTTLS), or imaps://host (TLS)."
        ),
    ] = None,
    security: Annotated[
        Literal["SSL_TLS", "STARTTLS", "NONE"] | None,
        typer.Option(help="Default: what the scheme or the port says, else STARTTLS."),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Log in as this user.")] = None,
    password_secret: Annotated[
        str | None, typer.Option(help="Name of the secret that holds the password. Without it, you are asked.")
    ] = None,
) -> None:
    """Check settings and gateway, or with --server a mail server: DNS, TCP, TLS, capabilities, AUTH, mailboxes.

    Nothing is sent, and nothing on the server is changed.

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
    if settings.redirect_all_to:
        yield Step("redirect", good=True, result=f"all mail goes to {', '.join(settings.redirect_all_to)} instead")
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


async def _mail_server(settings: Settings, place: MailServer, auth: Auth) -> AsyncIterator[Step]:
    from zeebe_mail.app import egress_policy, imap_connector, pop3_connector, smtp_connector
    from zeebe_mail.mail.probe import ProbedSession, probe
    from zeebe_mail.mail.server import ImapServer, Pop3Server, SmtpServer

    session: ProbedSession
    match place:
        case SmtpServer():
            session = smtp_connector(settings).session(place, auth)
        case ImapServer():
            session = imap_connector(settings).session(place, auth)
        case Pop3Server():
            session = pop3_connector(settings).session(place, auth)
        case _:
            raise TypeError(type(place))
    async for step in probe(place, auth, session, egress_policy(settings)):
        yield step


def _place(server: str, security: str | None) -> MailServer:
    import re

    from zeebe_mail.errors import InputError
    from zeebe_mail.jobs.validate import validate
    from zeebe_mail.mail.server import ImapServer, Pop3Server, Security, SmtpServer
    from zeebe_mail.settings import SettingsError

    kinds = {kind.PROTOCOL: kind for kind in (SmtpServer, ImapServer, Pop3Server)}
    match = re.fullmatch(ADDRESS, server.strip(), re.IGNORECASE)
    scheme = (match["scheme"] or "").lower() if match else ""
    if match is None or (scheme and scheme not in SCHEMES):
        raise SettingsError(f'--server "{server}" is not host:port or {", ".join(f"{one}://host" for one in SCHEMES)}')
    kind = kinds[SCHEMES[scheme] if scheme else PROTOCOLS.get(match["port"] or "", "smtp")]
    is_implicit = scheme.endswith("s") or match["port"] == str(kind.DEFAULT_PORTS[Security.SSL_TLS])
    implied = Security.SSL_TLS if is_implicit else Security.STARTTLS
    try:
        return validate(kind, {"host": match["host"], "port": match["port"], "security": security or implied})
    except InputError as error:
        raise SettingsError(f"--server: {error.message}") from error


def _login(settings: Settings, place: MailServer, user: str | None, password_secret: str | None) -> Auth:
    from zeebe_mail.app import secret_resolver
    from zeebe_mail.auth.models import NoAuth
    from zeebe_mail.secrets import Redactor

    if user is None:
        return NoAuth()
    if password_secret is None:
        _password_auth(user, "-")  # what is wrong with the name is said before anybody types a password
        return _password_auth(user, typer.prompt("Password", hide_input=True))
    reference = f"{{{{secrets.{password_secret}}}}}"
    task_type = f"mail:{place.PROTOCOL}-{'send' if place.PROTOCOL == 'smtp' else 'list'}:1"
    password = secret_resolver(settings).replace(reference, Redactor(), hosts=[place.host], task_type=task_type)
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
