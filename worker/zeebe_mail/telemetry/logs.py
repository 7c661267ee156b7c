"""Log lines: JSON for machines, a readable form on a terminal; secrets masked, control characters escaped."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

LONGEST_VALUE = 2000  # characters

LogFormat = Literal["auto", "json", "text"]


def configure_logs(*, level: str, log_format: LogFormat, mask: Callable[[Any], Any]) -> None:
    """Send all log lines of the process, libraries' too, to standard error in one form; ``mask`` hides secrets."""

    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: _harmless(mask(value)) for key, value in event.items()}

    as_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if as_text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
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
    root.setLevel(level.upper())
    # These two print protocol lines at debug level; ours say the same without what must not be seen.
    for chatty in ("asyncio", "httpx", "httpcore", "grpc", "mail"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


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
