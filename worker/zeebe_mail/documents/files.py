"""Files of this machine, from the folders that the operator allows and from nowhere else."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from zeebe_mail.documents.opened import CHUNK, Opened
from zeebe_mail.errors import FileMissing, FileNotAllowed

_HERE = ("", "localhost")  # RFC 8089, 2
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO must not wait for somebody who writes.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def local_path(written: str) -> str:
    """The path that a ``file:`` URI (RFC 8089) or a path stands for.

    Raises:
        ValueError: it is no absolute path of this machine, or has ``..`` in it.
    """
    path = written
    if written[:5].lower() == "file:":
        uri = urlsplit(written)
        if uri.netloc.lower() not in _HERE or uri.query or uri.fragment:
            raise ValueError("must be a file of the worker's machine, as in file:///srv/reports/a.pdf")
        path = unquote(uri.path, errors="strict")
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        raise ValueError("must not contain control characters")
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        raise ValueError("must be an absolute path of the worker's machine, as in /srv/reports/a.pdf")
    if ".." in path.split("/"):
        raise ValueError("must not contain `..`")
    return path


class Files:
    """The allowed folders. Links inside them may lead to other places inside them, and nowhere else."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = tuple(PurePosixPath(os.path.realpath(folder)) for folder in folders)

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[Opened]:
        """Begin to read a file; ``path`` is one that :func:`local_path` gave.

        Raises:
            FileNotAllowed: it is outside of the allowed folders, or a folder, device, pipe or the like.
            FileMissing: there is no such file, or it may not be read.
        """
        with closing(await asyncio.to_thread(self._opened, path)) as file:
            size = os.fstat(file.fileno()).st_size
            yield Opened(_chunks(file, path), size, name=PurePosixPath(path).name)

    def _opened(self, path: str) -> BinaryIO:
        """Where the path leads is found out first; the way there is then walked without following any link.

        Who puts a link into the way between these two steps makes the walk fail.
        """
        if not self._folders:
            raise FileNotAllowed(f'The file "{path}" may not be read: this worker reads no files.')
        try:
            target = PurePosixPath(os.path.realpath(path))
            folder = next((one for one in self._folders if target.is_relative_to(one)), None)
            if folder is None:
                raise FileNotAllowed(f'The file "{path}" is in none of the allowed folders.')
            return _walked(folder, target)
        except OSError as error:
            raise _explained(error, path) from error


@contextmanager
def entered(folder: PurePosixPath, steps: Iterable[str], *, create: bool = False) -> Iterator[int]:
    """The descriptor of a directory below a folder; the way there is walked without following any link.

    Args:
        create: make the directories that are missing.

    Raises:
        OSError: one of them is missing, a link or no directory, or may not be entered.
    """
    directory = os.open(folder, _DIRECTORY)
    try:
        for step in steps:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(step, dir_fd=directory)
            below = os.open(step, _DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
        yield directory
    finally:
        os.close(directory)


def _walked(folder: PurePosixPath, target: PurePosixPath) -> BinaryIO:
    *between, name = target.relative_to(folder).parts or (".",)
    with entered(folder, between) as directory:
        _require_file(os.stat(name, dir_fd=directory, follow_symlinks=False))  # before a device would be opened
        descriptor = os.open(name, _FILE, dir_fd=directory)
    try:
        _require_file(os.fstat(descriptor))
        return os.fdopen(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def _require_file(found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))


def _explained(error: OSError, path: str) -> FileMissing | FileNotAllowed:
    match error.errno:
        case errno.ENOENT:
            return FileMissing(f'There is no file "{path}" on the worker\'s machine.')
        case errno.ELOOP | errno.ENOTDIR:
            return FileNotAllowed(f'The file "{path}" is not opened: its path leads through a link or another file.')
        case errno.EISDIR | errno.ENXIO:
            return FileNotAllowed(f'"{path}" is no ordinary file.', next_step="Name a file.")
    return FileMissing(f'The file "{path}" cannot be read: {error.strerror}.')


async def _chunks(file: BinaryIO, path: str) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    except OSError as error:
        raise _explained(error, path) from error
