"""Mail that nobody of us wrote (../shared/corpus/eml): compared with what two other parsers agree on.

An opinion is no proof; where we differ for a reason, ``corpus_exceptions.json`` says it.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.unit.message.test_hostile import check
from zeebe_mail.message.parse import parse
from zeebe_mail.message.parsed import ParsedMessage

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "eml"
EXCEPTIONS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("corpus_exceptions.json").read_text("utf-8")
)
RECOVERED = 0.98

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the mail corpus is not at ../shared/corpus/eml")


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / name).read_text("utf-8").splitlines()]


@cache
def _parsed(file: str) -> ParsedMessage:
    return parse((CORPUS / file).read_bytes())


def _words(text: str | None) -> list[str]:
    return re.findall(r"\w+", text or "")


def _texts(message: ParsedMessage) -> Iterator[str]:
    yield from (text for text in (message.text, message.html) if text)
    for nested in message.messages:
        yield from _texts(nested)


def _has_text(opinion: dict[str, Any], message: ParsedMessage) -> bool:
    """The beginning of the text that both agree on is there; its last word may be cut."""
    found = set(_words(" ".join(_texts(message))))
    return all(word in found for word in _words(opinion["text_head"])[:-1])


def _has_subject(opinion: dict[str, Any], message: ParsedMessage) -> bool:
    return (opinion["subject"] or "").split() == (message.subject or "").split()


def _has_sender(opinion: dict[str, Any], message: ParsedMessage) -> bool:
    """They agree on the first one."""
    first = next((address for address in opinion["from"] if address), None)
    return (first or "").lower() == (message.from_address or "").lower()


def _has_attachments(opinion: dict[str, Any], message: ParsedMessage) -> bool:
    """The same names (none counts too), however they are shown."""
    theirs = sorted(one["name"] or "" for one in opinion["attachments"])
    return theirs == sorted(one.file_name or "" for one in (*message.attachments, *message.inline_parts))


def test_every_message_is_read() -> None:
    for line in _lines("manifest.jsonl"):
        message = _parsed(line["file"])
        check(message)
        # A boundary of more than 4 KB.
        assert message.parse_error is None or "very-very-long-boundary" in line["file"], line["file"]
        assert message.size == line["bytes"]


@pytest.mark.parametrize(
    ("field", "agreed", "holds"),
    [
        ("text", "text", _has_text),
        ("subject", "subject", _has_subject),
        ("from", "sender", _has_sender),
        ("attachments", "att", _has_attachments),
    ],
)
def test_what_both_opinions_agree_on_is_found(field: str, agreed: str, holds: Any) -> None:
    """Of each field in 98 %; that we differ in just those that have a reason keeps the list true."""
    lines = [line for line in _lines("second_opinion.jsonl") if line["agree"][agreed]]
    different = {line["file"] for line in lines if not holds(line["postal_mime"], _parsed(line["file"]))}
    assert different == set(EXCEPTIONS[field])
    lost = [file for file in different if "as well" not in EXCEPTIONS[field][file]]
    assert len(lost) <= (1 - RECOVERED) * len(lines)


def test_no_text_of_the_expected_leaves_is_lost() -> None:
    """What mime4j expects of each text part is somewhere in our texts or parts."""
    lost = set()
    for line in _lines("manifest.jsonl"):
        message = _parsed(line["file"])
        parts = b" ".join(message.content(part) for part in message.parts()).decode("utf-8", "replace")
        found = set(_words(" ".join((*_texts(message), parts))))
        for leaf in line.get("expected", {}).get("decoded_leaves", []):
            if (leaf["content_type"] or "").startswith("text/") and not set(_words(leaf.get("text"))) <= found:
                lost.add(line["file"])
    # A line that differs from the boundary in blanks at its end is a boundary for us (RFC 2046, 5.1.1), and no text.
    assert lost == {f"mime4j/testmsgs-{name}-boundary.eml" for name in ("weird", "very-long", "very-very-long")}


def test_addresses_and_names_are_as_expected_by_their_source() -> None:
    """Literals asserted in the specs of Ruby's mail."""
    accessors = {
        "to": lambda message: [one.address for one in message.to],
        "cc": lambda message: [one.address for one in message.cc],
        "reply_to": lambda message: [one.address for one in message.reply_to],
        "subject": lambda message: message.subject,
        "message_id": lambda message: (message.message_id or "").strip("<>"),
        "attachments.length": lambda message: len(message.attachments),
        "attachments.first.filename": lambda message: message.attachments[0].file_name,
        "body.decoded": lambda message: message.text,
    }
    different = []
    for line in _lines("manifest.jsonl"):
        if line["source"] == "mikel/mail":
            for name, expected in line.get("expected", {}).items():
                if name in accessors and accessors[name](_parsed(line["file"])) != expected:
                    different.append((line["file"], name))
    assert different == [
        # A route before an address and blanks in one are no part of it.
        ("ruby-mail/rfc2822-example11.eml", "to"),
        # Theirs is the whole header; blanks in an identifier stay for us.
        ("ruby-mail/rfc2822-example13.eml", "to"),
        ("ruby-mail/rfc2822-example13.eml", "message_id"),
        # A tab in a folded line is a blank.
        ("ruby-mail/rfc2822-example14.eml", "subject"),
    ]
