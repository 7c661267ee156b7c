"""Log lines: JSON for machines, a readable form on a terminal; secrets masked, control characters escaped."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

LONGEST_VALUE = 2000  # characters

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

LogFormat = Literal["auto", "json", "text"]


def configure_logs(*, level: str, log_format: LogFormat, mask: Callable[[Any], Any]) -> None:
    """Send all log lines of the process, libraries' too, to standard error in one form; ``mask`` hides secrets."""

    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: _harmless(mask(value)) for key, value in event.items()}

    as_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    # Never the console's rich tracebacks: they print local variables, passwords too.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = console if as_text else structlog.processors.JSONRenderer()
    shared: list[Any] = [
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.add_log_level,
        _add_time,
    ]
    # Our own lines, one a job, go straight to the stream: the detour over the standard library costs three times as
    # much. Only what libraries log takes it.
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Unbreakable())),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    # Libraries print protocol lines at debug level; ours say the same without what must not be seen.
    for chatty in ("asyncio", "httpx", "httpcore", "grpc", "mail"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, LEVELS[level]))


class _Unbreakable:
    """Standard error, but a full disk or a reader that went away costs log lines and nothing else."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()


def _add_time(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return event


def _harmless(value: Any) -> Any:
    """A server's or a stranger's text must not break a line, a terminal or a budget."""
    if not isinstance(value, str):
        return value
    if len(value) > LONGEST_VALUE:
        value = f"{value[:LONGEST_VALUE]}… ({len(value)} characters)"
    return value if value.isprintable() else "".join(_visible(one) for one in value)


def _visible(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
