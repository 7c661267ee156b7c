"""How a function is declared: its signature as text, in one place checked, in one place turned into documentation.

    @builtin("substring(string: string, start position: number)")
    def substring(run: Run, string: str, start: Decimal) -> str: ...

A type is a name of `instance of`, `any`, `text` for what can be null beside a string, or several with `|`. Dots after
a parameter's name collect the remaining arguments, or the items of the only one if that is a list.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from zeebe_mail.feel.errors import Suppressed
from zeebe_mail.feel.run import LONG_TEXT, Run
from zeebe_mail.feel.temporal import Date, DaysTime, LocalDateTime, LocalTime, YearsMonths, ZonedDateTime, ZonedTime
from zeebe_mail.feel.values import Context, Function, Range, Value, show_all

__all__ = ["Declaration", "Implementation", "builtin", "classes_of", "declare", "declared", "parse_signature"]

Implementation: TypeAlias = Callable[..., Value]

_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "number": (Decimal,),
    "string": (str,),
    "list": (list,),
    "context": (dict, Context),
    "function": (Function,),
    "range": (Range,),
    "date": (Date,),
    "time": (LocalTime, ZonedTime),
    "date and time": (LocalDateTime, ZonedDateTime),
    "years and months duration": (YearsMonths,),
    "days and time duration": (DaysTime,),
}


class Declaration(NamedTuple):
    name: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]
    is_variadic: bool
    signature: str
    summary: str


_attribute = "feel_declarations"


def builtin(*signatures: str) -> Callable[[Implementation], Implementation]:
    """Declares the decorated function under each of `signatures`; `declare` makes it callable from FEEL."""

    def mark(implementation: Implementation) -> Implementation:
        declarations = [parse_signature(signature, implementation.__doc__ or "") for signature in signatures]
        setattr(implementation, _attribute, declarations)
        return implementation

    return mark


def declared(implementations: Iterable[Implementation]) -> Iterable[tuple[Declaration, Implementation]]:
    for implementation in implementations:
        for declaration in getattr(implementation, _attribute):
            yield declaration, implementation


def declare(declaration: Declaration, implementation: Implementation) -> Function:
    """A function that takes what is declared and calls the implementation with it.

    Other arguments are `Suppressed`, which the caller turns into null and a warning.
    """
    allowed = tuple(classes_of(kind) for kind in declaration.types)
    is_variadic = declaration.is_variadic

    def invoke(run: Run, arguments: list[Value]) -> Value:
        for argument, classes in zip(arguments, allowed, strict=True):
            if classes is not None and type(argument) not in classes:
                raise Suppressed(f"Illegal arguments: {show_all(arguments)}")
            if type(argument) is str and len(argument) >= LONG_TEXT:
                run.touch(argument)
        return implementation(run, *arguments)

    return Function(declaration.parameters, invoke, is_variadic=is_variadic)


def classes_of(kind: str) -> frozenset[type] | None:
    if kind == "any":
        return None
    return frozenset(cls for name in kind.split("|") for cls in _TYPES[name])


def parse_signature(signature: str, documentation: str) -> Declaration:
    name, _, rest = signature.partition("(")
    parameters, types = [], []
    is_variadic = False
    for part in rest.rstrip(")").split(", ") if rest != ")" else ():
        parameter, _, kind = part.partition(": ")
        if parameter.endswith("..."):
            parameter, is_variadic = parameter[:-3], True
        parameters.append(parameter)
        types.append("list" if is_variadic else kind)
    summary = documentation.strip().split("\n\n")[0].replace("\n", " ")
    return Declaration(name, tuple(parameters), tuple(types), is_variadic, signature, summary)
