"""The syntax tree.

`at` is the position in the text that a warning about the node points to. What can be written in a long row (operators
of one precedence, `and`, `or`, `else if`, paths and filters) is a list in one node, so that the depth of the tree is
the depth of the brackets in the text.
"""

from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "Access",
    "AnyOf",
    "Arithmetic",
    "Between",
    "Call",
    "Comparison",
    "ContextLiteral",
    "Filter",
    "For",
    "FunctionLiteral",
    "If",
    "In",
    "Input",
    "InputComparison",
    "InputInRange",
    "InstanceOf",
    "ListLiteral",
    "Literal",
    "Logic",
    "Negation",
    "Node",
    "NotTest",
    "Property",
    "Quantified",
    "RangeLiteral",
    "Reference",
    "Span",
    "UnaryTest",
]

Node: TypeAlias = Any  # one of the classes below; Python has no cheap closed union to dispatch on


class Literal(NamedTuple):
    value: Any


class Reference(NamedTuple):
    name: str
    at: int


class Property(NamedTuple):
    """`.key`"""

    key: str
    at: int


class Filter(NamedTuple):
    """`[condition]`"""

    condition: Node
    at: int


class Access(NamedTuple):
    """A value and the properties and filters behind it."""

    base: Node
    steps: list[Property | Filter]


class ListLiteral(NamedTuple):
    items: list[Node]


class ContextLiteral(NamedTuple):
    entries: list[tuple[str, Node]]


class RangeLiteral(NamedTuple):
    """A range as the argument of a function."""

    start: Node
    end: Node
    is_start_closed: bool
    is_end_closed: bool
    at: int


class FunctionLiteral(NamedTuple):
    parameters: tuple[str, ...]
    body: Node


class Call(NamedTuple):
    """`owner.name(…)`, with `owner` None for a plain call.

    `names` are those of named arguments, None if they are positional.
    """

    owner: Node | None
    name: str
    arguments: list[Node]
    names: tuple[str, ...] | None
    at: int


class Negation(NamedTuple):
    operand: Node
    at: int


class Arithmetic(NamedTuple):
    """`first`, then (operator, operand, position) from left to right; all of one precedence."""

    first: Node
    rest: list[tuple[str, Node, int]]


class Comparison(NamedTuple):
    operator: str
    left: Node
    right: Node
    at: int


class Between(NamedTuple):
    value: Node
    low: Node
    high: Node
    at: int


class InstanceOf(NamedTuple):
    value: Node
    type_name: str


class In(NamedTuple):
    value: Node
    test: Node


class Logic(NamedTuple):
    """`and` or `or` between all operands."""

    operator: str
    operands: list[Node]
    at: int


class If(NamedTuple):
    """(condition, consequence, position) for `if` and each `else if`."""

    branches: list[tuple[Node, Node, int]]
    otherwise: Node


class Span(NamedTuple):
    """`start..end` after `in` of an iteration."""

    start: Node
    end: Node
    at: int


class For(NamedTuple):
    iterators: list[tuple[str, Node]]
    body: Node
    at: int


class Quantified(NamedTuple):
    """`some` or `every`."""

    quantifier: str
    iterators: list[tuple[str, Node]]
    condition: Node
    at: int


class Input(NamedTuple):
    """`?`"""

    at: int


class InputComparison(NamedTuple):
    """`< 5`, or `true` alone as a unary test (operator `=`)."""

    operator: str
    operand: Node
    at: int


class InputInRange(NamedTuple):
    start: Node
    end: Node
    is_start_closed: bool
    is_end_closed: bool
    at: int


class UnaryTest(NamedTuple):
    """An expression that tests the input by its own value: true, equal, or a list that contains it."""

    expression: Node
    at: int


class AnyOf(NamedTuple):
    tests: list[Node]
    at: int


class NotTest(NamedTuple):
    test: Node
    at: int
