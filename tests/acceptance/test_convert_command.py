"""`zeebe-mail convert`, as it is typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.foreign_models import camunda_inputs, camunda_model

MAIL = {"from": "shop@x.test", "to": "=customer", "subject": "Order", "body": "Hello"}
SERVER = {"host": "smtp.x.test", "port": "=587", "username": "shop", "password": "{{secrets.PASSWORD}}"}


def command(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "zeebe_mail", "convert", *map(str, arguments)], capture_output=True, check=False
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "order.bpmn"
    path.write_bytes(camunda_model("order", 6, camunda_inputs(6, "sendEmailSmtp", MAIL, SERVER)))
    return path


def test_the_model_goes_to_standard_output_and_the_report_beside_it(model: Path) -> None:
    before = model.read_bytes()
    done = command(model)
    assert (done.returncode, model.read_bytes()) == (0, before)
    assert b'type="mail:smtp-send:1"' in done.stdout
    assert 'task ("Größe & Maß") is mail:smtp-send:1 now' in done.stderr.decode()


def test_the_model_can_take_its_own_place(model: Path) -> None:
    once = command(model, "--out", model)
    assert (once.returncode, once.stdout) == (0, b"")
    again = command(model, "--out", model)
    assert (again.returncode, b"no task of" in again.stderr) == (0, True)


def test_what_stays_is_told_with_the_reason(model: Path) -> None:
    model.write_bytes(model.read_bytes().replace(b'source="PLAIN"', b'source="=kind"'))
    done = command(model)
    assert (done.returncode, done.stdout) == (1, model.read_bytes())
    assert b"stays io.camunda:email:1" in done.stderr
    assert b"gateway" in done.stderr


def test_what_is_no_model_stays_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "order.bpmn"
    path.write_bytes(b"<a/>")
    done = command(path, "--out", path)
    assert (done.returncode, path.read_bytes()) == (2, b"<a/>")
    assert b"order.bpmn is no BPMN 2.0" in done.stderr


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = command(tmp_path / "none.bpmn")
    assert (done.returncode, b"No such file" in done.stderr) == (2, True)
