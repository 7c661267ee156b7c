"""One input, one recipient, or an error: never something in between."""

from __future__ import annotations

import email.policy
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.message.address import AddressError, Mailbox, envelope, mailbox, mailboxes

BREAKS = ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("jane@example.org", "", "jane@example.org"),
        ("  jane@example.org ", "", "jane@example.org"),
        ("jane.doe+tag@EXAMPLE.org", "", "jane.doe+tag@example.org"),
        ("<jane@example.org>", "", "jane@example.org"),
        ("Jane Doe <jane@example.org>", "Jane Doe", "jane@example.org"),
        ("John Q. Public <john@example.org>", "John Q. Public", "john@example.org"),
        ('"Doe, Jane" <jane@example.org>', "Doe, Jane", "jane@example.org"),
        ('"Doe \\"JD\\" <x>" <jane@example.org>', 'Doe "JD" <x>', "jane@example.org"),
        ("Jörg Müller <jm@example.org>", "Jörg Müller", "jm@example.org"),
        ('"jane doe"@example.org', "", '"jane doe"@example.org'),
        ('"jane"@example.org', "", "jane@example.org"),
        ('"x@evil x"@internal.test', "", '"x@evil x"@internal.test'),
        ("jane@localhost", "", "jane@localhost"),
        ("jane@[192.0.2.1]", "", "jane@[192.0.2.1]"),
        ("jane@[IPv6:2001:db8::1]", "", "jane@[IPv6:2001:db8::1]"),
        ("jane@bücher.example", "", "jane@xn--bcher-kva.example"),
        ("jane@Bücher.EXAMPLE", "", "jane@xn--bcher-kva.example"),
        ("jörg@bücher.example", "", "jörg@xn--bcher-kva.example"),
    ],
)
def test_a_mailbox_is_read(text: str, name: str, address: str) -> None:
    one = mailbox(text)
    assert (one.name, one.address) == (name, address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "jane",
        "@example.org",
        "jane@",
        "jane@example..org",
        "jane@.example.org",
        "jane@example.org.",
        "jane@-example.org",
        "jane@exam_ple.org",
        "jane@example.org extra",
        "jane@example.org>",
        "<jane@example.org",
        "Jane jane@example.org",
        "jane doe@example.org",
        "jane@@example.org",
        "jane@example.org@evil.test",
        ".jane@example.org",
        "jane.@example.org",
        "ja..ne@example.org",
        "jane(comment)@example.org",
        "Jane (Sales) <jane@example.org>",
        "Jane <jane@example.org> <eve@evil.test>",
        "Jane, Doe <jane@example.org>",
        "friends:jane@example.org;",
        "undisclosed-recipients:;",
        '"jane@example.org',
        '"jane" doe@example.org',
        "jane@[300.1.1.1]",
        "jane@[IPv6:zz]",
        "jane@[192.0.2.1",
        f"{'x' * 65}@example.org",
        f"jane@{'x' * 64}.org",
        f"jane@{'x.' * 130}org",
        "jane\u202e@example.org",
        "ja\u3000ne@example.org",
        "jane@ex\ud800ample.org",
        "jane@\u2488example.org",
    ],
)
def test_what_is_no_mailbox_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        mailbox(text)


@pytest.mark.parametrize("separator", BREAKS)
@pytest.mark.parametrize("place", ["{}jane@example.org", "ja{}ne@example.org", "jane@example.org{}Bcc: eve@evil.test"])
def test_no_line_break_gets_into_an_address(separator: str, place: str) -> None:
    for value in (
        place.format(separator),
        f"Jane{separator}Doe <jane@example.org>",
        f'"Jane{separator}Doe" <jane@example.org>',
        f'"ja{separator}ne"@example.org',
        {"name": f"Jane{separator}", "address": "jane@example.org"},
        {"name": "Jane", "address": place.format(separator)},
    ):
        with pytest.raises(AddressError, match="line breaks"):
            mailboxes([value])


@pytest.mark.parametrize("nothing", [None, "", " ", [], (), ["", None], " ; , "])
def test_nothing_is_no_recipients(nothing: Any) -> None:
    assert mailboxes(nothing) == ()


@pytest.mark.parametrize(
    "several",
    [
        "a@x.test, b@x.test",
        "a@x.test;b@x.test",
        "a@x.test; b@x.test;",
        ["a@x.test", "b@x.test"],
        ["a@x.test, b@x.test", None, ""],
        [{"address": "a@x.test"}, {"name": "", "address": "b@x.test"}],
        [{"name": None, "address": "a@x.test"}, "b@x.test"],
    ],
)
def test_all_ways_to_give_several_are_the_same(several: Any) -> None:
    assert [one.address for one in mailboxes(several)] == ["a@x.test", "b@x.test"]


def test_separators_inside_quotes_and_angles_do_not_separate() -> None:
    text = '"Doe, Jane; CEO" <jane@x.test>; "b, c"@x.test, <"d;e"@x.test>'
    assert [one.address for one in mailboxes(text)] == ["jane@x.test", '"b, c"@x.test', '"d;e"@x.test']


@pytest.mark.parametrize("value", [5, True, {"a": 1}, {"address": 5}, {"address": "a@x.test", "adress": ""}, [5]])
def test_other_types_are_refused(value: Any) -> None:
    with pytest.raises(AddressError):
        mailboxes(value)


def test_an_error_names_the_entry_and_not_its_text() -> None:
    with pytest.raises(AddressError, match=r"^entry 2: has no `@`$"):
        mailboxes(["a@x.test", "topsecret"])


def test_an_address_is_in_the_envelope_once() -> None:
    to, cc = mailboxes("a@x.test, b@X.test"), mailboxes("Bea <b@x.TEST>; A@x.test")
    assert envelope(to, cc) == ("a@x.test", "b@x.test", "A@x.test")


def test_a_name_in_the_address_of_an_object_is_refused() -> None:
    with pytest.raises(AddressError, match="put it into `name`"):
        mailbox({"name": "Jane", "address": "Eve <eve@x.test>"})


words = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)
dotted = st.from_regex(r"[a-z0-9]{1,9}(\.[a-z0-9]{1,9}){0,5}", fullmatch=True)
local_parts = words | dotted
names = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc", "Cs"]), max_size=40)


@given(local_parts, names)
def test_what_is_written_is_read_as_the_same(local: str, name: str) -> None:
    """Our own wire form, quotes and escapes included, comes back as the mailbox it was made from."""
    one = Mailbox(local, "example.org", name.strip())
    assert mailbox(one.address) == Mailbox(local, "example.org")
    quoted = one.name.replace("\\", "\\\\").replace('"', '\\"')
    assert mailbox(f'"{quoted}" <{one.address}>') == one


@given(local_parts)
def test_the_standard_library_reads_the_same_recipient(local: str) -> None:
    one = Mailbox(local, "example.org")
    parsed = BytesParser(policy=email.policy.default).parsebytes(f"To: {one.address}\r\n\r\n".encode())
    assert [(found.username, found.domain) for found in parsed["To"].addresses] == [(local, "example.org")]


@given(st.text(max_size=60))
def test_any_text_is_either_one_mailbox_or_refused(text: str) -> None:
    """What is accepted is safe on a line of SMTP."""
    try:
        one = mailbox(text)
    except AddressError:
        return
    assert one.address.isprintable()
    assert one.address.count("@") == 1 or one.address.startswith('"')


@given(st.lists(st.sampled_from(["a@x.test", '"b, c" <b@x.test>', "Ä; <no", "", '"'])))
def test_as_many_come_out_as_went_in(entries: list[str]) -> None:
    try:
        found = mailboxes(entries)
    except AddressError:
        return
    assert len(found) == len([entry for entry in entries if entry])
