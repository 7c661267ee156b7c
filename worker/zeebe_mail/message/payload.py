"""The bytes of a message in pieces, so that files are encoded only while they are sent (RFC 2045, 6.8)."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from struct import Struct

_LINE = 57  # bytes that make a line of 76 characters, the most that RFC 2045 allows
_LINES = 512  # at a time: 39 kB, which stay in the processor's cache
_CUT = Struct("76s" * _LINES)
_CRLF = b"\r\n"
_CHUNK = 2**18  # bytes that are handed out at a time
_SMALL = 2**16  # bytes of a piece that is worth a copy


class Base64:
    """Bytes that are encoded each time they are read; only they themselves are kept."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        encoded = (len(self._data) + 2) // 3 * 4
        return encoded + (encoded + 75) // 76 * len(_CRLF)

    def __iter__(self) -> Iterator[bytes]:
        data = memoryview(self._data)
        for start in range(0, len(data), _LINE * _LINES):
            encoded = b2a_base64(data[start : start + _LINE * _LINES], newline=False)
            lines: Iterable[bytes] = (
                _CUT.unpack(encoded)
                if len(encoded) == _CUT.size
                else [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
            )
            yield _CRLF.join((*lines, b""))


Piece = bytes | Base64


class Payload:
    """A whole message: lines end in CRLF, and there is no NUL.

    ``len`` is its size in bytes, ``bytes`` is all of it, and iterating gives it in order and in chunks, each time the
    same.
    """

    __slots__ = ("_length", "_pieces")

    def __init__(self, *pieces: Piece) -> None:
        self._pieces = tuple(_joined(pieces))
        self._length = sum(map(len, self._pieces))

    def __len__(self) -> int:
        return self._length

    def __bytes__(self) -> bytes:
        return b"".join(self)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Base64):
                yield from piece
            elif len(piece) <= _CHUNK:
                yield piece
            else:
                for start in range(0, len(piece), _CHUNK):
                    yield piece[start : start + _CHUNK]

    @property
    def is_ascii(self) -> bool:
        """Whether it may travel without 8BITMIME (RFC 6152)."""
        return all(piece.isascii() for piece in self._pieces if isinstance(piece, bytes))

    def behind(self, head: bytes) -> Payload:
        """The same message with more header fields at its beginning."""
        return Payload(head, *self._pieces)


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same with small neighbours put together, so that an ordinary mail is one piece."""
    plain: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes) and len(piece) <= _SMALL:
            plain.append(piece)
            continue
        yield from _whole(plain)
        plain = []
        yield piece
    yield from _whole(plain)


def _whole(plain: list[bytes]) -> Iterator[bytes]:
    if plain:
        yield plain[0] if len(plain) == 1 else b"".join(plain)
