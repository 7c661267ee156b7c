"""A payload is its pieces, whatever way it is read."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.message.payload import Base64, Payload

BLOCK = 57 * 512


def pattern(size: int) -> bytes:
    return (bytes(range(256)) * (size // 256 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 114, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 100])
def test_files_are_encoded_as_the_standard_library_does(size: int) -> None:
    encoded = Base64(pattern(size))
    assert b"".join(encoded) == base64.encodebytes(pattern(size)).replace(b"\n", b"\r\n")
    assert len(encoded) == len(b"".join(encoded))


@given(st.lists(st.binary(max_size=200) | st.binary(max_size=200).map(Base64), max_size=6))
def test_length_chunks_and_whole_agree(pieces: list[bytes | Base64]) -> None:
    payload = Payload(*pieces)
    expected = b"".join(piece if isinstance(piece, bytes) else b"".join(piece) for piece in pieces)
    assert bytes(payload) == b"".join(payload) == b"".join(payload) == expected
    assert len(payload) == len(expected)
    assert payload.is_ascii == expected.isascii()
    assert bytes(payload.behind(b"Bcc: x\r\n")) == b"Bcc: x\r\n" + expected


def test_an_ordinary_mail_is_one_chunk() -> None:
    assert [len(chunk) for chunk in Payload(b"a", b"b", b"c")] == [3]


def test_nothing_is_handed_out_in_one_large_piece() -> None:
    payload = Payload(b"x" * 3_000_000, Base64(pattern(3_000_000)))
    assert max(map(len, payload)) <= 2**18
    assert len(bytes(payload)) == len(payload)
