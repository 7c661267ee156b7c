"""Files that mail templates bring: pictures and attachments of the operator's directory, and nothing outside of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from zeebe_mail.documents.files import Files
from zeebe_mail.documents.opened import Opened
from zeebe_mail.errors import FileMissing, FileNotAllowed
from zeebe_mail.message.charsets import printable


class TemplateFiles:
    """The directory of mail templates. Links inside it may lead to other places inside it."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory or Path()
        self._files = Files([] if directory is None else [directory])

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[Opened]:
        """Begin to read a file; ``path`` is one from the directory.

        Raises:
            FileNotAllowed: it is outside of the directory, or a folder, device, pipe or the like.
            FileMissing: there is no such file, or it may not be read.
        """
        try:
            async with self._files.open(str(self._directory.absolute() / path)) as opened:
                yield opened
        except FileNotAllowed as error:
            raise FileNotAllowed(
                f'The mail template\'s "{printable(path)}" is no ordinary file within the directory of templates.',
                next_step="Let the operator put the file itself into ZEEBE_MAIL_TEMPLATES_DIR, or remove this one.",
            ) from error
        except FileMissing as error:
            raise FileMissing(
                f'The mail template\'s file "{printable(path)}" cannot be read.',
                next_step="Let the operator give the worker's user the right to read it in ZEEBE_MAIL_TEMPLATES_DIR.",
            ) from error
