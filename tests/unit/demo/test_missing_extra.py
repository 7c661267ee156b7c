"""What a person is told who has installed zeebe-mail without what the demo needs."""

import sys

import pytest
from typer.testing import CliRunner

from zeebe_mail.cli import app


def test_the_way_to_install_it_is_one_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeebe_mail.demo.story", None)

    result = CliRunner().invoke(app, ["demo"])

    assert result.exit_code == 2
    assert "pip install '.[demo]' in the clone" in result.output
