"""The broker's distribution: resolved by coordinate, checked against a pinned hash, unpacked once per user.

The broker is under the Camunda License: it is fetched on the user's machine and never shipped with us.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from zeebe_mail.demo.error import DemoError
from zeebe_mail.ending import let_through

GROUP, ARTIFACT, VERSION = "io.camunda", "camunda-zeebe", "8.6.0"
SHA256 = "5c699e86a6c9d290dd7b1f0b2ea648fb57fd1dacf1cab22c874219e58827ea45"
UNPACKED_BYTES = 307_000_000
NEEDED_BYTES = 2 * UNPACKED_BYTES + 200_000_000  # archive, unpacked files and the start-up cache

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Called with file name and size in bytes; the context's value is called with the bytes of every piece."""


def cache_dir() -> Path:
    """Where downloads stay between runs: `zeebe-mail` in the user's cache directory (XDG_CACHE_HOME moves it)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "zeebe-mail"


def installed() -> Path | None:
    """The unpacked distribution, or `None` when `install` would have to fetch it."""
    home = _home()
    return home if home.is_dir() else None


def install(progress: Progress | None = None) -> Path:
    """Return the unpacked distribution, fetching it when it is not there yet (299 MB, once per user).

    Several processes may call this at the same time: one fetches, the others wait for it.

    Raises:
        DemoError: the cache cannot be written, nothing could be fetched, or what came is not what was pinned.
    """
    if home := installed():
        return home
    with _only_one_process():
        return installed() or _fetch_and_unpack(progress)


def _home() -> Path:
    return cache_dir() / f"{ARTIFACT}-{VERSION}"


@contextlib.contextmanager
def _only_one_process() -> Iterator[None]:
    cache = cache_dir()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "install.lock").open("w")
    except OSError as error:
        raise DemoError(
            f"The cache directory {cache} cannot be written ({error.strerror}).",
            "Set XDG_CACHE_HOME to a directory that can.",
        ) from error
    with lock:
        with let_through():
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_and_unpack(progress: Progress | None) -> Path:
    cache = cache_dir()
    if (free := shutil.disk_usage(cache).free) < NEEDED_BYTES:
        raise DemoError(
            f"The broker needs {NEEDED_BYTES // 1_000_000} MB in {cache}, and {free // 1_000_000} MB are free.",
            "Make room, or set XDG_CACHE_HOME to a directory on another disk.",
        )
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache) as work, let_through():
        archive = _fetch(Path(work), progress)
        _check(archive)
        _unpack(archive, Path(work))
        (Path(work) / _home().name).rename(_home())
    return _home()


def _fetch(into: Path, progress: Progress | None) -> Path:
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver

    logging.getLogger("jgo").setLevel(logging.ERROR)
    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=into / "repository",
        remote_repos=GlobalSettings.load().repositories or None,
        timeout=30,
    )
    artifact = context.project(GROUP, ARTIFACT).at_version(VERSION).artifact(packaging="tar.gz")
    try:
        resolved = artifact.resolve()
    except (RuntimeError, OSError) as error:
        raise DemoError(
            f"The broker {GROUP}:{ARTIFACT}:{VERSION}:tar.gz could not be fetched ({error}).",
            "Check the network; for a mirror of Maven Central name it in jgo's configuration ([repositories] in "
            "~/.config/jgo.conf); or use a broker of your own with --address host:port, or --engine docker.",
        ) from error
    return Path(resolved)


def _check(archive: Path) -> None:
    with archive.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != SHA256:
        raise DemoError(
            f"The downloaded broker has the SHA-256 {got} instead of {SHA256}, so it was thrown away.",
            "Try again; if it stays so, the mirror that serves it changed the file: do not use it.",
        )


def _unpack(archive: Path, into: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(into, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise DemoError(f"The broker could not be unpacked into {into.parent} ({error}).", "Try again.") from error
