"""`zeebe-mail render`: a mail on the screen, in files and in the browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from email import message_from_bytes
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_commands import Ended, typed
from tests.unit.message.test_renderer import ORDER, TEMPLATES

Write = Callable[[Any], str]
JOB = {
    "server": {"host": "smtp.example.org"},
    "auth": {"type": "password", "username": "shop@example.org", "password": "{{secrets.NOWHERE}}"},
    "request": {"to": "bob@example.org", "subject": "Grüße", "markdown": "**Hi** Bob"},
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes variables into a file."""

    def written(content: Any) -> str:
        file = tmp_path / "variables.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        return str(file)

    return written


def render(*arguments: str, **settings: str) -> Ended:
    return typed("render", *arguments, ZEEBE_MAIL_TEMPLATES_DIR=str(TEMPLATES), **settings)


def test_a_template_is_shown_with_its_variables(write: Write) -> None:
    ended = render("--template", "order", "--variables", write(ORDER), "--locale", "de")
    assert ended.code == 0, ended.all
    assert "Subject: Ihre Bestellung A_4711_b" in ended.out
    assert "- 2 × Tea | green" in ended.out
    assert "<h1" not in ended.out


def test_a_job_is_shown_without_its_secrets(write: Write, tmp_path: Path) -> None:
    eml, html = tmp_path / "mail.eml", tmp_path / "mail.html"
    ended = render("--variables", write(JOB), "--eml", str(eml), "--html", str(html))
    assert ended.code == 0, ended.all
    assert "From: shop@example.org" in ended.out
    assert "Subject: Grüße" in ended.out
    assert ended.out.rstrip().endswith("Hi Bob")
    assert message_from_bytes(eml.read_bytes())["To"] == "bob@example.org"
    assert "<strong>Hi</strong> Bob" in html.read_text(encoding="utf-8")


def test_a_preview_is_opened(write: Write, tmp_path: Path) -> None:
    """The browser is one that only tells what it was given; scripts of the mail have no way to run in the page."""
    evil = {
        "request": {**JOB["request"], "from": "a@b.example", "markdown": None, "html": "<script>alert('\"')</script>Hi"}
    }
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    ended = render("--variables", write(evil), "--open", BROWSER=str(browser), TMPDIR=str(tmp_path))
    assert ended.code == 0, ended.all
    page = Path((tmp_path / "opened").read_text().strip().removeprefix("file://"))
    assert str(page) in ended.out

    class Frames(HTMLParser):
        found: list[dict[str, str | None]]
        scripts = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.scripts += tag == "script"
            if tag == "iframe":
                self.found.append(dict(attrs))

    parser = Frames()
    parser.found = []
    parser.feed(page.read_text(encoding="utf-8"))
    assert parser.scripts == 0
    assert [(one["sandbox"], one["srcdoc"]) for one in parser.found] == [(None, "<script>alert('\"')</script>Hi")] * 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "--variables or --template"),
        (["--template", "oder"], 1, 'TEMPLATE_NOT_FOUND: There is no mail template "oder". Did you mean "order"?'),
        (["--template", "notice"], 1, "`name`"),
        (["--variables", "/nowhere.json"], 2, "/nowhere.json"),
    ],
)
def test_what_cannot_be_shown_says_why(arguments: list[str], code: int, said: str) -> None:
    ended = render(*arguments)
    assert ended.code == code
    assert said in ended.err


def test_a_syntax_error_is_shown_with_its_caret(write: Write) -> None:
    job = {"request": {"from": "a@b.example", "to": "c@d.example", "template": {"text": "Hello\n{{ a b }}"}}}
    ended = render("--variables", write(job))
    assert ended.code == 1
    assert "    {{ a b }}\n         ^\n" in ended.err


def test_a_job_file_without_a_request_is_no_job(write: Write) -> None:
    ended = render("--variables", write({"subject": "x"}))
    assert (ended.code, "`request`" in ended.err) == (2, True)
