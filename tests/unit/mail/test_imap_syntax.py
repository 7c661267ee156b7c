"""Words of IMAP: what is written, what is read, and names of mailboxes both ways."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.errors import InputError
from zeebe_mail.mail.imap import mailbox_names
from zeebe_mail.mail.imap.connection import ImapViolation, Literal, Response
from zeebe_mail.mail.imap.syntax import MAX_DEPTH, Node, astring, decoded_name, encoded_name, parse, string

NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)


def words(text: str, *literals: bytes) -> list[Node]:
    return parse(Response(f"* {text}\r\n".encode(), literals))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SEARCH", [b"SEARCH"]),
        ("SEARCH 1 2", [b"SEARCH", b"1", b"2"]),
        ('LIST (\\A \\B) "/" "a b"', [b"LIST", [b"\\A", b"\\B"], b"/", b"a b"]),
        ('LIST () NIL "NIL"', [b"LIST", [], None, b"NIL"]),
        ('X "a\\"b\\\\c"', [b"X", b'a"b\\c']),
        ('X "" ((())())', [b"X", b"", [[[]], []]]),
        ("1 (BODY[HEADER.FIELDS (DATE FROM)]<0> 5)", [b"1", [b"BODY[HEADER.FIELDS (DATE FROM)]<0>", b"5"]]),
        ("1 FETCH (FLAGS (\\Seen $a [b))", [b"1", b"FETCH", [b"FLAGS", [b"\\Seen", b"$a", b"[b"]]]),
    ],
)  # fmt: skip
def test_words_are_told_apart(text: str, expected: list[Node]) -> None:
    assert words(text) == expected


def test_a_literal_stands_where_its_size_does() -> None:
    assert words("1 FETCH (A {3}\r\n B ~{0}\r\n)", b"(x)", b"") == [b"1", b"FETCH", [b"A", b"(x)", b"B", b""]]


@pytest.mark.parametrize("text", ["(", ")", '"', '"a', "{3}\r\n", "x {3} y", "(()", '"a\r\nb"'])
def test_what_is_no_response_is_refused(text: str) -> None:
    with pytest.raises(ImapViolation):
        words(text)


def test_what_nests_too_deeply_is_left_out() -> None:
    deep = "(" * 1000 + "x" + ")" * 1000
    [node, after] = words(f"{deep} after")
    depth = 0
    while node:
        [node] = node  # type: ignore[misc]
        depth += 1
    assert depth == MAX_DEPTH - 1
    assert after == b"after"


@given(st.binary(max_size=300))
def test_any_bytes_end_in_words_or_a_violation(data: bytes) -> None:
    with contextlib.suppress(ImapViolation):
        parse(Response(b"* " + data + b"\r\n"))


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\n"), max_size=60))
def test_a_string_comes_back_as_it_was(text: str) -> None:
    piece = string(text.encode())
    if isinstance(piece, Literal):
        assert piece == text.encode()
    else:
        assert parse(Response(b"* " + piece + b"\r\n")) == [text.encode()]


@pytest.mark.parametrize("text", ["a\r\nX DELETE y", "a\nb", "\x7f", "é", "\t"])
def test_what_a_quoted_string_cannot_hold_is_a_literal(text: str) -> None:
    assert isinstance(string(text.encode()), Literal)


@pytest.mark.parametrize("text", ["", "a b", "(x)", "{5}", "NIL", 'a"', "a*", "a%", "a\\", "[x]"])
def test_what_is_no_atom_is_quoted(text: str) -> None:
    piece = astring(text.encode())
    assert not isinstance(piece, Literal)
    assert piece.startswith(b'"')
    assert piece.endswith(b'"')


# ── modified UTF-7 ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("INBOX", b"INBOX"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501, 5.1.3
        ("Entwürfe", b"Entw&APw-rfe"),
        ("R&D", b"R&-D"),
        ("&&", b"&-&-"),
        ("ä&", b"&AOQ-&-"),
        ("🙂", b"&2D3eQg-"),
    ],
)
def test_names_in_modified_utf7(path: str, name: bytes) -> None:
    assert encoded_name(path) == name
    assert decoded_name(name) == path


@given(NAMES)
def test_any_name_comes_back_as_it_was(path: str) -> None:
    name = encoded_name(path)
    assert name.isascii()
    assert name.decode().isprintable()
    assert decoded_name(name) == path


@pytest.mark.parametrize(("name", "path"), [("Entwürfe".encode(), "Entwürfe"), (b"a&b", "a&b"), (b"&2D0-", "&2D0-")])
def test_a_name_that_is_no_modified_utf7_is_taken_as_it_is(name: bytes, path: str) -> None:
    assert decoded_name(name) == path


# ── names that processes write ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "delimiter", "prefix", "path"),
    [
        ("Archive", "/", "", "Archive"),
        ("Archive.2026", "/", "", "Archive/2026"),
        ("Archive/2026", ".", "", "Archive.2026"),
        ("Archive/2026", ".", "INBOX.", "INBOX.Archive.2026"),
        ("INBOX.Archive", ".", "INBOX.", "INBOX.Archive"),
        ("inbox/Archive", ".", "INBOX.", "INBOX.Archive"),
        ("a/b.c", "/", "", "a/b.c"),
        ("a/b", None, "", "a/b"),
    ],
)
def test_a_path_in_the_servers_way(name: str, delimiter: str | None, prefix: str, path: str) -> None:
    assert mailbox_names.in_the_servers_way(name, delimiter, prefix) == path
    assert path in mailbox_names.candidates(name, delimiter, prefix)
    assert mailbox_names.candidates(name, delimiter, prefix)[0] == name


@pytest.mark.parametrize("name", ["inbox", "INBOX", "InBox"])
def test_inbox_has_no_case(name: str) -> None:
    assert mailbox_names.candidates(name, "/", "") == ["INBOX"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0", "\x85", "\ud800", "x" * 1001])
def test_a_name_that_cannot_be_one(name: str) -> None:
    with pytest.raises(InputError, match="must"):
        mailbox_names.checked(name)


def test_the_nearest_names_are_told() -> None:
    paths = ["INBOX", "Archive/Invoices", "Trash", "Sent"]
    assert mailbox_names.nearest("invoice", paths) == ["Archive/Invoices"]
    assert mailbox_names.nearest("trahs", paths) == ["Trash"]
    assert mailbox_names.nearest("zzzzz", paths) == []
