"""No secret leaves the worker: real jobs with canaries in place of passwords, then everything it wrote is searched."""

import base64
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.worker import mail, worker
from tests.live.host import until, zeebe
from tests.servers.broker import Broker, needs_broker
from tests.servers.processes import one_task
from tests.servers.records import Records
from tests.servers.stalling_smtp import StallingSmtp
from zeebe_mail.demo.engine import free_ports
from zeebe_mail.zeebe.gateway import pb

pytestmark = pytest.mark.live

TASK = "mail:smtp-send:1"
RIGHT = 'canary+right/"pä55'
WRONG = "canary-wrong-0815"
UNUSED = "canary-unused-4711"
BOUND = "canary-bound-9999"
LITERAL = "canary-literal-1234"
"""A password that an author wrote into the process itself: it is in the broker's variables, and nowhere of ours."""


def forms(secret: str) -> Iterator[str]:
    """What a search for leaks looks for."""
    raw = secret.encode()
    yield secret
    yield secret.replace('"', '\\"')
    yield urllib.parse.quote(secret)
    yield urllib.parse.quote(secret, safe="")
    for prefix in (b"", b"x", b"xx"):
        # The part of the base64 text that is the same whatever stands before and behind.
        encoded = base64.b64encode(prefix + raw).decode().rstrip("=")
        yield encoded[4:-2] if prefix else encoded[:-2]


def leaks(text: str, *secrets: str) -> list[str]:
    return [form for secret in secrets for form in forms(secret) if form in text]


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as own:
        yield own


@pytest.fixture
def own_broker(records: Records) -> Iterator[Broker]:
    needs_broker()
    with Broker(records.options()) as broker:
        yield broker


def test_the_search_finds_what_it_looks_for() -> None:
    blob = base64.b64encode(f"\0user\0{RIGHT}".encode()).decode()
    assert leaks(f"AUTH PLAIN {blob}", RIGHT)
    assert leaks(f"x {RIGHT} x", RIGHT)
    assert leaks(urllib.parse.quote(RIGHT, safe=""), RIGHT)


async def test_no_secret_is_in_log_incident_variable_or_metric(
    own_broker: Broker, records: Records, tmp_path: Path
) -> None:
    settings = {
        "SECRET_RIGHT": RIGHT,
        "SECRET_WRONG": WRONG,
        "SECRET_UNUSED": UNUSED,
        "SECRET_BOUND": BOUND,
        "ZEEBE_MAIL_SECRETS_BINDINGS": '{"BOUND": {"hosts": ["*.example.org"]}}',
    }

    def login(password: str) -> dict[str, str]:
        return {"type": "password", "username": "user", "password": password}

    async with (
        StallingSmtp(password=RIGHT, echoes=True) as smtp,
        zeebe(own_broker.address) as engine,
        worker(own_broker.address, tmp_path, **settings) as running,
    ):
        bpmn = one_task("canary", TASK, retries=1, headers={"resultVariable": "mail"})
        await engine.stub.DeployResource(
            pb.DeployResourceRequest(resources=[pb.Resource(name="canary.bpmn", content=bpmn)])
        )
        good = mail(smtp.port, auth=login("{{secrets.RIGHT}}"))
        (nobody,) = free_ports(1)
        failing = [
            {**good, "auth": login("secrets.WRONG")},  # refused, and the server repeats the AUTH line
            {**good, "auth": login("{{secrets.RIGHT}}-{{secrets.WRONG}}")},
            {**good, "auth": login(LITERAL)},
            {**good, "auth": login("{{secrets.NONE}}")},
            {**good, "auth": login("secrets.BOUND")},
            {**good, "auth": {**login("{{secrets.RIGHT}}"), "extra": "secrets.RIGHT", "type": "{{secrets.RIGHT}}"}},
            {**good, "auth": "{{secrets.RIGHT}}"},
            {**good, "server": {**good["server"], "port": nobody}},
            {**good, "server": {"port": 25, "security": "NONE"}},
            {**good, "server": {**good["server"], "host": "{{secrets.RIGHT}}"}},
            {**good, "server": {**good["server"], "host": "a.invalid"}},
            {**good, "server": {**good["server"], "security": "STARTTLS"}},
            {**good, "server": {**good["server"], "security": "SSL_TLS"}},
            {**good, "request": {**good["request"], "from": "{{secrets.RIGHT}}"}},
            {**good, "request": {}},
        ]
        for variables in [good, *failing]:
            await engine.start("canary", variables)
        await until(lambda: len(records.all("INCIDENT", "CREATED")) == len(failing), limit_s=40)
        await until(lambda: records.all("JOB", "COMPLETED"))
        metrics = await running.get("/metrics")
        log = running.log
        incidents = "\n".join(one["value"]["errorMessage"] for one in records.all("INCIDENT", "CREATED"))

    assert "canary" in smtp.seen[1].decode() or any(b"AUTH" in line for line in smtp.seen), "the secret was used"
    assert len(smtp.mails) == 1
    assert "AUTHENTICATION_FAILED" in incidents
    assert 'Secret "NONE" is not available' in incidents
    assert leaks(log + metrics + incidents, RIGHT, WRONG, UNUSED, BOUND, LITERAL) == []
    assert leaks(records.text(), RIGHT, WRONG, UNUSED, BOUND) == []
    assert "job_completed" in log
    assert 'outcome="incident"' in metrics
    assert "Traceback" not in log
