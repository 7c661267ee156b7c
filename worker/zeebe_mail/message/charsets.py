"""From bytes and the name of a charset to text: only charsets of a list, and never an error."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zeebe_mail.message.charset_guess import guess

# Labels in use (WHATWG Encoding Standard, IANA), without `-`, `_`, `:` and blanks, and Python's codec for each. The
# supersets that browsers take are taken here: mail labelled ISO-8859-1 is full of Windows-1252.
_LABELS: dict[str, str] = {
    **dict.fromkeys(("utf8", "unicode11utf8", "utf8mb4", "csutf8"), "utf-8"),
    **dict.fromkeys(("cputf8", "cp65001", "utf", "unicode20utf8"), "utf-8"),
    **dict.fromkeys(("utf16", "unicode", "ucs2", "iso10646ucs2", "csunicode"), "utf-16"),
    **dict.fromkeys(("utf16le", "unicodelittle"), "utf-16-le"),
    **dict.fromkeys(("utf16be", "unicodebig", "unicodefffe"), "utf-16-be"),
    **dict.fromkeys(("utf32", "ucs4"), "utf-32"),
    "utf32le": "utf-32-le",
    "utf32be": "utf-32-be",
    **dict.fromkeys(("utf7", "unicode11utf7", "csutf7", "xunicode20utf7"), "utf-7"),
    **dict.fromkeys(("ascii", "usascii", "ansix3.41968", "ansix3.41986", "iso646us", "iso646.irv1991", "us"), "cp1252"),
    **dict.fromkeys(("csascii", "isoir6", "cp367", "ibm367", "ansi", "xansi", "646"), "cp1252"),
    **dict.fromkeys(("iso88591", "iso885911987", "latin1", "l1"), "cp1252"),
    **dict.fromkeys(("isoir100", "cp819", "ibm819", "csisolatin1"), "cp1252"),
    **dict.fromkeys(("iso8859", "88591", "iso8859.1", "isolatin1", "westerneuropean", "isowesterneuropean"), "cp1252"),
    **{f"iso8859{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **dict.fromkeys(("iso88599", "latin5", "l5", "csisolatin5", "isoir148"), "cp1254"),
    **dict.fromkeys(("latin2", "l2", "isoir101", "csisolatin2", "iso885921987"), "iso8859-2"),
    **dict.fromkeys(("latin3", "l3", "csisolatin3"), "iso8859-3"),
    **dict.fromkeys(("latin4", "l4", "csisolatin4"), "iso8859-4"),
    **dict.fromkeys(("cyrillic", "isoir144", "csisolatincyrillic"), "iso8859-5"),
    **dict.fromkeys(("arabic", "iso88596e", "iso88596i", "isoir127", "csisolatinarabic", "asmo708"), "iso8859-6"),
    **dict.fromkeys(("greek", "greek8", "isoir126", "csisolatingreek", "elot928"), "iso8859-7"),
    **dict.fromkeys(("hebrew", "iso88598i", "iso88598e", "logical", "visual", "csisolatinhebrew"), "iso8859-8"),
    **dict.fromkeys(("latin6", "l6"), "iso8859-10"),
    **dict.fromkeys(("latin9", "latin0", "csisolatin9", "iso885915fdis"), "iso8859-15"),
    **dict.fromkeys(("iso885911", "tis620", "dos874", "windows874", "cp874", "tis6202533"), "cp874"),
    **{f"{prefix}125{n}": f"cp125{n}" for n in range(9) for prefix in ("windows", "cp", "xcp", "win", "ibm125", "ms")},
    **{f"{prefix}{n}": f"cp{n}" for n in (437, 737, 775, 850, 852, 855) for prefix in ("cp", "ibm", "dos")},
    **{f"{prefix}{n}": f"cp{n}" for n in (857, 858, 860) for prefix in ("cp", "ibm", "dos")},
    **{f"{prefix}{n}": f"cp{n}" for n in (861, 862, 863, 864, 865, 866, 869) for prefix in ("cp", "ibm", "dos")},
    **dict.fromkeys(("koi8r", "koi8", "koi", "cskoi8r"), "koi8-r"),
    **dict.fromkeys(("koi8u", "koi8ru"), "koi8-u"),
    "koi8t": "koi8-t",
    **dict.fromkeys(("macintosh", "mac", "macroman", "xmacroman", "csmacintosh"), "mac-roman"),
    **dict.fromkeys(("xmaccyrillic", "maccyrillic", "xmacukrainian"), "mac-cyrillic"),
    **dict.fromkeys(("macgreek", "xmacgreek"), "mac-greek"),
    **dict.fromkeys(("macturkish", "xmacturkish"), "mac-turkish"),
    **dict.fromkeys(("maclatin2", "macce", "xmacce", "maccentraleurope"), "mac-latin2"),
    **dict.fromkeys(("gb18030", "gb2312", "gbk", "cngb"), "gb18030"),
    **dict.fromkeys(("csgb2312", "xgbk", "cp936", "ms936", "windows936"), "gb18030"),
    **dict.fromkeys(("euccn", "xeuccn", "chinese", "gb23121980", "isoir58", "gb231280"), "gb18030"),
    **dict.fromkeys(("hz", "hzgb2312"), "hz"),
    **dict.fromkeys(("big5", "big5hkscs", "cnbig5", "csbig5", "xxbig5", "big5eten"), "big5hkscs"),
    **dict.fromkeys(("cp950", "windows950", "ms950"), "cp950"),
    **dict.fromkeys(("shiftjis", "sjis", "xsjis", "mskanji", "csshiftjis", "windows31j", "cp932", "ms932"), "cp932"),
    **dict.fromkeys(("windows932", "cswindows31j", "shiftjisx0213"), "cp932"),
    **dict.fromkeys(("eucjp", "xeucjp", "cseucpkdfmtjapanese", "ujis", "eucjpms"), "euc-jp"),
    **dict.fromkeys(("iso2022jp", "csiso2022jp", "jis"), "iso2022-jp-ext"),
    **dict.fromkeys(("iso2022jp1", "iso2022jpms", "cp50220", "cp50221"), "iso2022-jp-ext"),
    **dict.fromkeys(("iso2022jp2", "csiso2022jp2"), "iso2022-jp-2"),
    "iso2022jp3": "iso2022-jp-3",
    "iso2022jp2004": "iso2022-jp-2004",
    **dict.fromkeys(("euckr", "korean", "ksc56011987", "ksc5601", "ksc56011989", "cseuckr", "isoir149"), "cp949"),
    **dict.fromkeys(("windows949", "cp949", "uhc", "ms949", "xwindows949", "ksc5601.1987"), "cp949"),
    **dict.fromkeys(("iso2022kr", "csiso2022kr"), "iso2022-kr"),
    "johab": "johab",
}  # fmt: skip

_NOT_IN_LABELS = re.compile(r"[-_: \t\"']")
_SHIFTED = re.compile(rb"\x1b\$[@BA(]|\x1b\(J")
_UTF8_CHARACTER = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_KANJI = re.compile(rb"\x1b\$[@B]([^\x1b\r\n]*+)(?:\x1b\([BJ])?")
_JIS_PAIR = re.compile(rb"[!-~]{2}")
_WIDE = re.compile(rb"(?:[\t\r\n -~]\0){4}|(?:\0[\t\r\n -~]){4}")
_ESCAPED = re.compile(r"[\udc80-\udcff]")
_OTHER = re.compile(r"[^\x00-\x7f\udc80-\udcff]")
_LONE = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, and what had to be done for it beyond reading it as labelled."""

    text: str
    problem: str | None = None


def codec(label: str | None) -> str | None:
    """Python's codec for a charset label, if it is one that we read."""
    if not label:
        return None
    name = _NOT_IN_LABELS.sub("", label.partition("*")[0].strip().lower().removeprefix("charset=")[:64])
    return _LABELS.get(name)


def decode(data: bytes, label: str | None) -> Decoded:
    """Read bytes as labelled; where that fails as UTF-8, else as what most such mail is: Windows-1252."""
    try:
        return _decoded(data, label)
    except MemoryError:
        raise
    except Exception:  # a bug of ours or of a codec: one header must cost nobody the search of a whole mailbox
        return _repaired(data.decode("utf-8", errors="replace"), "The text could not be decoded.")


def _decoded(data: bytes, label: str | None) -> Decoded:
    known = codec(label)
    if known is None and not label and data.isascii() and b"\0" not in data and b"\x1b" not in data:
        return Decoded(data.decode("ascii"), None)  # as nearly every header is
    if known is None:
        text = _guessed(data)
        named = f'The charset "{printable(label[:40])}" is not known; the text was read without it.' if label else None
        return _repaired(text, named)
    if known == "cp1252" and not _is_latin1(label):
        return _repaired(_guessed(data), None)
    try:
        return _repaired(_strict(data, known), None)
    except (UnicodeError, ValueError):
        pass
    problem = f"Some bytes are not {printable((label or '')[:40])}; the text was read as well as possible."
    return _repaired(_best(data, known), problem)


def utf8(data: bytes, label: str | None) -> bytes:
    """8-bit bytes of a header in UTF-8, if they are not and the charset of the text fits."""
    known = codec(label)
    if known is None or known.startswith("utf") or data.isascii():
        return data
    try:
        data.decode("utf-8")
    except UnicodeError:
        pass
    else:
        return data
    try:
        return data.decode(known).encode()
    except UnicodeError:
        return data


def printable(text: str) -> str:
    """Text without anything that could hurt a log line."""
    return "".join(char if char.isprintable() else "?" for char in text)


def repair(text: str) -> str:
    """Text without NUL and halves of characters, which neither JSON readers nor databases take."""
    return _LONE.sub("\ufffd", text) if _LONE.search(text) else text


def _repaired(text: str, problem: str | None) -> Decoded:
    whole = repair(text.removeprefix("\ufeff"))
    if problem is None and "\ufffd" in whole and whole != text.removeprefix("\ufeff"):
        problem = "NUL or broken characters in the text were replaced."
    return Decoded(whole, problem)


def _is_latin1(label: str | None) -> bool:
    return "ascii" not in (name := (label or "").lower()) and "ansi" not in name and "646" not in name


def _strict(data: bytes, name: str) -> str:
    if name == "cp1252":
        return _windows(data)
    if name == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        # Big endian (RFC 2781, 4.3), if it does not look like the other.
        name = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
    return data.decode(name)


def _best(data: bytes, name: str) -> str:
    if name == "utf-8" and not _UTF8_CHARACTER.search(data):
        return _windows(data)
    if name != "utf-8":
        try:
            text = data.decode("utf-8")
        except UnicodeError:
            pass
        else:
            if not data.isascii():
                return text
    if name == "utf-8":
        return _mixed(data)
    if name.startswith("iso2022-jp"):
        return _shifted(data, name)
    return data.decode(name, errors="replace")


def _mixed(data: bytes) -> str:
    """UTF-8 into which somebody copied Windows-1252; if only a little is not UTF-8, it is broken rather."""
    text = data.decode("utf-8", errors="surrogateescape")
    strange = len(_ESCAPED.findall(text))
    if strange * 2 < len(_OTHER.findall(text)):
        return data.decode("utf-8", errors="replace")
    return text.translate(_UNESCAPED)


def _shifted(data: bytes, name: str) -> str:
    """ISO-2022-JP with the characters that Windows has in addition, such as numbers in circles (CP50221)."""
    try:
        return data.decode(name)
    except UnicodeError:
        pass
    pieces: list[str] = []
    end = 0
    for kanji in _KANJI.finditer(data):
        pieces += (data[end : kanji.start()].decode(name, errors="replace"), _kanji(kanji[1]))
        end = kanji.end()
    return "".join((*pieces, data[end:].decode(name, errors="replace")))


def _kanji(pairs: bytes) -> str:
    """JIS X 0208 in seven bits, read as Shift JIS. Bytes that are of no pair, such as blanks, are passed over."""
    shifted = bytearray()
    for row, cell in _JIS_PAIR.findall(pairs):
        shifted.append((row + 1) // 2 + (0x70 if row < 0x5F else 0xB0))
        shifted.append(cell + 0x7E if row % 2 == 0 else cell + 0x1F + (cell > 0x5F))
    return shifted.decode("cp932", errors="replace")


def _guessed(data: bytes) -> str:
    if data.isascii():
        if _SHIFTED.search(data):
            return _shifted(data, "iso2022-jp-ext")
        if _WIDE.match(data):
            return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", errors="replace")
        return data.decode("ascii")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeError:
        pass
    codec = guess(data)
    return data.decode(codec, errors="replace") if codec else _windows(data)


def _windows(data: bytes) -> str:
    """Windows-1252, and the five bytes that it leaves open as in Latin-1."""
    try:
        return data.decode("cp1252")
    except UnicodeError:
        return data.decode("latin-1").translate(_C1)


_C1 = {byte: bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(128, 160)}
_UNESCAPED = {0xDC00 + byte: bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(128, 256)}
