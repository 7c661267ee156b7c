"""A BPMN file as its author left it: elements know where they stand in the text, and edits touch nothing else.

XML libraries write a file anew: quotes, entities, line breaks in attributes and blanks before ``/>`` change, and a
person who compares the two versions sees every line. So the file is read with expat, which tells the byte where an
element begins, and edited as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"

_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
_ATTRIBUTE = re.compile(rb"""(\s+)([^\s=>]+)(\s*=\s*)("[^"]*"|'[^']*')""")
_BLANKS_BEFORE = re.compile(rb"\s*\Z")
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&#34;",
    "'": "&#39;",
    "\n": "&#10;",
    "\r": "&#13;",
    "\t": "&#9;",
}


class NoModelError(ValueError):
    """The file is no BPMN model that can be read; says why."""


@dataclass(slots=True, eq=False)
class Element:
    """An element, and where it stands: its tag from ``start`` to ``tag_end``, all of it up to ``end`` (bytes)."""

    namespace: str
    name: str
    attributes: dict[str, str]
    start: int
    tag_end: int
    end: int = 0
    children: list[Element] = field(default_factory=list)

    def all(self) -> Iterator[Element]:
        """This one and those in it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.all()

    def zeebe(self, *path: str) -> list[Element]:
        """The elements at the end of a path of Zeebe's names, beginning with the children."""
        found = [one for one in self.children if one.namespace == ZEEBE and one.name == path[0]]
        return found if len(path) == 1 else [deeper for one in found for deeper in one.zeebe(*path[1:])]


class Document:
    """A BPMN file and the edits to it."""

    def __init__(self, text: bytes) -> None:
        """Read it.

        Raises:
            NoModelError: it is no BPMN, or no XML, or has a document type, or is not UTF-8.
        """
        self._text = text
        self._edits: list[tuple[int, int, bytes]] = []
        self.root = _read(text)

    def edited(self) -> bytes:
        """The file with all edits."""
        kept, done = [], 0
        for start, end, new in sorted(self._edits, key=lambda edit: edit[:2]):
            kept += [self._text[done:start], new]
            done = end
        return b"".join([*kept, self._text[done:]])

    def set(self, element: Element, **attributes: str) -> None:
        """Give attributes that the element has, without a prefix, new values."""
        for found in self._attributes(element):
            name = found[2].decode()
            if name in attributes:
                quote = found[4][:1]
                self._replace(found.start(4), found.end(4), quote + _escaped(attributes[name]) + quote)

    def without_attributes(self, element: Element, namespace_name: re.Pattern[str]) -> None:
        """Remove the attributes whose name, with its prefix, matches as a whole."""
        for found in self._attributes(element):
            if namespace_name.fullmatch(found[2].decode()):
                self._replace(found.start(), found.end(), b"")

    def remove(self, element: Element) -> None:
        """Remove an element, with the blanks before it."""
        self._replace(element.start - len(self._blanks_before(element)), element.end, b"")

    def add_after(self, element: Element, **attributes: str) -> None:
        """Put one more element of this name behind this one, on a line of its own where this has one."""
        name = re.split(rb"[\s/>]", self._text[element.start + 1 : element.tag_end], maxsplit=1)[0]
        written = b" ".join(name_.encode() + b'="' + _escaped(value) + b'"' for name_, value in attributes.items())
        tag = self._text[element.start : element.tag_end]
        close = b" />" if tag.endswith(b" />") or not tag.endswith(b"/>") else b"/>"
        self._replace(element.end, element.end, self._blanks_before(element) + b"<" + name + b" " + written + close)

    def _attributes(self, element: Element) -> Iterator[re.Match[bytes]]:
        return _ATTRIBUTE.finditer(self._text, element.start, element.tag_end)

    def _blanks_before(self, element: Element) -> bytes:
        found = _BLANKS_BEFORE.search(self._text[max(element.start - 1000, 0) : element.start])
        return found[0] if found else b""

    def _replace(self, start: int, end: int, new: bytes) -> None:
        self._edits.append((start, end, new))


def _escaped(value: str) -> bytes:
    return "".join(_ESCAPES.get(one, one) for one in value).encode()


def _read(text: bytes) -> Element:
    parser = expat.ParserCreate(namespace_separator=" ")
    roots: list[Element] = []
    open_: list[Element] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        start = parser.CurrentByteIndex
        tag = _TAG.match(text, start)
        if tag is None:  # expat has read it, so only an encoding that is not ASCII's can get here
            raise NoModelError("is not UTF-8")
        element = Element(namespace, local, attributes, start, tag.end(), tag.end())
        (open_[-1].children if open_ else roots).append(element)
        open_.append(element)

    def end(name: str) -> None:
        element = open_.pop()
        if not text.endswith(b"/>", element.start, element.tag_end):
            element.end = text.index(b">", parser.CurrentByteIndex) + 1

    def declaration(version: str, encoding: str | None, standalone: int) -> None:
        if encoding and encoding.upper().replace("_", "-") not in ("UTF-8", "UTF8", "US-ASCII"):
            raise NoModelError(f"is in {encoding}; save it in UTF-8, as the Modeler does")

    def document_type(*_: Any) -> None:
        raise NoModelError("has a document type (DOCTYPE), which no BPMN file needs")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.XmlDeclHandler, parser.StartDoctypeDeclHandler = declaration, document_type
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NoModelError("is in UTF-16; save it in UTF-8, as the Modeler does")
    try:
        parser.Parse(text, True)  # noqa: FBT003 (its name is not known)
    except expat.ExpatError as error:
        raise NoModelError(f"is no XML: {error}") from error
    if (roots[0].namespace, roots[0].name) != (BPMN, "definitions"):
        raise NoModelError("is no BPMN 2.0: it does not begin with `definitions`")
    return roots[0]
