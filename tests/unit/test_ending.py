"""What signals do, and when."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zeebe_mail.ending import ended_by, held_back, let_through, run

EXIT_CODE = 128 + signal.SIGTERM


@pytest.fixture(autouse=True)
def sigterm_ends() -> Iterator[None]:
    with ended_by(signal.SIGTERM):
        yield


def test_a_signal_ends_as_an_exception() -> None:
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == EXIT_CODE


def test_a_signal_that_is_held_back_takes_effect_after_the_block() -> None:
    reached = []

    def make_something() -> None:
        with held_back():
            signal.raise_signal(signal.SIGTERM)
            reached.append("the end of the block")

    with pytest.raises(SystemExit):
        make_something()
    assert reached == ["the end of the block"]


def test_a_wait_ends_for_a_signal_that_came_before_it_and_no_other_disturbs_what_is_cleaned_up() -> None:
    reached = []

    def wait() -> None:
        with held_back():
            signal.raise_signal(signal.SIGTERM)
            try:
                with let_through():
                    reached.append("the wait")
            finally:
                signal.raise_signal(signal.SIGTERM)
                reached.append("the end of the cleaning up")

    with pytest.raises(SystemExit) as end:
        wait()
    assert end.value.code == EXIT_CODE
    assert reached == ["the end of the cleaning up"]


def test_a_signal_that_something_swallowed_ends_the_wait_late_and_not_never() -> None:
    def wait() -> None:
        with let_through(), contextlib.suppress(BaseException):  # as for what a destructor raises
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit):
        wait()


def test_a_signal_counts_for_more_than_the_error_it_meets() -> None:
    def fail() -> None:
        with held_back():
            signal.raise_signal(signal.SIGTERM)
            raise LookupError

    with pytest.raises(SystemExit):
        fail()


def test_a_signal_that_the_caller_had_us_ignore_stays_ignored() -> None:
    with ended_by(signal.SIGTERM, afterwards=signal.SIG_IGN):
        pass
    with ended_by(signal.SIGTERM):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_cancels_what_runs_in_the_event_loop() -> None:
    reached = []

    async def wait() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            reached.append("the end of the cleaning up")

    with pytest.raises(SystemExit) as end:
        run(wait())
    assert end.value.code == EXIT_CODE
    assert reached == ["the end of the cleaning up"]


def test_a_signal_that_came_before_the_event_loop_cancels_what_runs_there() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    def begin() -> None:
        with held_back():
            signal.raise_signal(signal.SIGTERM)
            run(wait())

    with pytest.raises(SystemExit):
        begin()


def test_what_runs_in_the_event_loop_gives_its_result() -> None:
    assert run(asyncio.sleep(0, "the result")) == "the result"


def test_ctrl_c_while_a_class_is_made_is_an_exit_code_and_no_death_by_signal(tmp_path: Path) -> None:
    """A KeyboardInterrupt in `exec` of a string, which makes dataclasses, would let `python -m` end by SIGINT."""
    (tmp_path / "interrupted.py").write_text(
        "import signal\n"
        "from zeebe_mail.ending import ended_by\n"
        "with ended_by(signal.SIGINT):\n"
        "    exec('signal.raise_signal(signal.SIGINT)')\n"
    )
    done = subprocess.run([sys.executable, "-m", "interrupted"], env={"PYTHONPATH": path(tmp_path)}, check=False)
    assert done.returncode == 128 + signal.SIGINT


def path(first: Path) -> str:
    return os.pathsep.join([str(first), *sys.path])
