"""What mail templates say, and what is said of those that are wrong in every way they can be."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from zeebe_mail import errors
from zeebe_mail.message.renderer import Order, Renderer

HERE = Path(__file__).parent
TEMPLATES = HERE / "mail_templates"
GOLDEN = HERE / "golden_mails"
CANARY = "hunter2"

ORDER = {
    "customer": {"name": "Doe & <b>Sons</b>, *Inc*", "email": "jane@example.org"},
    "order": {
        "number": "A_4711_b",
        "link": "https://shop.example.org/follow?order=A_4711_b&lang=en",
        "items": [{"name": "Tea | green", "pieces": 2}, {"name": "[Cups](http://evil.example.org)", "pieces": 12}],
    },
    "service": ["Service <service@example.org>", {"name": "Boss, the", "address": "boss@example.org"}],
    "shop": "Müller & Co",
}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    made = Renderer(TEMPLATES, children=1)
    yield made
    await made.aclose()


async def text(renderer: Renderer, source: str, /, **variables: Any) -> str:
    """What an inline template for the text gives."""
    return (await renderer.render(Order(sources={"text": source}, variables=variables))).fields["text"]


# ── what comes out ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("locale", [None, "de", "de-AT"])
async def test_a_mail_is_as_it_was(renderer: Renderer, locale: str | None) -> None:
    """The golden files are what a person has looked at; ``GOLDEN=write`` writes them anew, to be looked at again."""
    fields = (await renderer.render(Order(name="order", variables=ORDER, locale=locale))).fields
    written = "".join(f"=== {name}\n{value}\n" for name, value in sorted(fields.items()))
    golden = GOLDEN / f"order-{locale or 'default'}.txt"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(written, encoding="utf-8")
    assert written == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        (None, "Your order A_4711_b"),
        ("fr", "Your order A_4711_b"),
        ("de", "Ihre Bestellung A_4711_b"),
        ("de-CH", "Ihre Bestellung A_4711_b"),
        ("DE_at", "Ihre Bestellung A_4711_b, servus"),
        ("de-AT-1996", "Ihre Bestellung A_4711_b, servus"),
    ],
)
async def test_each_file_is_looked_for_in_the_locale_first(
    renderer: Renderer, locale: str | None, subject: str
) -> None:
    fields = (await renderer.render(Order(name="order", variables=ORDER, locale=locale))).fields
    assert fields["subject"] == subject
    assert ("Ihre Leute von" in fields["html"]) == (locale is not None and locale.lower().startswith("de"))


async def test_text_and_html_come_in_one_language(renderer: Renderer) -> None:
    """The text is not translated: it is made from the German HTML instead of being English."""
    english = (await renderer.render(Order(name="notice", variables={"name": "Jane"}))).fields
    german = (await renderer.render(Order(name="notice", variables={"name": "Jane"}, locale="de"))).fields
    assert english["text"] == "Hello Jane,\n\nbye Jane"
    assert german["text"] == "Hallo Jane,"


async def test_what_the_task_gives_goes_before_the_template(renderer: Renderer) -> None:
    """A field that is not wanted is not even filled in: its variables need not be there."""
    variables = {name: value for name, value in ORDER.items() if name not in ("service", "customer")}
    fields = (
        await renderer.render(
            Order(
                name="order",
                variables=variables,
                given=("to", "replyTo", "subject", "markdown"),
                texts={"markdown": "Only **this** {{ is }} <b>"},
            )
        )
    ).fields
    assert fields.keys() == {"html", "text"}
    assert "Only <strong>this</strong> {{ is }} &lt;b&gt;" in fields["html"]
    assert "the people of Müller &amp; Co" in fields["html"]


async def test_html_of_the_task_leaves_no_place_for_the_templates_markdown(renderer: Renderer) -> None:
    sources = {"markdown": "{{ nothing }}", "subject": "Hi {{ name }}"}
    order = Order(sources=sources, variables={"name": "Jane"}, given=("html",), texts={"html": "<p>Given</p>"})
    assert (await renderer.render(order)).fields == {"html": "<p>Given</p>", "subject": "Hi Jane", "text": "Given"}


async def test_html_without_styles_stays_as_it_is(renderer: Renderer) -> None:
    html = "<P CLASS='x'>\r\nHi&nbsp;<br/>"
    order = Order(texts={"html": html}, given=("html",), text_from_html=False)
    assert (await renderer.render(order)).fields == {"html": html}


async def test_styles_are_written_into_elements_and_nothing_is_loaded(renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "local.css").write_text("p { margin: 77px }")
    html = (
        '<html><head><style>@import url("http://127.0.0.1:9/x.css"); p { color: red } a:hover { color: blue }</style>'
        f'<link rel="stylesheet" href="{tmp_path}/local.css"><link rel="stylesheet" href="file://{tmp_path}/local.css">'
        '<link rel="stylesheet" href="http://127.0.0.1:9/x.css"></head><body><p>Hi</p></body></html>'
    )
    fields = (await renderer.render(Order(texts={"html": html}, given=("html",)))).fields
    assert '<p style="color: red;">Hi</p>' in fields["html"]
    assert "a:hover" in fields["html"]
    assert "77px" not in fields["html"]
    plain = (await renderer.render(Order(texts={"html": html}, given=("html",), inline_styles=False))).fields
    assert plain["html"] == html


@pytest.mark.parametrize(
    ("html", "before"),
    [
        ('<!doctype html><html><body class="a>b" id=x><p>Hi', '<body class="a>b" id=x>'),
        ("<!doctype html><html><head><title>x</title></head><p>Hi", "</head>"),
        ("<!DOCTYPE html>\n<p>Hi", "<!DOCTYPE html>"),
        ("<p>Hi", ""),
    ],
)
async def test_the_preview_line_is_the_first_text_and_no_part_of_the_text(
    renderer: Renderer, html: str, before: str
) -> None:
    order = Order(texts={"html": html, "preheader": "Soon & <fast>"}, given=("html", "preheader"))
    fields = (await renderer.render(order)).fields
    head, _, tail = fields["html"].partition('<div style="display:none;')
    assert head.endswith(before)
    assert "Soon &amp; &lt;fast&gt;" in tail
    assert fields["text"] == "Hi"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ order.items[0] }} {{ order.keys }}", "tea k"),
        ("{{ order.values()|length }}", "3"),
        ("{{ nothing }}|{{ yes }}|{{ number }}", "|true|1.5"),
        ("{% if missing is defined %}a{% else %}b{% endif %}{{ missing|default('c') }}", "bc"),
        ("a\n{% for one in order.items %}\n  {% if one %}\n{{ one }}\n  {% endif %}\n{% endfor %}\nb", "a\ntea\nb"),
    ],
)
async def test_variables_are_json(renderer: Renderer, source: str, expected: str) -> None:
    """Members go before methods, null is nothing, and lines that hold only a tag leave nothing behind."""
    order = {"items": ["tea"], "keys": "k", "a": 1}
    assert await text(renderer, source, order=order, nothing=None, yes=True, number=1.5) == expected


XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "&lt;script&gt;",
    "<!--",
    "[a](javascript:alert(1))",
    "![a](x)",
    "`<b>`",
    "\n\n<b>html</b>\n\n# heading\n\n- item\n\n1. one\n\n    code\n",
    "a | b\n--|--\nc | d",
    "<https://evil.example.org>",
    "~~~\nfence",
]


@pytest.mark.parametrize("value", XSS)
async def test_a_variable_is_text_and_no_markup(renderer: Renderer, value: str) -> None:
    sources = {"html": '<p title="{{ v }}">{{ v }}</p>{% include "partials/farewell.txt.j2" %}'}
    fields = (await renderer.render(Order(sources=sources, variables={"v": value, "name": value}))).fields
    inside = fields["html"].removeprefix('<p title="').replace('">', "", 1).replace("</p>", "", 1)
    assert "<" not in inside
    assert '"' not in inside
    assert "'" not in inside

    fields = (await renderer.render(Order(sources={"markdown": "A {{ v }} b"}, variables={"v": value}))).fields
    for tag in ("<script", "<img", "<b>", "<a ", "<h1", "<h2", "<li", "<code", "<table", "<pre>"):
        assert tag not in fields["html"], tag


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "excerpt", "caret"),
    [
        ("Hello,\n\n  {{ customer name }}!", "  {{ customer name }}!", "              ^"),
        ("{{ customer.name|uper }}", "{{ customer.name|uper }}", "                 ^"),
        ("{{ x is emty }}", "{{ x is emty }}", "        ^"),
        ("a\n{% for x in y %}\nb", "b", "^"),
        ("{% endif %}", "{% endif %}", "   ^"),
        ("a {{ 'b }} c", "a {{ 'b }} c", "     ^"),
        ("{% set = 1 %}", "{% set = 1 %}", "       ^"),
        ("{{ (1 }}", "{{ (1 }}", "      ^"),
        ("\r\n{{ ] }}", "{{ ] }}", "   ^"),
    ],
)
async def test_a_syntax_error_has_its_line_and_a_caret(
    renderer: Renderer, source: str, excerpt: str, caret: str
) -> None:
    with pytest.raises(errors.TemplateInvalid) as caught:
        await text(renderer, source)
    _, *shown = caught.value.message.rstrip("\n").split("\n")
    assert shown == [f"    {excerpt}", f"    {caret}"]
    line = source.splitlines().index(excerpt) + 1
    assert caught.value.details == {"place": f"text, line {line}", "line": line, "column": len(caret)}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% if x is emty %}{% endif %}", "No test named 'emty' found"),
        ("{{ []|first + 1 }}", "No first item, sequence was empty"),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}", "parameter 'a' was not provided"),
        ("{{ 1 / 0 }}", "it divides by zero"),
        ("{{ 1 + [] }}", "a value is of the wrong kind for what is done with it"),
        ("{{ ''.__class__ }}", "it does what mail templates may not"),
    ],
)
async def test_what_fails_says_where_and_why(renderer: Renderer, source: str, reason: str) -> None:
    with pytest.raises(errors.TemplateFailed) as caught:
        await text(renderer, f"a\n{source}", x=1)
    assert caught.value.message == f"The mail template could not be filled in (text, line 2): {reason}."


async def test_of_a_long_line_what_is_around_the_error_is_shown(renderer: Renderer) -> None:
    with pytest.raises(errors.TemplateInvalid) as caught:
        await text(renderer, "a" * 5000 + "{{ b c }}" + "d" * 5000)
    _, excerpt, caret = caught.value.message.rstrip("\n").split("\n")
    assert len(excerpt) < 130
    assert excerpt[caret.index("^")] == "c"


@pytest.mark.parametrize(
    ("source", "name", "nearest"),
    [
        ("Hi {{ custmer.name }}", "custmer", "customer"),
        ("\nHi {{ customer.nmae }}", "nmae", "name"),
        ("{{ customer.name.first }}", "first", None),
        ("{{ [customer.nothing] }}", "nothing", None),
        ("{{ [customer]|map(attribute='nmae')|list }}", "nmae", "name"),
        ("{{ customer['nmae'] }}", "nmae", "name"),
    ],
)
async def test_an_unknown_variable_is_named_with_the_nearest_known_one(
    renderer: Renderer, source: str, name: str, nearest: str | None
) -> None:
    with pytest.raises(errors.TemplateVariableUnknown) as caught:
        await text(renderer, source, customer={"name": CANARY})
    line = 1 + source.count("\n")
    assert caught.value.details == {"place": f"text, line {line}", "name": name, "nearest": nearest}
    assert f"`{name}`" in caught.value.message
    assert nearest is None or f"did you mean `{nearest}`?" in caught.value.message


@pytest.mark.parametrize(
    "source",
    [
        "{{ customer[secret] }}",
        "{{ customer|attr(secret) }}",
        "{{ secret|int + [] }}",
        "{{ secret + 1 }}",
        "{{ '%d'|format(secret) }}",
        "{% include secret %}",
        "{% include [secret, 'no.txt.j2'] %}",
        "{{ {}[secret] }}",
        "{{ 1 / secret|length * 0 + 1 / 0 }}",
        "{{ secret|sum }}",
        "{{ secret|tojson|round }}",
        "{% for a, b in secret %}{% endfor %}",
        "{{ (secret * 9999999) * 9999999 }}",
        "{% macro m() %}{% endmacro %}{{ m(**{secret: 1}) }}",
        "{{ customer.update(secret) }}",
    ],
)
async def test_no_error_tells_a_variables_value(renderer: Renderer, source: str) -> None:
    with pytest.raises(errors.TemplateError) as caught:
        await text(renderer, source, secret=CANARY, customer={"name": "Jane"})
    assert CANARY not in f"{caught.value}{caught.value.details}{caught.value.__cause__}"


async def test_a_template_that_is_not_there_has_its_nearest(renderer: Renderer) -> None:
    with pytest.raises(errors.TemplateNotFound) as caught:
        await renderer.render(Order(name="oder"))
    assert caught.value.message == 'There is no mail template "oder". Did you mean "order"?'
    with pytest.raises(errors.TemplateNotFound, match=r'includes "partials/no.txt.j2"'):
        await text(renderer, '{% include "partials/no.txt.j2" %}')


async def test_a_worker_without_directory_says_so() -> None:
    renderer = Renderer()
    with pytest.raises(errors.TemplateNotFound) as caught:
        await renderer.render(Order(name="order"))
    assert "ZEEBE_MAIL_TEMPLATES_DIR" in caught.value.next_step
    await renderer.aclose()


async def test_amounts_and_dates_are_written_as_the_guide_says(tmp_path: Path) -> None:
    guide = (HERE.parents[2] / "docs" / "mail-templates.md").read_text(encoding="utf-8")
    for name, content in re.findall(r"```jinja\n\{# (\S+) #\}\n(.*?)```", guide, re.DOTALL):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    renderer = Renderer(tmp_path, children=1)
    variables = {"order": {"total": 1234.5, "due": "2026-01-31"}}
    for locale in (None, "de-AT"):
        fields = (await renderer.render(Order(name="order", variables=variables, locale=locale))).fields
        assert f"`{fields['text'].strip()}`" in guide
    await renderer.aclose()


# ── the directory ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest_asyncio.fixture(loop_scope="module")
async def operators(tmp_path: Path) -> AsyncIterator[tuple[Path, Renderer]]:
    """A directory that a test fills, with secrets of its neighbours beside it."""
    outside, root = tmp_path / "outside", tmp_path / "templates"
    for folder in (outside, root / "inside"):
        folder.mkdir(parents=True)
        (folder / "text.txt.j2").write_text(f"{folder.name} {CANARY if folder is outside else ''}")
    renderer = Renderer(root, children=1)
    yield root, renderer
    await renderer.aclose()


@pytest.mark.parametrize(
    "name",
    [
        "../outside", "inside/../../outside", "..", ".", "", "/", "./inside", "inside/", "//inside", "inside//",
        "inside\\..\\..\\outside", "%2e%2e/outside", "inside\0", "link", "loop", "deep/link", "inside/file",
        "..%2foutside", "inside\n", "～/outside",
    ],
)  # fmt: skip
async def test_nothing_outside_of_the_directory_is_a_template(operators: tuple[Path, Renderer], name: str) -> None:
    root, renderer = operators
    (root / "link").symlink_to(root.parent / "outside")
    (root / "loop").symlink_to("loop")
    (root / "deep").mkdir()
    (root / "deep" / "link").symlink_to("../../outside")
    (root / "inside" / "file").write_text("x")
    with pytest.raises(errors.TemplateNotFound):
        await renderer.render(Order(name=name))


@pytest.mark.parametrize(
    "name",
    [
        "../outside/text.txt.j2", "inside/../../outside/text.txt.j2", "{outside}/text.txt.j2", "link.txt.j2",
        "README.md", ".hidden.txt.j2", ".git/config.txt.j2", "fifo.txt.j2", "device.txt.j2", "inside",
        "inside/", "inside\\text.txt.j2",
    ],
)  # fmt: skip
async def test_nothing_but_templates_of_the_directory_is_included(operators: tuple[Path, Renderer], name: str) -> None:
    root, renderer = operators
    (root / "link.txt.j2").symlink_to(root.parent / "outside" / "text.txt.j2")
    (root / "device.txt.j2").symlink_to("/dev/zero")
    os.mkfifo(root / "fifo.txt.j2")
    (root / ".git").mkdir()
    for file in ("README.md", ".hidden.txt.j2", ".git/config.txt.j2"):
        (root / file).write_text(CANARY)
    for tag in ("include", "extends", "import"):
        given = name.format(outside=root.parent / "outside")
        with pytest.raises(errors.TemplateNotFound):
            await text(renderer, f"{{% {tag} {given!r} {'as x' if tag == 'import' else ''} %}}")


async def test_links_within_the_directory_are_followed(operators: tuple[Path, Renderer]) -> None:
    """Kubernetes mounts a ConfigMap like this, and changes it by turning the link ``..data``."""
    root, renderer = operators
    for version in ("1", "2"):
        (root / f"..{version}" / "mounted").mkdir(parents=True)
        (root / f"..{version}" / "mounted" / "text.txt.j2").write_text(f"version {version}")
    (root / "mounted").symlink_to("..data/mounted")
    for version in ("1", "2"):
        (root / "new").symlink_to(f"..{version}")
        (root / "new").rename(root / "..data")
        assert (await renderer.render(Order(name="mounted"))).fields["text"] == f"version {version}"


async def test_a_change_takes_effect_with_the_next_mail(operators: tuple[Path, Renderer]) -> None:
    root, renderer = operators
    for words in ("one", "two"):
        (root / "inside" / "text.txt.j2").write_text(words)
        assert (await renderer.render(Order(name="inside"))).fields["text"] == words


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"Gr\xfc\xdfe", errors.TemplateFailed, "is not UTF-8"),
        (b"a" * 1_000_001, errors.TemplateLimit, "more than 1000000 bytes"),
        (b"a\n{{ b c }}", errors.TemplateInvalid, "(inside/text.txt.j2, line 2)"),
        (b"a\n{{ b }}", errors.TemplateVariableUnknown, "(inside/text.txt.j2, line 2)"),
    ],
)
async def test_a_file_that_cannot_be_used_is_named(
    operators: tuple[Path, Renderer], content: bytes, error: type[errors.TemplateError], said: str
) -> None:
    root, renderer = operators
    (root / "inside" / "text.txt.j2").write_bytes(content)
    with pytest.raises(error) as caught:
        await renderer.render(Order(name="inside"))
    assert said in caught.value.message
    assert "inside/text.txt.j2" in caught.value.message


async def test_what_one_mail_defines_the_next_does_not_see(operators: tuple[Path, Renderer]) -> None:
    """A module that is imported is made anew, though its code is kept."""
    root, renderer = operators
    (root / "state.txt.j2").write_text("{% set seen = namespace(last='nobody') %}")
    source = (
        "{% import 'state.txt.j2' as state %}{% set s = state.seen %}{{ s.last }}{% set s.last = name %}{{ s.last }}"
    )
    assert await text(renderer, source, name="Jane") == "nobodyJane"
    assert await text(renderer, source, name="Bob") == "nobodyBob"
