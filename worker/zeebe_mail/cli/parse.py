"""`zeebe-mail parse`: what a process would get of a mail."""

import asyncio
import sys
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from zeebe_mail.message.parse import MESSAGE_LIMIT, parse_header, too_large
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.reader import Reader

__all__ = ["parse"]


def parse(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE…", help="Messages (.eml); `-`, or none, reads standard input.", show_default=False
        ),
    ] = None,
    original_html: Annotated[
        bool,
        typer.Option("--original-html", help="Give htmlBody as it was written, and the sanitised copy as safeHtml."),
    ] = False,
) -> None:
    """Print what a process would get of each mail: one JSON object a line, `file` first.

    It goes on after a file that cannot be read; that line says why in parseError.

    Ends with status 1 if a file could not be read, or not all of its message.
    """
    if not asyncio.run(_print_all(files or ["-"], original_html=original_html)):
        raise typer.Exit(1)


async def _print_all(files: list[str], *, original_html: bool) -> bool:
    reader = Reader(children=1)
    complete = True
    try:
        for file in files:
            message = await _read(reader, file)
            complete = complete and message.parse_error is None
            _print({"file": file, **message.as_json(original_html=original_html)})
    finally:
        await reader.aclose()
    return complete


async def _read(reader: Reader, file: str) -> ParsedMessage:
    try:
        size, raw = await asyncio.to_thread(_bytes, file)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return ParsedMessage(size=0, parse_error=f"The file could not be read: {reason}.")
    if size > MESSAGE_LIMIT:
        return parse_header(raw, parse_error=too_large(size))
    return await reader.read(raw)


def _bytes(file: str) -> tuple[int, bytes]:
    """The size of a message, and as much of it as is read of any."""
    if file == "-":
        raw = sys.stdin.buffer.read(MESSAGE_LIMIT + 1)
        return len(raw), raw
    path = Path(file)
    with path.open("rb") as stream:
        raw = stream.read(MESSAGE_LIMIT + 1)
    return max(len(raw), path.stat().st_size), raw


def _print(line: dict[str, Any]) -> None:
    # File names need not be UTF-8, and then hold halves of characters; the line must be whole.
    text = dumps(line, ensure_ascii=False).encode("utf-8", errors="replace")
    sys.stdout.buffer.write(text + b"\n")
    sys.stdout.buffer.flush()
