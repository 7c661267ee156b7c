"""Authentication-Results (RFC 8601): what the receiving server found out about the sender."""

from __future__ import annotations

import re

from zeebe_mail.message import encoded_words
from zeebe_mail.message.parsed import AuthenticationResult, AuthenticationResults

_LIMIT = 4096
_RESULTS = 100

_COMMENT = re.compile(r"\([^()]*+\)")
_METHOD = re.compile(r"\s*+([A-Za-z0-9-]+)(?:\s*/\s*\d+)?\s*=\s*([A-Za-z]+)")
_PROPERTY = re.compile(r'([A-Za-z0-9-]+(?:\s*\.\s*[A-Za-z0-9_-]+)?)\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))')
_PIECE = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*+"|")*+')


def read_authentication_results(values: list[bytes]) -> AuthenticationResults | None:
    """The topmost of these headers; a server adds its own on top (RFC 8601, 5), the others anybody may have written."""
    if not values:
        return None
    text = encoded_words.one_line(encoded_words.raw_text(values[0][:_LIMIT]))
    for _ in range(3):
        text = _COMMENT.sub(" ", text)
    server, *pieces = [found[0] for found in _PIECE.finditer(text) if found[0].strip()] or [""]
    names = server.split()
    if not names:
        return None
    if _METHOD.match(server):  # Microsoft 365 does not name itself
        names, pieces = [""], [server, *pieces]
    results = [one for piece in pieces[:_RESULTS] if (one := _result(piece))]
    return AuthenticationResults(names[0].strip('"').lower(), tuple(results))


def _result(piece: str) -> AuthenticationResult | None:
    verdict = _METHOD.match(piece)
    if not verdict:
        return None
    given = {
        "".join(name.split()).lower(): quoted or bare for name, quoted, bare in _PROPERTY.findall(piece, verdict.end())
    }
    reason = given.pop("reason", None)
    return AuthenticationResult(verdict[1].lower(), verdict[2].lower(), reason, given)
