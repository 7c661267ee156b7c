"""The same servers from images, where a Docker engine answers. Everywhere else these tests are skipped."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.servers.broker import GivenBroker
from zeebe_mail.demo.docker_engine import ENVIRONMENT, GATEWAY_PORT, IMAGE, needs_docker
from zeebe_mail.demo.error import DemoError

MANAGEMENT_PORT = 9600
MAILPIT_IMAGE = "axllent/mailpit:v1.27"


@dataclass(frozen=True)
class Mailpit:
    """A mailbox for everybody: SMTP without TLS, and what arrived as JSON at `messages_url`."""

    host: str
    smtp: int
    messages_url: str


@contextmanager
def camunda() -> Iterator[GivenBroker]:
    """A current cluster, ready for commands."""
    _needs_docker()
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    container = DockerContainer(IMAGE).with_exposed_ports(GATEWAY_PORT, MANAGEMENT_PORT)
    for name, value in ENVIRONMENT.items():
        container.with_env(name, value)
    container.waiting_for(HttpWaitStrategy(MANAGEMENT_PORT, "/actuator/health/readiness").with_startup_timeout(180))
    with container as running:
        yield GivenBroker(f"{running.get_container_host_ip()}:{running.get_exposed_port(GATEWAY_PORT)}")


@contextmanager
def mailpit() -> Iterator[Mailpit]:
    _needs_docker()
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    container = DockerContainer(MAILPIT_IMAGE).with_exposed_ports(1025, 8025)
    container.with_env("MP_SMTP_AUTH_ACCEPT_ANY", "true").with_env("MP_SMTP_AUTH_ALLOW_INSECURE", "true")
    container.waiting_for(HttpWaitStrategy(8025, "/readyz"))
    with container as running:
        host = running.get_container_host_ip()
        web = running.get_exposed_port(8025)
        yield Mailpit(host, int(running.get_exposed_port(1025)), f"http://{host}:{web}/api/v1/messages")


def _needs_docker() -> None:
    try:
        needs_docker()
    except DemoError as error:
        pytest.skip(str(error))
