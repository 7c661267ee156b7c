"""The newest part of a reply: without the history below it, quoted lines and the signature.

There is no standard for this; mail programs mark the history in about three ways (quote marks, a line such as "On …
wrote:", a block of headers), in the language of their user. A line with an address, a time and a colon at its end is
understood in any language where quoted lines follow.
"""

from __future__ import annotations

import re

_LINE_LIMIT = 400  # characters; a longer line is nobody's separator
_INTERLEAVED = 50  # histories with answers between their lines, in one text

_WROTE = re.compile(
    r"""(?:
      on\b.{4,}\bwrote | am\b.{4,}\b(?:schrieb|hat)\b.* | le\b.{4,}\ba\s+écrit | el\b.{4,}\bescribió
    | il\b.{4,}\bha\s+scritto
    | op\b.{4,}\bschreef\b.* | em\b.{4,}\bescreveu | (?:den|på)\b.{4,}\bskrev\b.* | .{4,}\bnapisał(?:\(a\)|a)?
    | (?:dnia|w\s+dniu)\b.{4,}\b(?:pisze|napisał.*) | .{4,}\b(?:пишет|написал(?:\(а\)|а)?) | .{4,}\bnapsal(?:\(a\)|a)?
    | .{4,}\bkirjoitti | .{4,}\byazdı | .{4,}のメール | .{4,}(?:書きました|写道|寫道|작성|님이\s*작성)
    | .{4,}\bwrote(?:\s+on\b.*)? | .{4,}\bschrieb\b.* | .{4,}\ba\s+écrit | .{4,}\bescribió | on\b.{4,}\bsent
    | .{4,}\bhet\s+volgende\s+geschreven | în\b.{4,}\ba\s+scris | .{4,}\bđã\s+viết | .{4,}\bέγραψε
    )\s*[:：]\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_STAMP = re.compile(r"\d[:.：]\d\d|\d{4}")
_OPENS = re.compile(
    r"(?:on|am|le|el|il|op|em|în|den|på|dnia|w dniu|\d{1,4}[-./年]|в|ve|dne|vào|στις|\S+ <)", re.IGNORECASE
)
_COLONS = (":", "：")
_DIVIDER = re.compile(
    r"[\s>]*(?:[-_*=‐]{2,}\s*(?:original(?:e)?\s+(?:message|appointment)|ursprüngliche\s+(?:nachricht|mail)|original-?nachricht"
    r"|(?:e-?mail\s+)?weitergeleitete\s+nachricht|message\s+(?:d'origine|original|transféré)|mensaje\s+(?:original|reenviado)"
    r"|messaggio\s+(?:originale|inoltrato)|oorspronkelijk\s+bericht|doorgestuurd\s+bericht|mensagem\s+(?:original|encaminhada)"
    r"|oprindelig\s+meddelelse|opprinnelig\s+melding|ursprungligt\s+meddelande|wiadomość\s+oryginalna|исходное\s+сообщение"
    r"|пересылаемое\s+сообщение|původní\s+zpráva|alkuperäinen\s+viesti|forwarded\s+(?:message|by\b.*)|原始邮件|原始郵件|转发邮件)"
    r"\s*[-_*=‐]{0,40}"
    r"|-{2,}\s*.{4,200}\bwrote\s*-{2,}"
    r"|begin\s+forwarded\s+message\s*:|anfang\s+der\s+weitergeleiteten\s+(?:nachricht|e-?mail)\s*:"
    r"|début\s+du\s+message\s+(?:transféré|réexpédié)\s*:|inicio\s+del\s+mensaje\s+reenviado\s*:)\s*",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"\W{0,3}(?:from|von|de|da|van|från|fra|od|от|lähettäjä|gönderen|发件人|寄件者|差出人|보낸\s*사람)\W{0,3}\s?[:：]",
    re.IGNORECASE,
)
_SENT = re.compile(
    r"\W{0,3}(?:sent|date|gesendet|datum|envoyé(?:\s+le)?|date|enviado(?:\s+el|\s+em)?|fecha|data|inviato|verzonden|skickat"
    r"|sendt|wysłano|отправлено|дата|odesláno|lähetetty|tarih|gönderilme(?:\s+tarihi)?|to|an|à|a|para|till|til|aan|do|кому|subject|betreff|objet|asunto|assunto"
    r"|发送时间|收件人|日期|寄件日期|送信日時|宛先|보낸\s*날짜)\W{0,3}\s?[:：]",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*(?:_{10,}|-{20,}|---)\s*")
_DIRECTIONS = str.maketrans("", "", "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SIGNATURE = re.compile(r"--\s?")


def newest_reply(text: str) -> str:
    """The text above the history. Answers between quoted lines stay, the quoted lines go."""
    lines = text.split("\n")
    end = _history(lines)
    own = [line for line in lines[:end] if not line.startswith(">")]
    return "\n".join(own[: _signature(own)]).strip()


def _history(lines: list[str]) -> int:
    """The line where the history begins; if replies stand between its lines, nothing is history but those quoted."""
    interleaved = 0
    for number, line in enumerate(lines):
        if not line or len(line) > _LINE_LIMIT or line.startswith(">"):
            continue
        if _DIVIDER.fullmatch(line) or _header_block(lines, number):
            return _with_rule(lines, number)
        if length := _attribution(lines, number):
            below = [one for one in lines[number + length :] if one.strip()]
            interleaved += 1
            if interleaved > _INTERLEAVED or not _answers_between(below):
                return number
            lines[number : number + length] = [">"] * length
    return len(lines)


def _answers_between(below: list[str]) -> bool:
    """Whether somebody wrote under quoted lines: there are quoted ones, and own ones before the signature."""
    if not below or not below[0].startswith(">"):
        return False
    own = [line for line in below if not line.startswith(">")]
    return bool(own[: _signature(own)])


def _attribution(lines: list[str], number: int) -> int:
    """How many lines "On …, somebody wrote:" takes here, if it stands here; none if not."""
    for length in (1, 2, 3):
        if length == 2 and not _OPENS.match(lines[number].lstrip()):
            return 0
        joined = " ".join(one.strip() for one in lines[number : number + length]).translate(_DIRECTIONS).strip()
        if not joined.endswith(_COLONS) or len(joined) > _LINE_LIMIT:
            continue
        if _WROTE.fullmatch(joined) or (_stamped(joined) and _quoted_below(lines, number + length)):
            return length
    return 0


def _stamped(line: str) -> bool:
    return "@" in line and _STAMP.search(line) is not None


def _quoted_below(lines: list[str], number: int) -> bool:
    return next((line.startswith(">") for line in lines[number : number + 4] if line.strip()), False)


def _header_block(lines: list[str], number: int) -> bool:
    """Outlook's way: From, and right below it Sent or To; or the same in another order, with an address."""
    line = lines[number]
    is_from = _FROM.match(line) is not None
    if not is_from and not _SENT.match(line):
        return False
    below = [one for one in lines[number + 1 : number + 5] if one.strip()][:3]
    others = sum(_SENT.match(one) is not None for one in below)
    if is_from:
        return others >= 2
    return others >= 1 and any(_FROM.match(one) and "@" in one for one in below)


def _with_rule(lines: list[str], number: int) -> int:
    """Where a history begins whose separator is in line ``number``: a rule right above belongs to it."""
    above = number - 1
    if above > 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and _RULE.fullmatch(lines[above]) else number


def _signature(lines: list[str]) -> int:
    """The line where the signature begins (RFC 3676, 4.3)."""
    for number, line in enumerate(lines):
        if line.startswith("--") and _SIGNATURE.fullmatch(line) and number:
            return number
    return len(lines)
