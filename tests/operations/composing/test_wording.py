"""The words of a mail: the task's own, those of its mail template, and which of them win."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.desks import desk
from tests.unit.message.test_renderer import ORDER, TEMPLATES
from zeebe_mail import errors
from zeebe_mail.auth.models import NoAuth
from zeebe_mail.jobs.validate import validate
from zeebe_mail.message.compose import Draft
from zeebe_mail.message.renderer import Order, Renderer, RenderingLimits
from zeebe_mail.operations.composing.letter import letter
from zeebe_mail.operations.composing.wording import FINISHED_LIMIT
from zeebe_mail.operations.smtp.send import SendInput, SendRequest


class NoRenderer(Renderer):
    """Fails when it is needed."""

    async def render(self, order: Order) -> dict[str, str]:
        raise AssertionError(order)


async def draft(renderer: Renderer | None = None, **request: Any) -> Draft:
    """What a task says in the end."""
    renderer = renderer or Renderer(TEMPLATES, children=1)
    try:
        asked = SendRequest.model_validate({"from": "shop@example.org", **request})
        async with letter(asked, NoAuth(), desk(renderer=renderer), token="1") as message:
            return message.draft
    finally:
        await renderer.aclose()


def inline(variables: dict[str, Any] | None = None, **sources: str) -> dict[str, Any]:
    return {"to": "bob@example.org", "text": "", **sources, "variables": variables or {}}


@pytest.mark.parametrize(
    "request_",
    [
        {"text": "Hello {{ name }}"},
        {"text": "Hello", "html": "<p>Hello {{ name }}</p>"},
        {"html": "<p>Hello</p>", "textFromHtml": False},
        {"html": "<style>p{color:red}</style>", "inlineStyles": False, "text": ""},
    ],
)
async def test_a_mail_that_is_finished_needs_no_child(request_: dict[str, Any]) -> None:
    said = await draft(NoRenderer(), to="bob@example.org", **request_)
    assert (said.text, said.html) == (request_.get("text"), request_.get("html"))


async def test_html_gets_a_text_beside_it() -> None:
    said = await draft(to="bob@example.org", html="<h1>Hi</h1><p>there <a href='https://x.example.org/'>link</a></p>")
    assert said.html == "<h1>Hi</h1><p>there <a href='https://x.example.org/'>link</a></p>"
    assert said.text == "Hi\n\nthere link <https://x.example.org/>"


async def test_large_html_goes_as_it_was_written() -> None:
    """A mail is not held up by what would only be nice to have; the preview line was asked for and is there."""
    html = "<style>p{color:red}</style><body><p>" + "Hi " * (FINISHED_LIMIT // 3)
    with capture_logs() as logs:
        said = await draft(NoRenderer(), to="bob@example.org", html=html, preheader="Soon")
    before, _, after = (said.html or "").partition("<div style=")
    assert before == "<style>p{color:red}</style><body>"
    assert "Soon" in after[:300]
    assert after.endswith(html[-1000:])
    assert said.text is None
    assert [one["action"] for one in logs] == ["html_left_as_written"]


@pytest.mark.parametrize("more", [{}, {"template": {"subject": "Hi {{ name }}", "variables": {"name": "Bob"}}}])
async def test_html_that_costs_too_much_goes_as_it_was_written(more: dict[str, Any]) -> None:
    """Here the answer is too long, because the HTML comes back as HTML and as text."""
    renderer = Renderer(children=1, limits=RenderingLimits(answer_bytes=30_000))
    html = "<p>" + "a" * 20_000
    with capture_logs() as logs:
        said = await draft(renderer, to="bob@example.org", html=html, **more)
    assert (said.html, said.text, said.subject) == (html, None, "Hi Bob" if more else None)
    assert [one["action"] for one in logs] == ["html_left_as_written"]


async def test_what_is_made_of_markdown_has_its_limits() -> None:
    renderer = Renderer(children=1, limits=RenderingLimits(answer_bytes=30_000))
    with pytest.raises(errors.TemplateLimit, match=r"^TEMPLATE_LIMIT: The Markdown needs") as caught:
        await draft(renderer, to="bob@example.org", markdown="a" * 20_000)
    assert caught.value.next_step == "Send large content as an attachment."


async def test_the_worker_goes_on_while_large_html_is_read() -> None:
    html = '<img src="cid:logo">' + "<p>Hi</p>" * 200_000
    rounds = 0

    async def going_on() -> None:
        nonlocal rounds
        while True:
            await asyncio.sleep(0)
            rounds += 1

    other = asyncio.create_task(going_on())
    logo = {"name": "logo.png", "content": "", "contentId": "logo"}
    said = await draft(NoRenderer(), to="bob@example.org", html=html, text="Hi", attachments=logo)
    other.cancel()
    assert said.attachments[0].inline
    assert rounds > 100, "without threads there are a few, between the steps"


async def test_markdown_becomes_html_and_text() -> None:
    said = await draft(to="bob@example.org", markdown="**Hi** <b>x</b>", preheader="Soon")
    assert "<p><strong>Hi</strong> &lt;b&gt;x&lt;/b&gt;</p>" in (said.html or "")
    assert "Soon" in (said.html or "")
    assert said.text == "Hi <b>x</b>"


async def test_a_template_says_all_of_a_mail() -> None:
    said = await draft(template={"name": "order", "variables": ORDER, "locale": "de"})
    assert said.subject == "Ihre Bestellung A_4711_b"
    assert [(one.name, one.address) for one in said.to] == [("Doe & <b>Sons</b>, *Inc*", "jane@example.org")]
    assert [one.address for one in said.reply_to] == ["service@example.org", "boss@example.org"]
    assert "2 Dinge sind unterwegs" in (said.html or "")
    assert (said.text or "").startswith("Vielen Dank, Doe")


async def test_what_the_task_gives_wins_field_by_field() -> None:
    template = {"name": "order", "variables": ORDER}
    said = await draft(template=template, to="bob@example.org", subject="Other", replyTo="", text="Given")
    assert (said.subject, said.text) == ("Other", "Given")
    assert [one.address for one in said.to] == ["bob@example.org"]
    assert len(said.reply_to) == 2, "a field that is left blank is not given"
    assert "Thank you" in (said.html or "")


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n", "\x0b", "\x85", "\u2028", "\0"])
@pytest.mark.parametrize("field", ["subject", "to", "cc", "replyTo"])
async def test_a_variable_makes_no_second_header(field: str, line_end: str) -> None:
    evil = f"x@example.org{line_end}Bcc: eve@example.org"
    with pytest.raises(errors.TemplateFailed) as caught:
        await draft(template={**inline({"evil": evil}), field: "{{ evil }}"})
    assert caught.value.details == {"field": field}
    assert f"`{field}`" in caught.value.message
    assert "eve@" not in str(caught.value)


async def test_a_subject_in_a_file_may_end_its_line() -> None:
    said = await draft(template=inline({"name": "Jane"}, subject="\n Hi {{ name }} \n"))
    assert said.subject == "Hi Jane"


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("{{ name }} <{{ email }}>", None),
        ("{{ email }}, {{ email }}", None),
        ("{{ two }}", errors.TemplateFailed),
        ("{{ two|safe }}", None),
        ("{{ nobody }}", errors.InputError),
        ("{{ name }}", errors.TemplateFailed),
    ],
)
async def test_addresses_of_a_template_are_checked_like_others(to: str, error: type[errors.WorkerError] | None) -> None:
    variables = {"name": "Doe, Jane", "email": "jane@example.org", "two": "a@x.org, b@x.org", "nobody": None}
    template = {**inline(variables), "to": to}
    if error is None:
        assert all(one.domain in ("example.org", "x.org") for one in (await draft(template=template)).to)
        return
    with pytest.raises(error) as caught:
        await draft(template=template)
    assert "x.org" not in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"html": "a", "markdown": "b"}, "both `markdown` and `html`"),
        ({"template": {}}, "must have a `name`"),
        ({"template": {"name": "order", "text": "x"}}, "not both"),
        ({"template": {"name": "order", "locale": "../de"}}, "request.template.locale"),
        ({"template": {"name": "order", "locale": "de/../.."}}, "request.template.locale"),
        ({"template": {"nmae": "order"}}, 'did you mean "name"'),
        ({"template": {"name": "order", "variables": ["x"]}}, "request.template.variables"),
        ({"preheader": "a\nb", "html": "x"}, "request.preheader"),
    ],
)
def test_what_cannot_be_asked_for(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.InputError) as caught:
        validate(
            SendInput,
            {
                "server": {"host": "smtp.example.org"},
                "auth": {"type": "none"},
                "request": {"from": "a@example.org", "to": "b@example.org", **request_},
            },
        )
    assert said in caught.value.message


async def test_a_template_without_a_body_is_not_enough() -> None:
    with pytest.raises(errors.InputError, match=r"`request.text` or `request.html` must be given"):
        await draft(to="bob@example.org", template={"subject": "Hi"})


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"text": "Hi", "preheader": "Soon"}, "request.preheader"),
        ({"template": {"text": "Hi"}, "preheader": "Soon"}, "request.preheader"),
        ({"template": {"text": "Hi", "preheader": "Soon"}}, "request.template.preheader"),
    ],
)
async def test_a_preview_line_that_nobody_would_see_is_an_error(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(errors.InputError, match=f"`{field}` is a line that only HTML can have"):
        await draft(to="bob@example.org", **request_)


async def test_a_preview_line_in_a_file_is_for_the_languages_that_have_html(tmp_path: Path) -> None:
    files = {"preheader.txt.j2": "Soon", "text.txt.j2": "Hi", "html.html.j2": "Hi", "de/text.txt.j2": "Hallo"}
    for name, content in files.items():
        file = tmp_path / "order" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    english = await draft(Renderer(tmp_path, children=1), to="bob@example.org", template={"name": "order"})
    german = {"name": "order", "locale": "de"}
    said = await draft(Renderer(tmp_path, children=1), to="bob@example.org", template=german)
    assert "Soon" in (english.html or "")
    assert (said.text, said.html) == ("Hallo", None)
