"""Which parts HTML shows by `cid:`, and which attachments they are."""

from __future__ import annotations

import pytest

from zeebe_mail.message.content import Attachment
from zeebe_mail.message.inline_parts import references, shown, with_urls

LOGO = Attachment("logo.png", "image/png", b"png", content_id="logo@x.test")
CHART = Attachment("chart.svg", "image/svg+xml", b"svg")


@pytest.mark.parametrize(
    ("html", "names"),
    [
        ('<img src="cid:logo@x.test">', ["logo@x.test"]),
        ("<IMG SRC=CID:logo>", ["logo"]),
        ('<img src=" cid:a " /><img src="cid:a"><img src="cid:b">', ["a", "b"]),
        ('<img srcset="cid:a 1x, cid:b 2x">', ["a", "b"]),
        ('<td background="cid:a"><body style="background: url(\'cid:b\') no-repeat, url(cid:c)">', ["a", "b", "c"]),
        ('<style>td { background-image: url( "cid:a" ) }</style>', ["a"]),
        ('<a href="cid:a">', ["a"]),
        ('<img src="cid:a%20b&amp;c">', ["a b&c"]),
        ('<!--[if gte mso 9]><v:fill src="cid:a"/><![endif]-->', ["a"]),
        ('<!-- <img src="cid:a"> -->', []),
        ("<p>Write cid:a for it, or url(cid:b)</p>", []),
        ('<img src="https://x.test/cid:a"><img alt="cid:b">', []),
        ("<p>nothing</p>", []),
        ("", []),
    ],
)
def test_references_are_found_where_readers_look_for_them(html: str, names: list[str]) -> None:
    assert list(references(html)) == names


def test_what_the_html_shows_becomes_inline() -> None:
    (logo, chart), missing = shown('<img src="cid:logo@x.test">', (LOGO, CHART))
    assert (logo.inline, chart.inline, missing) == (True, False, ())


def test_a_part_without_an_id_is_found_by_its_name() -> None:
    (_, chart), missing = shown('<img src="cid:chart.svg">', (LOGO, CHART))
    assert (chart.inline, chart.content_id, missing) == (True, "chart.svg", ())


def test_a_name_does_not_stand_for_a_part_that_has_an_id() -> None:
    assert shown('<img src="cid:logo.png">', (LOGO,)) == ((LOGO,), ("logo.png",))


def test_of_two_parts_with_one_name_the_first_is_meant() -> None:
    (first, second), _ = shown('<img src="cid:chart.svg">', (CHART, CHART))
    assert first.inline
    assert not second.inline


def test_what_is_missing_is_named() -> None:
    assert shown('<img src="cid:a"><img src="cid:b">', (LOGO,))[1] == ("a", "b")


def test_without_html_nothing_changes() -> None:
    assert shown(None, (LOGO, CHART)) == ((LOGO, CHART), ())


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<img src="cid:a">', '<img src="URL">'),
        ("<IMG SRC=CID:a>", "<IMG SRC=URL>"),
        ('<img src="cid:a&#x2e;b">', '<img src="DOT">'),
        ('<img src="cid:a%2Eb">', '<img src="DOT">'),
        ('<img srcset="cid:a 1x, cid:a.b 2x">', '<img srcset="URL 1x, DOT 2x">'),
        ("<style>p { background: url('cid:a') }</style>", "<style>p { background: url('URL') }</style>"),
        ('<img alt=">" src="cid:a">cid:a', '<img alt=">" src="URL">cid:a'),
        ('<img src="cid:none">', '<img src="cid:none">'),
        ('<img src="https://x.test/acid:a">', '<img src="https://x.test/acid:a">'),
        ('<img src="cid:a', '<img src="cid:a'),
    ],
)
def test_outside_of_a_mail_parts_are_shown_from_urls(html: str, expected: str) -> None:
    assert with_urls(html, {"a": "URL", "a.b": "DOT"}) == expected


@pytest.mark.parametrize(
    "html", ["<img src=cid:a <img src=cid:b", '<img src="cid:a>', "<!-- <img src=cid:a>", "<img src=cid:a"]
)
def test_what_the_text_ends_in_the_middle_of_shows_nothing(html: str) -> None:
    assert references(html) == ()


@pytest.mark.parametrize(
    "left_open", ["<img src=cid:x ", '<img src="cid:x ', "<!-- ", "<!-- >", "<style>", "<a b=' >", "<![a >", "a= ", "<"]
)
def test_what_is_left_open_is_looked_at_once(left_open: str) -> None:
    """Half a million of them: a reader that goes back to each would need hours."""
    assert references("cid:" + left_open * 500_000) == ()
