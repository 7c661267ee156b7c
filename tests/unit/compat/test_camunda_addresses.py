"""Address lists as Camunda's connector takes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.compat.camunda.addresses import addresses
from zeebe_mail.compat.camunda.words import as_read
from zeebe_mail.message.address import AddressError


def read(text: str) -> list[tuple[str, str]]:
    return [(one.name, one.address) for one in addresses(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@x.test", [("", "a@x.test")]),
        ("a@x.test,b@x.test", [("", "a@x.test"), ("", "b@x.test")]),
        (",a@x.test,,b@x.test,", [("", "a@x.test"), ("", "b@x.test")]),
        ("Jane Doe <a@x.test>", [("Jane Doe", "a@x.test")]),
        ('"Doe, Jane" <a@x.test>, b@x.test', [("Doe, Jane", "a@x.test"), ("", "b@x.test")]),
        (r'"say \"hi\"" <a@x.test>', [('say "hi"', "a@x.test")]),
        ("<a@x.test>", [("", "a@x.test")]),
        ("a@x.test (Jane)", [("Jane", "a@x.test")]),
        ("(Jane) a@x.test", [("Jane", "a@x.test")]),
        ("team: a@x.test, Jane <b@x.test>;", [("", "a@x.test"), ("Jane", "b@x.test")]),
        ("team: a@x.test;, c@x.test", [("", "a@x.test"), ("", "c@x.test")]),
        ("undisclosed-recipients:;", []),
        ("postmaster", [("", "postmaster")]),
        ("Doe, Jane <a@x.test>", [("", "Doe"), ("Jane", "a@x.test")]),
        ("a@[127.0.0.1]", [("", "a@[127.0.0.1]")]),
        ('"jane doe"@x.test', [("", '"jane doe"@x.test')]),
        ("a@X.Test", [("", "a@X.Test")]),
        ("a@exämple.test", [("", "a@xn--exmple-cua.test")]),
        ("=?utf-8?q?J=C3=B6rg?= <a@x.test>", [("Jörg", "a@x.test")]),
        ("a@x.test\r\n", [("", "a@x.test")]),
        ("Jane\r\n Doe <a@x.test>", [("Jane Doe", "a@x.test")]),
        ("", []),
    ],
)
def test_what_the_connector_takes_is_taken(text: str, found: list[tuple[str, str]]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "a@x.test;b@x.test",
        "a@x.test b@x.test",
        "not an address",
        "a@b@x.test",
        "a@",
        "@x.test",
        "a@x..test",
        "<a@x.test",
        '"Jane <a@x.test>',
        "a@x.test\r\nX-Injected: yes",
        "Jane\r\nBcc: evil@x.test",
        "<a@x.test> <b@x.test>",
        "a: b: c@x.test;",
        "a\0b@x.test",
    ],
)
def test_what_is_no_list_of_addresses_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        addresses(text)


@given(st.text(alphabet='ab@<>,;:"()[]\\ .\r\n\0é', max_size=30))
def test_nothing_that_breaks_a_line_gets_through(text: str) -> None:
    try:
        found = addresses(text)
    except AddressError:
        return
    assert not any(set("\r\n\0") & set(one.address + one.name) for one in found)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("=?utf-8?Q?already_encoded?=", "already encoded"),
        ("=?utf-8?b?w7w=?= and more", "ü and more"),
        ("=?unknown?q?x?=", "=?unknown?q?x?="),
        ("ü =?utf-8?q?x?=", "ü =?utf-8?q?x?="),
        ("1 =? 2 ?= 3", "1 =? 2 ?= 3"),
    ],
)
def test_a_text_that_is_encoded_already_reads_the_same(text: str, seen: str) -> None:
    assert as_read(text) == seen
