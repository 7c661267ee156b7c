"""Variables in Markdown and in addresses: any value is what it says, and nothing more."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.message.address import mailboxes
from zeebe_mail.message.mail_html import html_of_markdown
from zeebe_mail.message.template_values import in_addresses, in_markdown, in_text

PLACES = {
    "in a sentence": "x {} y",
    "before and behind words": "x{}y",
    "in emphasis": "**{}**",
    "on a line of its own": "before\n{}\n\nafter",
    "below a line": "before\n{}",
    "in a list": "- a\n- {}\n- b\n\nafter",
    "in a numbered list": "1{} a\n\nafter",
    "in a quote": "> {}\n\nafter",
    "in a heading": "# {}\nafter",
    "in a table": "| a | b |\n|---|---|\n| {} | c |\n\nafter",
    "as the head of what may be a table": "{}\n|---|",
    "in code": "x `{}` y",
    "in a block of code": "```\n{}\n```\n\nafter",
    "in what a link shows": "[{}](https://example.org)",
    "before a link": "{}[a](https://example.org)",
    "in what is shown for a picture": "![{}](https://example.org)",
    "in the title of a link": "[a](https://example.org '{}')",
}
"""Where a variable may stand in Markdown."""

ANYTHING = st.text(st.sampled_from("\\`*_{}[]()<>#+-.!|~&;:\"'=1ab \n\t"), min_size=1, max_size=30)


def elements(html: str) -> list[str]:
    """The elements in order, but for line breaks."""
    return [tag for tag in re.findall(r"</?([a-z0-9]+)", html) if tag != "br"]


@given(ANYTHING, st.sampled_from(sorted(PLACES)))
def test_in_markdown_any_value_is_what_it_says(value: str, place: str) -> None:
    """Whatever it is, there are the elements that a word makes there, and in them the same characters."""
    pattern = PLACES[place]
    html = html_of_markdown(pattern.replace("{}", in_markdown(value)))
    word = html_of_markdown(pattern.replace("{}", "\U0010fffd"))
    assert elements(html) == elements(word)
    shown = unescape(html.replace("<br>", ""))
    assert "".join(shown.split()) == "".join(unescape(word).replace("\U0010fffd", value).split())


@pytest.mark.parametrize(
    ("value", "href"),
    [
        ("https://example.org/a_b?c=d&e=(f)", "https://example.org/a_b?c=d&amp;e=(f)"),
        ("https://example.org) [evil](https://evil.test", "https://example.org)%20%5Bevil%5D(https://evil.test"),
        ('https://example.org "a title"', "https://example.org%20%22a%20title%22"),
        ("JavaScript&colon;alert(1)", "JavaScript&amp;colon;alert(1)"),
        ("javascript:alert(1)", None),
        ("vbscript:x", None),
        ("data:text/html,<b>", None),
    ],
)
def test_a_value_is_the_target_of_a_link_or_there_is_none(value: str, href: str | None) -> None:
    found = re.findall(r'href="([^"]*)"', html_of_markdown(f"[a]({in_markdown(value)}) b"))
    assert found == ([] if href is None else [href])


def test_lines_of_a_value_are_lines() -> None:
    address = in_markdown("Main St. 1\r\n1010 Vienna")
    assert html_of_markdown(f"- {address}") == ("<ul>\n<li>Main St. 1<br>\n1010 Vienna</li>\n</ul>\n")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (1.5, 1.5),
        ('a "b"', 'a "b"'),
        ({"a": None, "b": [True, "ü'"]}, '{"a": null, "b": [true, "ü\'"]}'),
        ([], "[]"),
        (("a", 1), '["a", 1]'),
    ],
)
def test_a_value_is_written_as_json_has_it(value: Any, expected: Any) -> None:
    assert in_text(value) == expected


@given(st.text(max_size=40), st.sampled_from(["{} <jane@example.org>", "{}@example.org", "<{}>", "{}"]))
def test_in_addresses_a_value_never_makes_a_second_recipient(value: str, pattern: str) -> None:
    try:
        found = mailboxes(pattern.format(in_addresses(value)))
    except ValueError:
        return
    assert len(found) <= 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Jane Doe", "Jane Doe"),
        ("jane@example.org", "jane@example.org"),
        ("Jane Doe <jane@example.org>", "Jane Doe <jane@example.org>"),
        ("Doe, Jane", '"Doe, Jane"'),
        ('a" <e@x.org>, "b', r'"a\" <e@x.org>, \"b"'),
        ([], ""),
        (None, ""),
        (
            ["a@x.org", {"name": "B, C", "address": "b@x.org"}, {"address": "c@x.org"}],
            'a@x.org, "B, C" <b@x.org>, c@x.org',
        ),
    ],
)
def test_addresses_are_written_as_headers_have_them(value: Any, expected: str) -> None:
    assert in_addresses(value) == expected
