"""Log lines: one line an event, no secret, no control character, and nothing breaks when nobody reads."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from zeebe_mail.secrets import Redactor
from zeebe_mail.telemetry.logs import LONGEST_VALUE, configure_logs


class Written:
    """What has been written to standard error."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text


@pytest.fixture
def stream(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Written(capsys)
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def begin(log_format: str = "json", level: str = "info", secret: str = "") -> Any:
    redactor = Redactor()
    redactor.add(secret)
    configure_logs(level=level, log_format=log_format, mask=redactor.data)  # type: ignore[arg-type]
    return structlog.get_logger("test")


def test_a_line_has_level_time_and_fields(stream: Written) -> None:
    begin().info("job answered", action="job_completed", job_key=7, took_ms=1.5)
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "job answered",
        "level": "info",
        "action": "job_completed",
        "job_key": 7,
        "took_ms": 1.5,
    }


def test_what_is_less_important_than_the_level_is_not_written(stream: Written) -> None:
    log = begin(level="warning")
    log.info("quiet")
    logging.getLogger("some.library").info("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("text", ["a\r\nb", "\x1b[31mred", "bell\x07", "nul\0", "line\u2028separator", "\u202ertl"])
def test_no_control_character_reaches_a_terminal_or_breaks_a_line(stream: Written, log_format: str, text: str) -> None:
    begin(log_format).info("said", reason=text)
    written = stream.getvalue().rstrip("\n")
    if log_format == "json":
        assert "\n" not in written
    plain = written.replace("\x1b[0m", "")
    assert not any(one in plain for one in ("\r", "\x07", "\0", "\u2028", "\u202e", "\x1b[31mred"))


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_secret_is_in_a_line_a_traceback_or_a_librarys_line(stream: Written, log_format: str) -> None:
    log = begin(log_format, secret="hunter2")
    log.info("hunter2", reason="x hunter2 y", many=["hunter2", {"a": "hunter2"}])
    try:
        password = "hunter2"
        raise ValueError(f"cannot log in with {password}")
    except ValueError as error:
        log.error("bug", exc_info=error)
        logging.getLogger("some.library").exception("failed with %s", "hunter2")
    assert "ValueError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_an_endless_value_is_cut(stream: Written) -> None:
    begin().info("said", reason="x" * 100_000)
    assert len(stream.getvalue()) < LONGEST_VALUE + 300
    assert "(100000 characters)" in json.loads(stream.getvalue())["reason"]


def test_a_reader_that_went_away_costs_lines_and_nothing_else(stream: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    log = begin()
    for gone in (Gone(), None):
        monkeypatch.setattr(sys, "stderr", gone)
        log.info("nobody reads this")
