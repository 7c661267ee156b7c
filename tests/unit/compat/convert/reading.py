"""What the broker makes of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from zeebe_mail.feel import compile_expression, to_json

ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
VARIABLES = {
    "customer": "ada@x.test",
    "number": "4711",
    "folder": "Orders",
    "file": "/srv/hello.html",
    "mail": {"messageId": "<a@x.test>"},
}


def inputs_of(model: bytes) -> dict[str, str]:
    tree = ElementTree.fromstring(model)
    return {one.attrib["target"]: one.attrib["source"] for one in tree.iter(f"{ZEEBE}input")}


def headers_of(model: bytes) -> dict[str, str]:
    tree = ElementTree.fromstring(model)
    return {one.attrib["key"]: one.attrib["value"] for one in tree.iter(f"{ZEEBE}header")}


def job_variables(model: bytes, variables: Mapping[str, Any] = VARIABLES) -> dict[str, Any]:
    """What the broker makes of the input mappings: nested contexts, in which later ones see earlier ones."""
    job: dict[str, Any] = {}
    for target, source in inputs_of(model).items():
        first, _, last = target.partition(".")
        beside = job.get(first, {}) if last else {}
        seen = {**variables, **{name: value for name, value in job.items() if name != first}, **beside}
        value = to_json(compile_expression(source[1:]).evaluate(seen).value) if source.startswith("=") else source
        if last:
            job.setdefault(first, {})[last] = value
        else:
            job[first] = value
    return job
