"""`zeebe-mail demo`: a BPMN process on a real Zeebe sends a mail over SMTP with TLS and AUTH, step by step."""

import asyncio
import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from zeebe_mail.app import gateway_options
from zeebe_mail.demo import distribution
from zeebe_mail.demo.docker_engine import IMAGE, DockerBroker
from zeebe_mail.demo.engine import Broker
from zeebe_mail.demo.error import DemoError
from zeebe_mail.demo.inbox import read_inbox
from zeebe_mail.demo.mailserver import DOMAIN, MailServer
from zeebe_mail.demo.pki import Authority
from zeebe_mail.demo.screen import download_bar, mail_panel, step, variables_panel
from zeebe_mail.demo.workerprocess import WorkerProcess, worker_environment
from zeebe_mail.ending import run
from zeebe_mail.settings import load
from zeebe_mail.zeebe.client import Client, connect
from zeebe_mail.zeebe.gateway import GatewayUnavailable, Rejected
from zeebe_mail.zeebe.options import GatewayOptions

PROCESS = "send-mail"
READY_LIMIT_S = 120.0
GIVEN_LIMIT_S = 10.0  # a cluster that was named is expected to run already
RESULT_LIMIT_S = 60.0


class Engine(StrEnum):
    """Where the broker of the demo comes from."""

    BROKER = "broker"
    DOCKER = "docker"


def tell(console: Console, *, engine: Engine, address: str | None, keep: bool) -> None:
    """Run the demo; everything it started has ended when this returns, and when it raises.

    Call it where signals are held back: they are let through while the demo waits.

    Args:
        engine: Which broker to start when none is given.
        address: `host:port` of a broker that runs already; else ZEEBE_ADDRESS is one, if set.
        keep: Leave all running until Ctrl-C.

    Raises:
        DemoError: a step failed.
        SettingsError: the settings of the given cluster cannot be used.
    """
    with ExitStack() as closing:
        work = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="zeebe-mail-demo-")))
        if address or os.environ.get("ZEEBE_ADDRESS"):
            if address:
                closing.enter_context(_environment_variable("ZEEBE_ADDRESS", address))
            gateway, foreign = gateway_options(load()), True
        else:
            gateway, foreign = GatewayOptions(closing.enter_context(_broker(console, engine))), False
        run(_Story(console, gateway, work, foreign_cluster=foreign).tell(keep=keep))


class _Story:
    def __init__(self, console: Console, gateway: GatewayOptions, work: Path, *, foreign_cluster: bool) -> None:
        self._console = console
        self._gateway = gateway
        self._work = work
        self._foreign_cluster = foreign_cluster
        self._users = {"shop": secrets.token_urlsafe(12), "ada": secrets.token_urlsafe(12)}

    async def tell(self, *, keep: bool) -> None:
        console = self._console
        async with AsyncExitStack() as closing:
            authority = Authority(self._work / "pki")
            with step(console, "Mail server") as done:
                server = await closing.enter_async_context(MailServer(self._users, authority.issue("mail")))
                done(f"SMTP localhost:{server.ports.smtp}, IMAP localhost:{server.ports.imaps}")
            client = await closing.enter_async_context(connect(self._gateway))
            with step(console, "Deploy") as done:
                await self._deploy(client)
                done(f"{_example().name}: process {PROCESS}")
            with step(console, "Worker") as done:
                worker = WorkerProcess(self._worker_settings(authority), self._work / "worker.log")
                closing.callback(worker.stop)
                await worker.start()
                done("zeebe-mail run")
            with step(console, "Process instance") as done:
                variables = await self._run(client, worker, _input(server))
                done("completed")
            received = await self._received(server, authority)
            console.print(mail_panel(received), variables_panel(variables))
            if keep:
                await self._stay(server, worker)

    async def _deploy(self, client: Client) -> None:
        limit_s = GIVEN_LIMIT_S if self._foreign_cluster else READY_LIMIT_S
        try:
            await client.ready(timeout_s=limit_s)
            await client.deploy([_example()])
        except TimeoutError as error:
            raise DemoError(
                f"No Zeebe answered at {self._gateway.address} within {limit_s:.0f} s.",
                "Check the address, or leave it out to have a broker started.",
            ) from error
        except (GatewayUnavailable, Rejected) as error:
            raise DemoError(
                f"The process could not be deployed ({error}).", "Check the cluster and its log."
            ) from error

    def _worker_settings(self, authority: Authority) -> dict[str, str]:
        own = {
            "ZEEBE_MAIL_CA_FILE": str(authority.ca_file),
            "ZEEBE_MAIL_LEDGER": str(self._work / "ledger.db"),
            "SECRET_SMTP_PASSWORD": self._users["shop"],
        }
        if not self._foreign_cluster:
            own["ZEEBE_ADDRESS"] = self._gateway.address
        return worker_environment(own, foreign_cluster=self._foreign_cluster)

    async def _run(self, client: Client, worker: WorkerProcess, variables: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await client.start_and_wait(PROCESS, variables, timeout_s=RESULT_LIMIT_S)
        except (GatewayUnavailable, Rejected) as error:
            raise DemoError(
                f"The process instance did not end within {RESULT_LIMIT_S:.0f} s ({error}).",
                f"The worker's last words:\n{worker.last_words()}",
            ) from error

    async def _received(self, server: MailServer, authority: Authority) -> EmailMessage:
        messages = await read_inbox(
            "localhost", server.ports.imaps, "ada", self._users["ada"], ca_file=authority.ca_file
        )
        if not messages:
            raise DemoError(
                "The process says that the mail was sent, but it is not in the mailbox.",
                "Another worker may have taken the job: does one serve mail:smtp-send:1 on this cluster?",
            )
        return message_from_bytes(messages[-1], policy=policy.default)

    async def _stay(self, server: MailServer, worker: WorkerProcess) -> None:
        lines = (
            f"Zeebe gateway   {self._gateway.address}",
            f"Mailbox         localhost:{server.ports.imaps}, IMAP over TLS, user ada, password {self._users['ada']}",
            f"SMTP            localhost:{server.ports.smtp}, STARTTLS; the worker's secret SMTP_PASSWORD is shop's",
            f"CA certificate  {self._work / 'pki' / 'ca.pem'}",
            f"Start again     process {PROCESS} with {json.dumps(_input(server))}",
        )
        self._console.print(Panel(Text("\n".join(lines)), title="Running until Ctrl-C"))
        await worker.ended()
        title = "The worker has ended, jobs wait for another one; its last words"
        self._console.print(Panel(Text(worker.last_words()), title=title))
        await asyncio.Event().wait()


def _input(server: MailServer) -> dict[str, Any]:
    return {
        "mailServer": {"host": "localhost", "port": server.ports.smtp},
        "sender": f"shop@{DOMAIN}",
        "customer": {"name": "Ada", "email": f"ada@{DOMAIN}"},
    }


def _example() -> Path:
    """The example process: beside this file in a wheel, in `bpmn-examples` in a checkout."""
    name = "send-mail.bpmn"
    places = (Path(__file__).parent / name, Path(__file__).parents[3] / "bpmn-examples" / name)
    for place in places:
        if place.exists():
            return place
    raise DemoError(f"{name} is missing from this installation.", "Please install zeebe-mail again.")


@contextmanager
def _broker(console: Console, engine: Engine) -> Iterator[str]:
    """A broker of the demo's own; gives its address."""
    if engine is Engine.DOCKER:
        with step(console, "Zeebe broker") as done:
            container = DockerBroker()
            container.start()
            done(f"{IMAGE} at {container.address}")
        with contextlib.closing(container):
            yield container.address
        return
    if distribution.installed() is None:
        console.print(f"Fetching the Zeebe broker {distribution.VERSION}, once, into {distribution.cache_dir()}")
        distribution.install(lambda name, size: download_bar(console, name, size))
    broker = Broker(writes_start_cache=True)
    try:
        with step(console, "Zeebe broker") as done:
            broker.start()
            done(f"{distribution.VERSION} at {broker.address}")
        yield broker.address
    finally:
        once = ", and noting down how to start it faster next time" if broker.is_slow_to_stop else ""
        with console.status(f"Stopping the broker{once}"):
            broker.close()


@contextmanager
def _environment_variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
