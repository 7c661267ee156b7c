"""The functions that every expression can call, one file for each family."""

from collections.abc import Iterable

from zeebe_mail.feel.builtins import booleans, contexts, conversions, lists, numeric, ranges, strings, temporals
from zeebe_mail.feel.builtins.declare import Declaration, Implementation, declare, declared
from zeebe_mail.feel.values import Function

__all__ = ["FAMILIES", "LIBRARY", "declarations"]

FAMILIES: dict[str, list[Implementation]] = {
    "Conversion": conversions.FUNCTIONS,
    "Boolean": booleans.FUNCTIONS,
    "String": strings.FUNCTIONS,
    "List": lists.FUNCTIONS,
    "Number": numeric.FUNCTIONS,
    "Context": contexts.FUNCTIONS,
    "Range": ranges.FUNCTIONS,
    "Date and time": temporals.FUNCTIONS,
}


def declarations(family: str) -> Iterable[Declaration]:
    return (declaration for declaration, _ in declared(FAMILIES[family]))


LIBRARY: dict[str, list[Function]] = {}
for _implementations in FAMILIES.values():
    for _declaration, _implementation in declared(_implementations):
        LIBRARY.setdefault(_declaration.name, []).append(declare(_declaration, _implementation))
