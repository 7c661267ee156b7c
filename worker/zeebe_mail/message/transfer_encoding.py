"""Content transfer encodings (RFC 2045, 6), decoded as far as possible: never an error, in linear time."""

from __future__ import annotations

import binascii
import re
from itertools import islice
from typing import Literal

TransferEncoding = Literal["identity", "base64", "quoted-printable", "uuencode"]

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_BASE64_RUNS = 1000  # of stretches that each end in padding; more are no base64
_BLANKS_AFTER_EQUALS = re.compile(rb"=[ \t]++(?=\r?\n|\Z)")
_LINE = re.compile(rb"[^\r\n]++")
_UU_LINES = 700_000  # of 61 characters: more is no message that is read
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.MULTILINE)

_NAMES: dict[str, TransferEncoding] = {
    "base64": "base64",
    "b": "base64",
    "quoted-printable": "quoted-printable",
    "quotedprintable": "quoted-printable",
    "qp": "quoted-printable",
    "q": "quoted-printable",
    "x-uuencode": "uuencode",
    "uuencode": "uuencode",
    "x-uue": "uuencode",
    "uue": "uuencode",
}


def named(value: str) -> TransferEncoding:
    """The encoding that a Content-Transfer-Encoding header means; all others leave the bytes as they are."""
    name = re.split(r"[;\s(]", value.strip(" \t\"'").lower(), maxsplit=1)[0]
    return _NAMES.get(name, "identity")


def decode(data: memoryview | bytes, encoding: TransferEncoding) -> bytes | memoryview:
    """The bytes that were encoded; what cannot be decoded is left out or stays as it is."""
    match encoding:
        case "base64":
            return base64_bytes(bytes(data))
        case "quoted-printable":
            return quoted_printable_bytes(bytes(data))
        case "uuencode":
            return _uuencode_bytes(bytes(data))
        case "identity":
            return data


def base64_bytes(data: bytes) -> bytes:
    """Base64 without regard to line breaks, missing padding, stray characters, and padding in between."""
    clean = data.translate(None, delete=_NOT_BASE64).rstrip(b"=")
    if b"=" not in clean:
        return _unpadded(clean)
    runs = re.split(rb"=++", clean, maxsplit=_BASE64_RUNS)
    runs[-1] = runs[-1].replace(b"=", b"")
    return b"".join(map(_unpadded, runs))


def quoted_printable_bytes(data: bytes) -> bytes:
    """Quoted-printable; an ``=`` that begins nothing stands for itself."""
    return binascii.a2b_qp(_BLANKS_AFTER_EQUALS.sub(b"=", data))


def _unpadded(run: bytes) -> bytes:
    if len(run) % 4 == 1:
        run = run[:-1]  # six bits are no byte
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


def _uuencode_bytes(data: bytes) -> bytes:
    begin = _UU_BEGIN.search(data)
    if begin is None:
        return data
    decoded = bytearray()
    for found in islice(_LINE.finditer(data, begin.end()), _UU_LINES):
        line = found[0].rstrip(b" \t")
        if line == b"end":
            break
        try:
            decoded += binascii.a2b_uu(line) if line else b""
        except binascii.Error:
            # Some programs write a line longer than its count says; take what the count says.
            decoded += _uu_line(line)
    return bytes(decoded)


def _uu_line(line: bytes) -> bytes:
    length = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return binascii.a2b_uu(line[:length])
    except binascii.Error:
        return b""
