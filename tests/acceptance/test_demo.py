"""`zeebe-mail demo` as a person runs it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers.broker import Gateway, needs_broker
from tests.servers.daemon import short_directory

pytestmark = pytest.mark.live

INTERRUPTED_MODULE = """
import signal, sys
exec("signal.raise_signal(signal.SIGINT)")
del sys.path[0], sys.modules[__name__]
__import__(__name__)
"""

Demo = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def demo() -> Iterator[Demo]:
    """Starts `zeebe-mail demo` with the given arguments; one that still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "zeebe_mail", "demo", *arguments],
            env={**os.environ, "COLUMNS": "120", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read the demo's output up to the line with `text`."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"the demo ended without {text!r}:\n{seen}")


def wait_until_gone(children: list[psutil.Process], files: Path) -> None:
    until = time.monotonic() + 10
    while any(child.is_running() for child in children) or any(files.iterdir()):
        assert time.monotonic() < until, f"left behind: {children}, {list(files.iterdir())}"
        time.sleep(0.05)


def wait_for_broker(process: subprocess.Popen[str]) -> psutil.Process:
    until = time.monotonic() + 20
    while True:
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # ended between the list and the look
                if any("StandaloneBroker" in part for part in child.cmdline()):
                    return child
        assert time.monotonic() < until, "no broker was started"
        time.sleep(0.01)


def test_the_demo_sends_a_mail_and_shows_it(demo: Demo) -> None:
    needs_broker()
    process = demo()
    output, _ = process.communicate(timeout=150)

    assert process.returncode == 0, output
    assert "Subject: Welcome, Ada" in output
    assert "with ESMTPSA" in output, "TLS and AUTH"
    assert '"welcomeMail"' in output
    assert '"accepted"' in output


def test_ctrl_c_ends_everything_the_demo_started(demo: Demo, broker: Gateway) -> None:
    files = short_directory("demo-")
    process = demo("--keep", "--address", broker.address, TMPDIR=str(files))
    wait_for(process, "Start again")
    children = psutil.Process(process.pid).children(recursive=True)
    assert children, "the worker runs"
    assert any(files.iterdir()), "the demo has files"

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    wait_until_gone(children, files)
    files.rmdir()


def test_a_worker_that_ends_while_the_demo_stays_is_said(demo: Demo, broker: Gateway) -> None:
    process = demo("--keep", "--address", broker.address)
    wait_for(process, "Start again")
    for child in psutil.Process(process.pid).children():
        child.kill()

    wait_for(process, "The worker has ended")

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_stopped_while_the_broker_starts_leaves_nothing(demo: Demo, number: signal.Signals) -> None:
    needs_broker()
    process = demo()
    broker = wait_for_broker(process)

    process.send_signal(number)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 128 + number, output
    assert "Traceback" not in output
    assert not broker.is_running()


def test_ctrl_c_while_a_class_is_made_ends_the_demo_with_its_exit_code(demo: Demo, tmp_path: Path) -> None:
    """httpx brings in httpcore, full of dataclasses, while the broker starts; here Ctrl-C comes from its midst."""
    needs_broker()
    files = short_directory("demo-")
    (tmp_path / "httpcore.py").write_text(INTERRUPTED_MODULE)
    process = demo(PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]), TMPDIR=str(files))

    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert using(files) == []
    files.rmdir()


def using(files: Path) -> list[psutil.Process]:
    """Processes that were told of this directory, as brokers are."""
    return [one for one in psutil.process_iter(["cmdline"]) if str(files) in " ".join(one.info["cmdline"] or [])]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed: apt-get install util-linux")
def test_a_demo_that_is_killed_takes_broker_and_worker_with_it(demo: Demo, tmp_path: Path) -> None:
    needs_broker()
    process = demo("--keep", TMPDIR=str(tmp_path))
    wait_for(process, "Start again")
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2, "broker and worker"

    process.kill()
    _, alive = psutil.wait_procs(children, timeout=30)

    assert alive == []


def test_a_wrong_address_is_said_in_one_sentence(demo: Demo) -> None:
    process = demo("--address", "nowhere")
    output, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "Traceback" not in output
    assert "nowhere" in output


def test_a_missing_docker_engine_is_said_in_one_sentence(demo: Demo, tmp_path: Path) -> None:
    process = demo("--engine", "docker", PATH=str(tmp_path))
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "Traceback" not in output
    assert "leave out --engine docker" in output
