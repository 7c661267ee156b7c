"""Folders of this machine into which tasks may write files: those that the operator allows, and none else."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from zeebe_mail.documents.files import entered
from zeebe_mail.errors import DocumentNotStored, FileNotAllowed

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NAMES = 1000  # files of one name in one folder
_ALLOW = "Use another folder, or let the operator allow it in ZEEBE_MAIL_DOWNLOAD_DIRS."


class DownloadFolders:
    """The allowed folders. Links inside them may lead to other places inside them, and nowhere else."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = tuple(PurePosixPath(os.path.realpath(folder)) for folder in folders)

    async def save(self, folder: str, name: str, content: bytes) -> str:
        """Write a file that nobody ever sees in parts; the path that it has.

        No file is overwritten: where another has the name, it gets a number. One that has the name and says the same
        is taken for the work of an earlier try.

        Args:
            folder: a path that :func:`~zeebe_mail.documents.files.local_path` gave; it is made where it is missing.
            name: a file name, safe for any system.

        Raises:
            FileNotAllowed: the folder is outside of the allowed ones, or its path leads through a link or a file.
            DocumentNotStored: it cannot be written there.
        """
        return await asyncio.to_thread(self._saved, folder, name, content)

    def _saved(self, folder: str, name: str, content: bytes) -> str:
        if not self._folders:
            raise FileNotAllowed(
                f'Nothing may be written to "{folder}": this worker writes no files.', next_step=_ALLOW
            )
        target = PurePosixPath(os.path.realpath(folder))
        allowed = next((one for one in self._folders if target.is_relative_to(one)), None)
        if allowed is None:
            raise FileNotAllowed(f'The folder "{folder}" is below none of the allowed ones.', next_step=_ALLOW)
        try:
            with entered(allowed, target.relative_to(allowed).parts, create=True) as directory:
                return str(target / _written(directory, name, content))
        except OSError as error:
            raise _explained(error, folder) from error


def _written(directory: int, name: str, content: bytes) -> str:
    unfinished = f".{secrets.token_hex(8)}.part"
    with os.fdopen(os.open(unfinished, _NEW, 0o666, dir_fd=directory), "wb") as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            for candidate in _names(name):
                with suppress(FileExistsError):
                    os.link(unfinished, candidate, src_dir_fd=directory, dst_dir_fd=directory)
                    return candidate
                if _says(directory, candidate, content):
                    return candidate
            raise FileExistsError(errno.EEXIST, "there are too many files of this name")
        finally:
            os.unlink(unfinished, dir_fd=directory)


def _names(name: str) -> Iterator[str]:
    yield name
    stem, dot, extension = name.rpartition(".")
    for number in range(2, _NAMES):
        yield f"{stem} ({number}){dot}{extension}" if stem else f"{name} ({number})"


def _says(directory: int, name: str, content: bytes) -> bool:
    """Whether a file is there and has this content."""
    try:
        with os.fdopen(os.open(name, _OLD, dir_fd=directory), "rb") as file:
            return os.fstat(file.fileno()).st_size == len(content) and file.read(len(content) + 1) == content
    except OSError:
        return False


def _explained(error: OSError, folder: str) -> FileNotAllowed | DocumentNotStored:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return FileNotAllowed(
            f'Nothing is written to "{folder}": its path leads through a link or a file.', next_step="Name a folder."
        )
    return DocumentNotStored(
        f'The file was not written to "{folder}": {error.strerror}.',
        next_step="Check the folder's rights and its free space.",
    )
