"""A server as a native process: found, started, waited for by its greeting, ended with all its children."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

import pytest

START_LIMIT_S = 15.0
SYSTEM_DIRECTORIES = ("/usr/sbin", "/sbin", "/usr/local/sbin")  # often missing from an ordinary user's PATH


def binary(name: str, package: str) -> str:
    """The path of a server's program; skips the test, naming the Debian package, where there is none."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_DIRECTORIES])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found


def needs_root(server: str) -> None:
    if os.geteuid() != 0:
        pytest.skip(f"{server} needs root to start its own instance")


def short_directory(prefix: str) -> Path:
    """A directory for sockets and mail: short (a Unix socket's path ends at 108 bytes) and open to other users.

    pytest's `tmp_path` is neither: mail processes run under a uid of their own.
    """
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    directory.chmod(0o755)
    return directory


def fill(template: str, values: Mapping[str, object]) -> str:
    """Put `values` in the place of every `@name@`."""
    for name, value in values.items():
        template = template.replace(f"@{name}@", str(value))
    return template


class EndedAtOnce(RuntimeError):
    """A server ended before it greeted."""


class Daemon:
    """What the servers have in common. A subclass makes its files in `self.directory` and calls `launch`."""

    greeting: bytes | None = b"* OK"
    """What the server says first; `None` where a connection is enough to know that it is there."""
    farewell = b"a LOGOUT\r\n"

    def __init__(self, prefix: str) -> None:
        self.directory = short_directory(prefix)
        self.process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def start(self) -> Self:
        """Start, and return when the server greets. May be called again after `stop`: same ports, same mail."""
        raise NotImplementedError

    def launch(self, command: Sequence[str], port: int, environment: Mapping[str, str] | None = None) -> Self:
        """Start it; once more where it ends at once, as it does when somebody has its port for a moment."""
        try:
            return self._launch(command, port, environment)
        except EndedAtOnce:
            time.sleep(1)
            return self._launch(command, port, environment)

    def _launch(self, command: Sequence[str], port: int, environment: Mapping[str, str] | None) -> Self:
        self._output = (self.directory / "output").open("ab")
        self.process = subprocess.Popen(
            command,
            cwd=self.directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._wait_for_greeting(port)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the process and its whole group; a client with an open session sees it closed.

        SIGTERM to the group's head alone leaves Dovecot's login processes up to 10 s, still serving.
        """
        if self.process is None:
            return
        head, self.process = self.process, None
        with contextlib.suppress(subprocess.TimeoutExpired):
            _signal_group(head, signal.SIGTERM)
            head.wait(10)
        _signal_group(head, signal.SIGKILL)
        head.wait()
        if self._output is not None:
            self._output.close()

    def kill(self) -> None:
        """End the process group without any farewell."""
        if self.process is not None:
            _signal_group(self.process, signal.SIGKILL)
            self.stop()

    def close(self) -> None:
        """Stop, and remove the server's files."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """What the server has written, its log file included."""
        files = [*sorted(self.directory.glob("*.log")), self.directory / "output"]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait_for_greeting(self, port: int) -> None:
        until = time.monotonic() + START_LIMIT_S
        while not self._greets(port):
            if self.process is None or self.process.poll() is not None:
                raise EndedAtOnce(f"{type(self).__name__} ended while it started:\n{self.log()}")
            if time.monotonic() > until:
                raise TimeoutError(f"{type(self).__name__} did not answer within {START_LIMIT_S} s:\n{self.log()}")
            time.sleep(0.005)

    def _greets(self, port: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                if self.greeting is None:
                    return True
                connection.settimeout(5)
                greets = connection.recv(512).startswith(self.greeting)
                connection.sendall(self.farewell)
                return greets
        except OSError:
            return False


def _signal_group(head: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of it has ended
        os.killpg(head.pid, number)
