"""`zeebe-mail render`: a mail on the screen, in files and in the browser."""

from __future__ import annotations

import json
from base64 import b64encode
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


def test_what_comes_with_the_mail_is_listed(write: Write) -> None:
    files = [
        {"name": "terms.txt", "text": "Grüße"},
        {"name": "logo.png", "content": b64encode(b"\x89PNG\r\n").decode("ascii"), "contentId": "logo"},
    ]
    html = '<img src="cid:logo">'
    meeting = {"start": "2026-12-01T09:00:00@Europe/Berlin", "duration": "PT1H"}
    more = {"markdown": None, "html": html, "attachments": files, "invitation": meeting}
    ended = render("--variables", write({**JOB, "request": {**JOB["request"], **more}}))
    listed = ended.out.partition("\nAttachments:\n")[2].splitlines()
    assert listed[:2] == [
        "  terms.txt (text/plain, 7 bytes)",
        "  logo.png (image/png, 6 bytes, shown in the HTML)",
    ]
    assert listed[2].startswith("  invite.ics (application/ics, ")


def test_a_preview_is_opened(write: Write, tmp_path: Path) -> None:
    """The browser is one that only tells what it was given; scripts of the mail have no way to run in the page."""
    evil = {
        "request": {**JOB["request"], "from": "a@b.example", "markdown": None, "html": "<script>alert('\"')</script>Hi"}
    }
    page = opened(tmp_path, "--variables", write(evil))
    assert page.scripts == 0
    assert [(one["sandbox"], one["srcdoc"]) for one in page.frames] == [(None, "<script>alert('\"')</script>Hi")] * 2


def test_a_preview_shows_the_pictures_of_the_mail(write: Write, tmp_path: Path) -> None:
    logo = {"name": "logo.png", "content": b64encode(b"\x89PNG\r\n").decode("ascii"), "contentId": "logo@shop"}
    html = '<p>cid:logo@shop</p><img src="cid:logo%40shop"><p style="background: url(cid:logo@shop)">Hi</p>'
    job = {"request": {**JOB["request"], "from": "a@b.example", "markdown": None, "html": html, "attachments": logo}}
    frame, _ = opened(tmp_path, "--variables", write(job)).frames
    url = f"data:image/png;base64,{logo['content']}"
    assert frame["srcdoc"] == f'<p>cid:logo@shop</p><img src="{url}"><p style="background: url({url})">Hi</p>'


class Page(HTMLParser):
    """A page as the browser understands it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.frames: list[dict[str, str | None]] = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag == "iframe":
            self.frames.append(dict(attrs))


def opened(folder: Path, *arguments: str) -> Page:
    """What the browser is given."""
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened\n')
    browser.chmod(0o755)
    ended = render(*arguments, "--open", BROWSER=str(browser), TMPDIR=str(folder))
    assert ended.code == 0, ended.all
    page = Path((folder / "opened").read_text().strip().removeprefix("file://"))
    assert str(page) in ended.out
    return Page(page.read_text(encoding="utf-8"))


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
