"""`zeebe-mail parse`: one line for each file, whatever is in it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MAIL = b"From: a@example.org\nSubject: =?utf-8?q?f=C3=BCr?=\nContent-Type: text/html\n\n<p onclick=x>Hi</p>"


def parse(*arguments: str, stdin: bytes = b"") -> tuple[int, list[dict[str, Any]]]:
    """The exit status and the objects of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "zeebe_mail", "parse", *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert not done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_each_file_is_a_line_with_its_name_first(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.eml", "ü b.eml")]
    for file in files:
        file.write_bytes(MAIL)
    code, lines = parse(*map(str, files))
    assert code == 0
    assert [next(iter(line.items())) for line in lines] == [("file", str(file)) for file in files]
    assert lines[0]["subject"] == "für"
    assert (lines[0]["plainTextBody"], lines[0]["htmlBody"]) == ("Hi", "<p>Hi</p>")


def test_it_goes_on_after_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    good = tmp_path / "good.eml"
    good.write_bytes(MAIL)
    large = tmp_path / "large.eml"
    with large.open("wb") as stream:
        stream.write(MAIL)
        stream.truncate(40 * 1024 * 1024)
    code, lines = parse(str(tmp_path / "missing.eml"), str(tmp_path), str(large), str(good))
    assert code == 1
    assert [line["parseError"] for line in lines] == [
        "The file could not be read: No such file or directory.",
        "The file could not be read: Is a directory.",
        "The message has 41943040 bytes; more than 31457280 are not read.",
        None,
    ]
    assert [line["subject"] for line in lines[2:]] == ["für", "für"]


def test_standard_input_is_read() -> None:
    for arguments in ((), ("-",)):
        code, lines = parse(*arguments, stdin=MAIL)
        assert (code, lines[0]["file"], lines[0]["subject"]) == (0, "-", "für")


def test_original_html_is_given_where_asked() -> None:
    _, lines = parse("--original-html", "-", stdin=MAIL)
    assert (lines[0]["htmlBody"], lines[0]["safeHtml"]) == ("<p onclick=x>Hi</p>", "<p>Hi</p>")
