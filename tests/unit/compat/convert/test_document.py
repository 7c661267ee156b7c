"""Files are read as XML and edited as text."""

from __future__ import annotations

import pytest

from zeebe_mail.compat.convert.document import Document, NoModelError

OPENING = b"<d:definitions xmlns:d='http://www.omg.org/spec/BPMN/20100524/MODEL'>"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "is no XML"),
        (b"<a/>", "is no BPMN 2.0"),
        (OPENING, "is no XML"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "save it in UTF-8"),
        ("<a/>".encode("utf-16"), "save it in UTF-8"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE"),
    ],
)
def test_what_is_no_model_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(NoModelError, match=reason):
        Document(text)


@pytest.mark.parametrize(
    ("written", "edited"),
    [
        (b"<a x = \"1\"  y='>'/>", b"<a x = \"&#34;&lt;\"  y='>'/>"),
        (b"<a\n\tx='1'\n>t</a >", b"<a\n\tx='&#34;&lt;'\n>t</a >"),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_attribute_is_all_that_changes(written: bytes, edited: bytes, mark: bytes) -> None:
    before, behind = b"<!-- > -->\r\n<?pi > ?>", b"<![CDATA[ </a> ]]><b><a/></b></d:definitions>"
    document = Document(mark + OPENING + before + written + behind)
    document.set(document.root.children[0], x='"<')
    assert document.edited() == mark + OPENING + before + edited + behind


def test_elements_come_and_go_with_their_lines() -> None:
    document = Document(OPENING + b"\n  <a>1</a>\n  <b />\n  <c/>\n</d:definitions>")
    first, second, third = document.root.children
    document.remove(first)
    document.remove(second)
    document.add_after(third, x="1")
    document.add_after(third, x="2")
    assert document.edited() == OPENING + b'\n  <c/>\n  <c x="1"/>\n  <c x="2"/>\n</d:definitions>'
