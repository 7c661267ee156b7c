"""The second opinion: Camunda's 8.8 engine in memory, wrapped for loopback and long polling. Functions, not load.

It differs from a broker: one partition, no persistence, no REST, no back-pressure; tenant ids and the variables of
FailJob are ignored, the `tenantId` of a job is empty, and job streams need `tenantIds=["<default>"]`.
"""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest

from zeebe_mail.demo.distribution import cache_dir
from zeebe_mail.demo.engine import LOOPBACK, free_ports
from zeebe_mail.demo.error import DemoError
from zeebe_mail.demo.java import Java, find_java

SOURCES = Path(__file__).parent / "memory"
VERSION = "8.8.21"
MAIN_CLASS = "Engine"
MAVEN_LIMIT_S = 300


class MemoryEngine:
    """One engine on `address`; its state ends with it. Takes 1.3 s to start."""

    def __init__(self) -> None:
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        java, jars = needs_memory_engine()
        self._process = subprocess.Popen(
            [
                *[str(java.executable), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
                *["-cp", f"{jars / 'classes'}:{jars}/*", MAIN_CLASS, str(self._port)],
            ],
            stdin=subprocess.PIPE,  # Its end stops the engine: none outlives us.
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        while not (line := self._read()).startswith("READY"):
            assert line, "the engine ended while it started"

    def stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def advance(self, by: timedelta) -> None:
        """Move the engine's clock forward; it cannot go back."""
        self._ask(f"time {int(by.total_seconds() * 1000)}")

    def wait_until_idle(self, limit: timedelta = timedelta(seconds=5)) -> None:
        """Wait until the engine has nothing left to do."""
        self._ask(f"idle {int(limit.total_seconds() * 1000)}")

    def records(self) -> list[str]:
        """Everything that has happened, one JSON text for each record."""
        return self._ask("records x")

    def _ask(self, command: str) -> list[str]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        lines = []
        while not (line := self._read()).startswith("OK"):
            if not line or line.startswith("ERR"):
                raise RuntimeError(f"{command}: {line or 'the engine has ended'}")
            lines.append(line.rstrip("\n"))
        return lines

    def _read(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def needs_memory_engine() -> tuple[Java, Path]:
    """The Java and the directory of jars it runs with, made at the first use; skips where they cannot be had."""
    try:
        java = find_java()
    except DemoError as error:
        pytest.skip(str(error))
    if shutil.which("mvn") is None:
        pytest.skip("mvn is not installed: apt-get install maven")
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(SOURCES.iterdir()))).hexdigest()[:12]
    jars = cache_dir() / f"memory-engine-{VERSION}-{wanted}"
    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        pytest.skip(f"the cache directory {cache_dir()} cannot be written: {error.strerror}")
    with (cache_dir() / "memory-engine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            _make(java, jars)
    return java, jars


def _make(java: Java, jars: Path) -> None:
    with tempfile.TemporaryDirectory(dir=jars.parent) as work:
        fetched = Path(work) / "jars"
        command = ["mvn", "-q", "-B", "-f", str(SOURCES / "pom.xml"), "dependency:copy-dependencies"]
        maven = subprocess.run(
            [*command, f"-DoutputDirectory={fetched}"], capture_output=True, text=True, timeout=MAVEN_LIMIT_S
        )
        if maven.returncode != 0:
            pytest.skip(f"Maven could not fetch the in-memory engine: {maven.stdout[-500:]}")
        _check(fetched)
        # A compiler from a jar: the Java that runs brokers may have none of its own.
        compiler = [str(java.executable), "-cp", f"{fetched}/*", "org.eclipse.jdt.internal.compiler.batch.Main"]
        path = ":".join(map(str, fetched.glob("*.jar")))
        options = ["-nowarn", "-source", "21", "-target", "21", "-cp", path, "-d", str(fetched / "classes")]
        subprocess.run([*compiler, *options, str(SOURCES / "Engine.java")], check=True)
        fetched.rename(jars)


def _check(fetched: Path) -> None:
    pinned = dict(reversed(line.split()) for line in (SOURCES / "jars.sha256").read_text().splitlines())
    got = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in fetched.glob("*.jar")}
    assert got == pinned, f"not what was pinned: {dict(got.items() ^ pinned.items())}"
