"""Where a SQLite ledger may be: on a disk of this machine, in a folder that can be written to."""

from __future__ import annotations

import os
import re
from pathlib import Path

NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|glusterfs|lustre|gpfs|beegfs|ocfs2|gfs2|9p|ncpfs|davfs|"
    r"fuse\.(?:sshfs|s3fs|rclone|glusterfs|davfs\w*|gcsfuse|blobfuse\d?|ceph\S*)"
)
"""File systems on which several machines may be at one file, or whose locks and syncs cannot be relied on."""

BALLAST_BYTES = 4 * 1024 * 1024


class PlaceError(Exception):
    """The ledger cannot be kept there; the message is for the operator."""


def default_place() -> Path:
    """Where this user's state belongs (XDG Base Directory Specification)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "zeebe-mail" / "ledger.db"


def prepare(file: Path) -> None:
    """Make the folder, and see that the file can be read and written to there.

    Raises:
        PlaceError: it cannot, or the folder is on a network file system.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if kind := network_file_system(file.parent):
            raise PlaceError(f"{file.parent} is on a network file system ({kind}), where SQLite is not safe")
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise PlaceError(f"{error.filename or file}: {error.strerror}") from error


def network_file_system(folder: Path, mounts: str | None = None) -> str | None:
    """The kind of the network file system that a folder is on; None on others, and where nobody can tell.

    Args:
        mounts: what to look in, instead of this process's ``/proc/self/mountinfo``.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
        except OSError:
            return None
    place, found = folder.resolve(), ("", "")
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        if place.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, right.split()[0])
    return found[1] if NETWORK.fullmatch(found[1]) else None


class Ballast:
    """Space beside the ledger that is given up when the disk is full, so that what was sent can still be recorded."""

    def __init__(self, file: Path, size: int = BALLAST_BYTES) -> None:
        self._file = file.with_name(f"{file.name}-ballast")
        self._size = size

    def take(self) -> bool:
        """Occupy the space; false where there is not enough for all of it."""
        try:
            if self._file.exists() and self._file.stat().st_size == self._size:
                return True
            with self._file.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError:
            self.drop()
            return False
        return True

    def drop(self) -> bool:
        """Give the space up; false where there was none."""
        try:
            self._file.unlink()
        except OSError:
            return False
        return True
