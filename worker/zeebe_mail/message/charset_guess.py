"""Which charset bytes without a label are in, told by the characters that are frequent in a language.

Only scripts that fill whole words with 8-bit bytes are told from each other; single accents are not enough to go by.
"""

from __future__ import annotations

import re

_SAMPLE = 16 * 1024  # bytes
_UNREADABLE = 0.02  # of the characters, at most

_RUNS = re.compile(rb"[\x80-\xff]{3,}")
_ASCII = re.compile(r"[\x00-\x7f]+")

_KANA = frozenset(map(chr, range(0x3041, 0x30FF)))
_HANGUL = frozenset("이다는을를에의가은니하지고로사요습안녕세해시기한대합어서나자도있")
_SIMPLIFIED = frozenset(
    "的一是不了在人有我这个们中来上大为和到以说时要会可你对能于下年过发后用行家事成方多好您请公司件信日月明天谢开"
)
_TRADITIONAL = frozenset(
    "的一是不了在人有我這個們中來上大為和到以說時要會可你對能於下年過發後用行家事成方多好您請公司件信日月明天謝開"
)
_CYRILLIC = frozenset("оеаинтсрвлкмдпу")

# Of thousands of characters a few are enough; of an alphabet most letters must be the frequent ones.
_IDEOGRAPHS = (
    ("cp932", _KANA),
    ("euc-jp", _KANA),
    ("gb18030", _SIMPLIFIED),
    ("big5hkscs", _TRADITIONAL),
    ("cp949", _HANGUL),
)
_FEW = 0.15
_ALPHABETS = (
    ("cp1251", _CYRILLIC),
    ("koi8-r", _CYRILLIC),
    ("cp866", _CYRILLIC),
    ("iso8859-5", _CYRILLIC),
    ("cp1253", frozenset("αοιετνσςρηυπκλμάίόέή")),
    ("cp1255", frozenset("יוהלאשתמברנ")),
    ("cp1256", frozenset("اليمونتربعدج")),
)
_MOST = 0.6


def guess(data: bytes) -> str | None:
    """Python's codec for 8-bit text that is not UTF-8, if it is clearly in one of the scripts above."""
    sample = data[:_SAMPLE]
    high = len(sample) - len(sample.translate(None, delete=bytes(range(128, 256))))
    if 2 * sum(map(len, _RUNS.findall(sample))) <= high:
        return None
    return _best(sample, _IDEOGRAPHS, _FEW) or _best(sample, _ALPHABETS, _MOST)


def _best(sample: bytes, candidates: tuple[tuple[str, frozenset[str]], ...], enough: float) -> str | None:
    score, codec = max((_score(sample, codec, frequent), codec) for codec, frequent in candidates)
    return codec if score >= enough else None


def _score(sample: bytes, codec: str, frequent: frozenset[str]) -> float:
    """The share of frequent characters among those that are not ASCII."""
    text = _ASCII.sub("", sample.decode(codec, errors="replace")).lower()
    if not text or text.count("\ufffd") > 1 + _UNREADABLE * len(text):
        return 0
    return sum(char in frequent for char in text) / len(text)
