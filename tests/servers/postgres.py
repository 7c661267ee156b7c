"""A PostgreSQL of our own on a free port, without any safety that a test does not need."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zeebe_mail.demo.engine import free_ports

USER = "postgres"  # the server does not run as root


def programs() -> Path | None:
    """The folder of its programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else found[-1].parent if found else None


@contextlib.contextmanager
def postgres() -> Iterator["Postgres"]:
    """A running server with one empty database; skips where PostgreSQL is not installed."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory() as folder:
        own = Postgres(found, Path(folder))
        own.start()
        try:
            yield own
        finally:
            own.stop()


class Postgres:
    """One server; it can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self._programs = programs
        self._data = folder / "data"
        self._as: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
            folder.chmod(0o755)
            self._as = ["runuser", "-u", USER, "--"]
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={USER}", "--encoding=UTF8", str(self._data))

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._data}"
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", str(self._data / "log"), "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/")
