"""The import contracts in pyproject.toml fail when somebody breaks them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import zeebe_mail

PACKAGE = Path(zeebe_mail.__file__).parent
PROJECT = PACKAGE.parents[1] / "pyproject.toml"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package beside a copy of the contracts."""
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copy(PROJECT, folder)
    shutil.copytree(PACKAGE, folder / "zeebe_mail", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def lint(sources: Path) -> tuple[int, str]:
    """What import-linter says of the copy."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", "pyproject.toml"]
    environment = {**os.environ, "PYTHONPATH": str(sources)}
    done = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_contracts_hold(sources: Path) -> None:
    code, said = lint(sources)
    assert code == 0, said


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("jobs/outcome.py", "import grpc", "grpc and pyzeebe stay in zeebe/"),
        ("app.py", "import pyzeebe", "grpc and pyzeebe stay in zeebe/"),
        ("operations/base.py", "import smtplib", "mail libraries stay in mail/"),
        ("message/compose.py", "import jinja2", "jinja2 stays in message/render.py"),
        ("message/body.py", "import nh3", "nh3 stays in message/sanitize.py"),
        ("message/parse.py", "import icalendar", "icalendar stays where calendars are read and written"),
        ("mail/imap/session.py", "import imapclient", "imapclient stays in mail/imap/syntax.py"),
        ("mail/pop3/session.py", "import zeebe_mail.mail.imap.syntax", "each mail protocol is on its own"),
        ("operations/target.py", "import zeebe_mail.mail.imap.dialogue", "operations do not look inside a session"),
        ("mail/server.py", "import zeebe_mail.settings", "settings stop at app.py"),
        ("secrets.py", "import zeebe_mail.jobs.job", "imports point down"),
        ("mail/server.py", "import zeebe_mail.operations.base", "imports point down"),
        ("feel/values.py", "import zeebe_mail.errors", "feel/ depends on nothing else of ours"),
        ("stray.py", "", "imports point down"),
    ],
)
def test_an_import_against_a_contract_is_found(sources: Path, module: str, line: str, broken: str) -> None:
    file = sources / "zeebe_mail" / module
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n")
    try:
        code, said = lint(sources)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
    assert code != 0
    # A module that belongs to no layer stops the layers contract before it is judged.
    assert f"{broken} BROKEN" in said or (module == "stray.py" and "zeebe_mail.stray" in said), said
