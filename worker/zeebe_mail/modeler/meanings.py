"""What the docstring below a field says of it.

Read from the source when somebody asks: pydantic would read it each time a worker starts, for seconds.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from itertools import pairwise

from pydantic import BaseModel

_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings of a model's fields, its own and those it inherits, each as one line."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls.__module__.startswith("zeebe_mail."):
            found |= _own(cls)
    return {name: found[name] for name in model.model_fields if name in found}


def documented(thing: object) -> str:
    """The docstring of a function or class for people who do not know the code: without its roles."""
    return _plain(inspect.getdoc(thing) or "")


def _plain(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


def _own(cls: type[BaseModel]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: _plain(" ".join(text.value.value.split()))
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
