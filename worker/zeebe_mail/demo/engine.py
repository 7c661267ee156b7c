"""A real Zeebe broker as a child process: start, stop, kill, restart on the same data, and travel in time."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Self

import httpx

from zeebe_mail.demo import distribution
from zeebe_mail.demo.error import DemoError
from zeebe_mail.demo.java import Java, find_java
from zeebe_mail.demo.signals import dies_with_us
from zeebe_mail.ending import ended_by, held_back, let_through

LOOPBACK = "127.0.0.1"
START_LIMIT = timedelta(seconds=120)
STOP_LIMIT = timedelta(seconds=20)
CACHE_LIMIT = timedelta(seconds=90)  # writing the start-up cache took 14 s on two calm cores
LOG_CONFIGURATION = (
    '<Configuration status="WARN" shutdownHook="disable"><Appenders><Console name="C" target="SYSTEM_OUT">'
    '<PatternLayout pattern="%d{HH:mm:ss.SSS} %-5level %logger{1} - %msg%n"/></Console></Appenders>'
    '<Loggers><Root level="warn"><AppenderRef ref="C"/></Root></Loggers></Configuration>'
)


@dataclass(frozen=True)
class BrokerOptions:
    """What a broker is started with. The defaults are the quickest and smallest that still keep data over a kill."""

    partitions: int = 1
    back_pressure: bool = False
    """Whether the broker refuses commands with RESOURCE_EXHAUSTED when it is too busy."""
    free_disk_bytes: int = 100_000_000
    """Below this much free space on the data's disk every command is refused with RESOURCE_EXHAUSTED."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Any other setting of the broker, by its `ZEEBE_BROKER_…` name."""


class Broker:
    """One broker with gateway and REST on loopback. Blocking: call from a thread where an event loop runs.

    The data lies in `data`, or in a directory of its own that goes away with `close`. The ports are chosen once,
    so a client finds the broker again after `restart`.
    """

    def __init__(
        self,
        options: BrokerOptions | None = None,
        *,
        data: Path | None = None,
        progress: distribution.Progress | None = None,
        writes_start_cache: bool = False,
    ) -> None:
        """
        Args:
            writes_start_cache: When there is no start-up cache yet and the Java can make one, this broker's
                `stop` takes 15 s longer and later starts take half the time.
        """
        self.options = options or BrokerOptions()
        self._progress = progress
        self._writes_start_cache = writes_start_cache
        self._home = Path(tempfile.mkdtemp(prefix="zeebe-", dir=_roomy_directory()))
        self._data = data or self._home / "data"
        self._gateway, self._command, self._internal, self._rest, self._management = free_ports(5)
        self._process: subprocess.Popen[bytes] | None = None
        self._unfinished_cache: Path | None = None
        self.start_time = timedelta(0)
        """How long the last start took until the broker was ready."""

    @property
    def address(self) -> str:
        """`host:port` of the gRPC gateway."""
        return f"{LOOPBACK}:{self._gateway}"

    @property
    def rest_url(self) -> str:
        return f"http://{LOOPBACK}:{self._rest}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def is_slow_to_stop(self) -> bool:
        """Whether `stop` is going to write the start-up cache."""
        return self._unfinished_cache is not None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start and wait until the broker takes commands. Does nothing when it runs.

        Raises:
            DemoError: no Java, no distribution, or the broker ended or did not get ready in time.
        """
        if self._process is not None:
            return
        with let_through():
            java = find_java()
        home = distribution.install(self._progress)
        began = time.monotonic()
        self._process = self._launch(java, home)
        try:
            self._wait_until_ready(began)
        except BaseException:
            self.kill()
            raise
        self.start_time = timedelta(seconds=time.monotonic() - began)

    def stop(self) -> None:
        """End the broker in good order (SIGTERM). The data stays."""
        if self._process is None:
            return
        self._process.terminate()
        limit = STOP_LIMIT if self._unfinished_cache is None else CACHE_LIMIT
        try:
            self._process.wait(limit.total_seconds())
        except subprocess.TimeoutExpired:
            self.kill()
            return
        self._process = None
        self._keep_start_cache()

    def kill(self) -> None:
        """End the broker at once (SIGKILL). What it had accepted is still there after `start`."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        if self._unfinished_cache is not None:
            self._unfinished_cache.unlink(missing_ok=True)
            self._unfinished_cache = None

    def restart(self, options: BrokerOptions | None = None) -> None:
        """Stop and start again on the same data and ports, with other options if given."""
        self.stop()
        self.options = options or self.options
        self.start()

    def close(self) -> None:
        """Stop, and remove everything this broker wrote outside a `data` directory that was given."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def clock(self, epoch_ms: int) -> None:
        """Pin the broker's clock to a point in time; it stands still until it is moved again or reset."""
        self._send("PUT", "/v2/clock", {"timestamp": epoch_ms})

    def advance(self, by: timedelta) -> None:
        """Pin the broker's clock to now plus `by`."""
        self.clock(int((time.time() + by.total_seconds()) * 1000))

    def reset_clock(self) -> None:
        """Let the broker follow the machine's clock again."""
        self._send("POST", "/v2/clock/reset", None)

    def log(self) -> str:
        """Everything the broker has printed."""
        file = self._home / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _send(self, method: str, path: str, body: object) -> None:
        with httpx.Client(trust_env=False, timeout=10) as client:
            client.request(method, self.rest_url + path, json=body).raise_for_status()

    def _launch(self, java: Java, home: Path) -> subprocess.Popen[bytes]:
        log4j = self._home / "log4j2.xml"
        log4j.write_text(LOG_CONFIGURATION)
        command = [
            *dies_with_us(signal.SIGKILL),
            *[str(java.executable), "-Xmx384m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
            *self._start_cache_flags(java),
            *[f"-Dlog4j2.configurationFile={log4j}", "-Dfile.encoding=UTF-8"],
            # A killed broker leaves 15 MB of unpacked native code where temporary files are.
            *[f"-Dapp.home={self._home}", f"-Dbasedir={home}", f"-Djava.io.tmpdir={self._home}"],
            # No directory on the class path, or Java refuses the start-up cache.
            *["-cp", f"{home}/lib/*", "io.camunda.application.StandaloneBroker"],
        ]
        with self._open_log() as log:
            return subprocess.Popen(  # noqa: S603
                command,
                cwd=self._home,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its broker in good order.
            )

    def _open_log(self) -> IO[bytes]:
        return (self._home / "log").open("ab")

    def _start_cache_flags(self, java: Java) -> list[str]:
        if not java.makes_aot_cache:
            return []
        cache = distribution.cache_dir() / f"start-{distribution.VERSION}-java{java.identity}.aot"
        if cache.exists():
            # Should the file turn out unusable, Java says so in the log and starts without it.
            return [f"-XX:AOTCache={cache}"]
        if not self._writes_start_cache:
            return []
        # Several brokers may do this at once: each writes its own file and the rename decides.
        self._unfinished_cache = cache.with_suffix(f".{os.getpid()}-{self._gateway}")
        return [f"-XX:AOTCacheOutput={self._unfinished_cache}"]

    def _keep_start_cache(self) -> None:
        unfinished, self._unfinished_cache = self._unfinished_cache, None
        if unfinished is not None and unfinished.exists():
            unfinished.replace(unfinished.with_suffix(".aot"))

    def _environment(self) -> dict[str, str]:
        # Nothing of the caller's own Zeebe or Camunda settings may reach this broker.
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return inherited | self._broker_settings() | dict(self.options.environment)

    def _broker_settings(self) -> dict[str, str]:
        free = self.options.free_disk_bytes
        return {
            "ZEEBE_BROKER_NETWORK_HOST": LOOPBACK,
            "ZEEBE_BROKER_NETWORK_COMMANDAPI_PORT": str(self._command),
            "ZEEBE_BROKER_NETWORK_INTERNALAPI_PORT": str(self._internal),
            "ZEEBE_BROKER_GATEWAY_NETWORK_HOST": LOOPBACK,
            "ZEEBE_BROKER_GATEWAY_NETWORK_PORT": str(self._gateway),
            "SERVER_ADDRESS": LOOPBACK,
            "SERVER_PORT": str(self._rest),
            "MANAGEMENT_SERVER_ADDRESS": LOOPBACK,
            "MANAGEMENT_SERVER_PORT": str(self._management),
            "ZEEBE_BROKER_DATA_DIRECTORY": str(self._data.absolute()),
            "ZEEBE_BROKER_DATA_LOGSEGMENTSIZE": "16MB",
            "ZEEBE_BROKER_DATA_DISK_FREESPACE_PROCESSING": f"{free}B",
            "ZEEBE_BROKER_DATA_DISK_FREESPACE_REPLICATION": f"{min(free // 2, 50_000_000)}B",
            "ZEEBE_BROKER_BACKPRESSURE_ENABLED": str(self.options.back_pressure).lower(),
            "ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT": str(self.options.partitions),
            "ZEEBE_BROKER_CLUSTER_RAFT_FLUSH_ENABLED": "false",
            "ZEEBE_BROKER_EXPERIMENTAL_ROCKSDB_DISABLEWAL": "true",
            "ZEEBE_BROKER_EXPERIMENTAL_ROCKSDB_MEMORYLIMIT": "32MB",
        }

    def _wait_until_ready(self, began: float) -> None:
        with httpx.Client(trust_env=False, timeout=2, base_url=self.rest_url) as client:
            while not _every_partition_has_a_leader(client):
                if self._process is None or self._process.poll() is not None:
                    raise self._problem("The broker ended while it started.")
                if time.monotonic() - began > START_LIMIT.total_seconds():
                    raise self._problem(f"The broker was not ready within {START_LIMIT.total_seconds():.0f} s.")
                with let_through():
                    time.sleep(0.05)

    def _problem(self, happened: str) -> DemoError:
        last_lines = "\n".join(self.log().splitlines()[-15:])
        return DemoError(
            f"{happened} Its last words:\n{last_lines}\n",
            "It needs about 600 MB of free memory; or use a broker of your own with --address host:port.",
        )


def _every_partition_has_a_leader(client: httpx.Client) -> bool:
    """Whether the gateway knows where to send commands.

    A TCP connect succeeds earlier, and so does the readiness probe: a command then still ends with UNAVAILABLE
    "either it does not exist, or the gateway is not yet aware of it".
    """
    try:
        answer = client.get("/v2/topology")
    except httpx.TransportError:
        return False
    if answer.status_code != httpx.codes.OK:
        return False
    topology = answer.json()  # at first without the parts that are not known yet
    partitions = [partition for broker in topology.get("brokers", []) for partition in broker.get("partitions", [])]
    led = [partition for partition in partitions if partition.get("role") == "leader"]
    return 0 < len(led) == int(topology.get("partitionsCount", 0))


def _roomy_directory() -> str | None:
    """Memory-backed when there is room for a broker's data, 100 to 200 MB in a test; TMPDIR, where set, wins."""
    shm = Path("/dev/shm")  # noqa: S108
    if (
        "TMPDIR" not in os.environ
        and shm.is_dir()
        and os.access(shm, os.W_OK)
        and shutil.disk_usage(shm).free > 2_000_000_000
    ):
        return str(shm)
    return None


def free_ports(count: int) -> list[int]:
    """Distinct loopback ports that nobody listens on, below the range that outgoing connections use.

    A port of that range could be taken by somebody's connection while the server that owns it restarts.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(12_000, 32_000)  # noqa: S311
        if port not in ports and _is_free(port):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def main() -> None:
    """Start a broker, print its address, keep it until Ctrl-C: `python -m zeebe_mail.demo.engine`."""
    with ended_by(signal.SIGINT, signal.SIGTERM), held_back(), Broker(writes_start_cache=True) as broker:
        print(f"{broker.address} ready after {broker.start_time.total_seconds():.1f} s", flush=True)  # noqa: T201
        with let_through():
            threading.Event().wait()


if __name__ == "__main__":
    main()
