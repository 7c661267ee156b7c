"""Servers that cannot be installed beside Dovecot: their packages unpacked into the cache, and started over `/usr`.

Debian's mail servers exclude each other, so nothing is installed: `apt-get` only downloads what this machine lacks,
and the server runs in a mount namespace of its own in which its files lie over `/usr` and `/etc`.
"""

import fcntl
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers.daemon import needs_root
from zeebe_mail.demo.distribution import cache_dir

DOWNLOAD_LIMIT_S = 300


def unpacked(name: str, packages: Sequence[str]) -> Path:
    """The directory with the packages and what they need; skips the test where it cannot be had."""
    needs_root(name)
    _needs_overlays(name)
    target = cache_dir() / f"{name}-unpacked"
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _unpack(name, packages, target)
    return target


def over_system(root: Path, script: str, *arguments: str) -> list[str]:
    """The command that runs a shell script with `root` over `/usr` and `/etc`, and an empty `/run`."""
    mounts = "".join(
        f'mount -t overlay overlay -o "lowerdir={root}/{part}:/{part}" /{part}\n' for part in ("usr", "etc")
    )
    started = f"trap exit TERM\n{mounts}mount -t tmpfs tmpfs /run\n({script}) &\nwait $!"
    # Processes of their own, too: all of them end with the first one, whatever groups they made for themselves.
    return ["unshare", "--mount", "--pid", "--fork", "sh", "-ec", started, "sh", *arguments]


def _needs_overlays(name: str) -> None:
    probe = ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", "lowerdir=/usr:/etc", "/usr"]
    try:
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{name} needs unshare: apt-get install util-linux")
    if done.returncode != 0:
        pytest.skip(f"{name} needs a mount namespace of its own, which is refused here: {done.stderr.strip()}")


def _unpack(name: str, packages: Sequence[str], target: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip(f"{name} comes from Debian's packages, and this machine has no apt-get")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    archives = partial / "archives"
    (archives / "partial").mkdir(parents=True)
    download = ["install", "--download-only", "--yes", "--no-install-recommends", *packages]
    where = ["-o", f"Dir::Cache::archives={archives}/", "-o", "APT::Sandbox::User=root"]
    for command in (["update"], [*where, *download]):
        done = subprocess.run(
            ["apt-get", "-qq", *command], capture_output=True, text=True, check=False, timeout=DOWNLOAD_LIMIT_S
        )
        if done.returncode != 0:
            pytest.skip(f"{name} cannot be downloaded: {done.stderr.strip()}")
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", archive, partial], check=True)
    # The system's own /lib is a link into /usr, so what a package puts there must be found there.
    shutil.copytree(partial / "lib", partial / "usr/lib", symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(archives)
    partial.replace(target)
