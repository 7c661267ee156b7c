"""Variables in Markdown and in addresses: any value is what it says, and nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from zeebe_mail.message.address import mailboxes
from zeebe_mail.message.template_values import in_addresses, in_markdown


@given(st.text(st.sampled_from("\\`*_{}[]()<>#+-.!|~&;:\"'=1ab \n"), max_size=30))
def test_in_markdown_any_value_is_what_it_says(value: str) -> None:
    """Rendered and read again, it is the same words; nothing of it became an element, but for paragraphs."""
    html = (
        MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(f"x{in_markdown(value)}y")
    )
    tags = html.replace("<p>", "").replace("</p>", "").replace("<br />", "")
    assert "<" not in tags
    shown = tags.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert "".join(shown.split()) == "".join(f"x{value}y".split())


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
