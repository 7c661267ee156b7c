"""What the benchmarks share: a broker, a mail sink, worker processes, and jobs made through the broker."""

import asyncio
import contextlib
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from zeebe_mail.demo.engine import Broker, free_ports
from zeebe_mail.demo.pki import Authority
from zeebe_mail.zeebe.client import connect
from zeebe_mail.zeebe.options import GatewayOptions

HERE = Path(__file__).parent
TASK_TYPE = "mail:smtp-send:1"
BODY = "A line of plain text, as mails have them, with nothing remarkable in it.\n" * 14  # about 1 kB

PROCESS = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="benchmarks">
  <bpmn:process id="{id}" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>a</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="task"/>
    <bpmn:serviceTask id="task">
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="{task_type}" retries="3"/>
        <zeebe:taskHeaders><zeebe:header key="resultVariable" value="mail"/></zeebe:taskHeaders>
      </bpmn:extensionElements>
      <bpmn:incoming>a</bpmn:incoming><bpmn:outgoing>b</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:sequenceFlow id="b" sourceRef="task" targetRef="end"/>
    <bpmn:endEvent id="end"><bpmn:incoming>b</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""


@dataclass
class Sink:
    """A running mail sink."""

    port: int
    control_port: int
    ca_file: Path

    def look(self) -> dict[str, Any]:
        """Mails since the last look, and when the first and the last came."""
        with socket.create_connection(("127.0.0.1", self.control_port)) as connection:
            return json.loads(connection.makefile().readline())

    def variables(self) -> dict[str, Any]:
        """A job's variables for a mail to this sink."""
        return {
            "server": {"host": "localhost", "port": self.port, "security": "SSL_TLS"},
            "auth": {"type": "password", "username": "bench@x.test", "password": "{{secrets.BENCH}}"},
            "request": {"from": "bench@x.test", "to": "you@x.test", "subject": "Benchmark", "text": BODY},
        }


@dataclass
class Usage:
    """What a process has used."""

    cpu_s: float
    rss_mb: float


def usage(process: subprocess.Popen[bytes]) -> Usage:
    """CPU seconds and resident megabytes of a process up to now."""
    one = psutil.Process(process.pid)
    times = one.cpu_times()
    return Usage(times.user + times.system, one.memory_info().rss / 1e6)


class PeakMemory:
    """How much a process and its children grow in the block, looked at every few milliseconds."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = psutil.Process(process.pid)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self.at_rest_mb = 0.0
        self._peak_mb = 0.0

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    @property
    def growth_mb(self) -> float:
        """Resident megabytes at most, beyond those at rest."""
        return self._peak_mb - self.at_rest_mb

    async def rest(self) -> None:
        """Wait until the process has started and its memory does not change any more; that is its rest."""
        before = -1.0
        while before != (now := self._resident_mb()):
            before = now
            await asyncio.sleep(1)
        self.at_rest_mb = self._peak_mb = now

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self._peak_mb = max(self._peak_mb, self._resident_mb())

    def _resident_mb(self) -> float:
        total = 0
        for one in (self._process, *self._process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
        return total / 1e6


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """A real broker; gives its address. The first one on a machine writes the start-up cache."""
    given = os.environ.get("ZEEBE_ADDRESS")
    if given:
        yield given
        return
    with Broker(writes_start_cache=True) as running:
        yield running.address


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    """A mail sink with TLS and AUTH."""
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        certificate = authority.issue()
        command = [sys.executable, str(HERE / "sink.py"), str(certificate.chain), str(certificate.key)]
        with running(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            port, control = map(int, process.stdout.readline().split())
            yield Sink(port, control, authority.ca_file)


@contextlib.contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that is ended with the block."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def mail_worker(address: str, mails: Sink, **settings: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The worker for mails to the sink."""
    return worker(address, mails.ca_file, SECRET_BENCH="bench-password", **settings)


@contextlib.contextmanager
def worker(address: str, ca_file: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """The worker as operators run it, logs to nowhere."""
    command = [sys.executable, "-m", "zeebe_mail", "run"]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "ZEEBE_ADDRESS": address,
            "ZEEBE_MAIL_CA_FILE": str(ca_file),
            "ZEEBE_MAIL_HTTP_PORT": str(free_ports(1)[0]),
            "ZEEBE_MAIL_LEDGER": f"{folder}/ledger.db",
            **settings,
        }
        with running(command, env=environment, stderr=subprocess.DEVNULL) as process:
            yield process


def deploy(address: str, process_id: str, task_type: str) -> None:
    """Deploy a process of one service task."""

    async def send() -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{process_id}.bpmn"
            file.write_text(PROCESS.format(id=process_id, task_type=task_type))
            async with connect(GatewayOptions(address=address)) as client:
                await client.ready(timeout_s=60)
                await client.deploy([file])

    asyncio.run(send())


def start(address: str, process_id: str, variables: dict[str, Any], count: int, *, at_once: int = 40) -> float:
    """Start instances; gives how many a second."""

    async def send() -> None:
        async with connect(GatewayOptions(address=address)) as client:
            gate = asyncio.Semaphore(at_once)

            async def one() -> None:
                async with gate:
                    await client.start(process_id, variables)

            await asyncio.gather(*(one() for _ in range(count)))

    began = time.perf_counter()
    asyncio.run(send())
    return count / (time.perf_counter() - began)


def wait_for_mails(mails: Sink, count: int, *, limit_s: float) -> tuple[int, float, float]:
    """Wait until the sink has taken at least so many; gives how many, and the times of the first and the last one."""
    taken, first, last = 0, 0.0, 0.0
    deadline = time.monotonic() + limit_s
    while taken < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{taken} of {count} mails after {limit_s} s")
        time.sleep(0.2)
        seen = mails.look()
        taken += seen["mails"]
        first = first or seen["first"]
        last = max(last, seen["last"])
    return taken, first, last


def machine() -> str:
    """Where this ran, in one line."""
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    )
