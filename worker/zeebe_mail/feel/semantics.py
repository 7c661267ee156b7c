"""What compiled code does: the semantics of access, comparison, logic, loops and calls.

`compiler` decides which of these a node needs; nothing here knows of nodes.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice, product
from math import prod
from typing import TypeAlias

from zeebe_mail.feel.arithmetic import OPERATIONS
from zeebe_mail.feel.compare import are_ordered, equal, precedes
from zeebe_mail.feel.diagnostics import near_in_length, nearest
from zeebe_mail.feel.errors import Suppressed
from zeebe_mail.feel.numbers import add, subtract
from zeebe_mail.feel.run import Functions, Run, Scope
from zeebe_mail.feel.values import Context, Function, Value, properties, show

__all__ = [
    "COMPARISONS",
    "INPUT",
    "Code",
    "NotIterable",
    "Operation",
    "Source",
    "arguments_for",
    "compare_equal",
    "decide",
    "find_function",
    "implicit_input",
    "item_at",
    "matching",
    "no_function",
    "operation_of",
    "opposite",
    "property_step",
    "rounds",
    "span_of",
]

INPUT = "cellInput"  # the variable that holds the input of unary tests

_ONE = Decimal(1)
_SHOWN_NAME = 300  # characters of a key in a message
_BATCH = 255  # rounds of a loop are counted 256 at a time

Code: TypeAlias = Callable[[Scope], Value]
Source: TypeAlias = Callable[[Scope], "list[Value] | Span"]
Operation: TypeAlias = Callable[[Value, Value, Run, int], Value]


class NotIterable(Suppressed):
    """An iterator is neither a list nor a range of numbers; the loop is null."""


def property_step(key: str, at: int) -> Callable[[Scope, Value], Value]:
    def step(scope: Scope, value: Value) -> Value:
        if type(value) is dict and key in value:
            return value[key]
        return _get(value, key, scope.run, at)

    return step


def _get(value: Value, key: str, run: Run, at: int) -> Value:
    if isinstance(value, dict):
        if key in value:
            return value[key]
        keys = ", ".join(f"'{name[:_SHOWN_NAME]}'" for name in islice(value, 20))
        details = f"Available keys: {keys}" if value else "The context is empty"
        message = f"No context entry found with key '{key}'. {details}"
        run.warn_missing("NO_CONTEXT_ENTRY_FOUND", message, at, key, value.keys)
        return None
    if type(value) is list:
        run.reserve_items(len(value))
        run.spend(len(value))
        return [_get(item, key, run, at) for item in value]
    if value is None:
        run.warn("NO_CONTEXT_ENTRY_FOUND", f"No context entry found with key '{key}'. The context is null", at)
        return None
    known = properties(value) or {}
    if key in known:
        return known[key]
    names = ", ".join(f"'{name}'" for name in known)
    message = f"No property found with name '{key}' of value '{show(value)}'. Available properties: {names}"
    run.warn_missing("NO_PROPERTY_FOUND", message, at, key, known.keys)
    return None


def item_at(items: list[Value], position: Decimal) -> Value:
    """Counted from 1, or from the end with negative numbers; null outside."""
    index = subtract(position, _ONE) if position > 0 else add(position, Decimal(len(items)))
    return items[int(index)] if 0 <= index < len(items) else None


def matching(items: list[Value], condition: Code, scope: Scope) -> Value:
    """Items for which the condition is true; if it is a number for the first one, that is an index."""
    result: list[Value] = []
    for position, item in enumerate(items):
        scope.run.spend()
        answer = condition(_item_scope(item, scope))
        if answer is True:
            result.append(item)
        elif position == 0 and type(answer) is Decimal:
            return item_at(items, answer)
    scope.run.reserve_items(len(result))
    return result


def _item_scope(item: Value, scope: Scope) -> Scope:
    """In a filter an item's own entries win over `item`, and both over names outside."""
    outer = scope.inner({"item": item})
    if not isinstance(item, dict):
        return outer
    functions = Functions(item.functions, scope.functions) if type(item) is Context else scope.functions
    return Scope(item, functions, outer, scope.run)


def operation_of(operator: str) -> Operation:
    table, message = OPERATIONS[operator]

    def operate(x: Value, y: Value, run: Run, at: int) -> Value:
        operation = table.get((type(x), type(y)))
        if operation is not None:
            if type(x) is str:
                run.reserve_characters(len(x) + len(y))
            result = operation(x, y)
            if result is not NotImplemented:
                return result
        wrong = x if type(x) is not Decimal else y
        run.warn("INVALID_TYPE", message.format(x=show(x), y=show(y), wrong=show(wrong)), at)
        return None

    return operate


def compare_equal(x: Value, y: Value, run: Run, at: int) -> bool | None:
    answer = equal(x, y, run)
    if answer is None:
        run.warn("NOT_COMPARABLE", f"Can't compare '{show(x)}' with '{show(y)}'", at)
    return answer


def _differ(x: Value, y: Value, run: Run, at: int) -> bool | None:
    return opposite(compare_equal(x, y, run, at), run, at)


def opposite(value: Value, run: Run, at: int) -> bool | None:
    if type(value) is bool:
        return not value
    run.warn("INVALID_TYPE", f"Expected boolean but found '{show(value)}'", at)
    return None


def _ordered(order: Callable[[Value, Value], bool]) -> Operation:
    def compare(x: Value, y: Value, run: Run, at: int) -> bool | None:
        if are_ordered(x, y):
            if type(x) is str:
                run.touch(x, y)
            return order(x, y)
        run.warn("NOT_COMPARABLE", f"Can't compare '{show(x)}' with '{show(y)}'", at)
        return None

    return compare


COMPARISONS: dict[str, Operation] = {
    "=": compare_equal,
    "!=": _differ,
    "<": _ordered(precedes),
    "<=": _ordered(lambda x, y: not precedes(y, x)),
    ">": _ordered(lambda x, y: precedes(y, x)),
    ">=": _ordered(lambda x, y: not precedes(x, y)),
}


def decide(tests: Iterable[tuple[Code, Scope]], decisive: bool, run: Run, at: int) -> bool | None:
    """Three-valued `or` (decisive is true) and `and` (decisive is false): anything but a boolean counts as null."""
    result: bool | None = not decisive
    for code, scope in tests:
        try:
            answer = code(scope)
        except Suppressed:
            result = None
            continue
        if type(answer) is bool:
            if answer == decisive:
                return decisive
            continue
        if result is not None:
            run.warn("INVALID_TYPE", f"Expected boolean but found '{show(answer)}'", at)
        result = None
    return result


def span_of(start: Value, end: Value, run: Run, at: int) -> "Span":
    for bound in (start, end):
        if type(bound) is not Decimal:
            run.warn("INVALID_TYPE", f"Expected number but found '{show(bound)}'", at)
            raise NotIterable("Not a range of numbers.")
    return Span(start, end)


class Span:
    """The numbers of `start..end`, up or down by one, made when they are needed."""

    def __init__(self, start: Decimal, end: Decimal) -> None:
        self.start = start
        self.is_up = start < end
        distance = subtract(end, start) if self.is_up else subtract(start, end)
        self.size = int(distance) + 1

    def __iter__(self) -> Iterator[Decimal]:
        number = self.start
        step = add if self.is_up else subtract
        for _ in range(self.size):
            yield number
            number = step(number, _ONE)


def rounds(iterators: list[tuple[str, Source]], scope: Scope, keeps_scope: bool) -> Iterator[Scope]:
    """The scope of each round; it is the same one each time unless the body `keeps_scope`.

    The last iterator changes fastest, and the first wins a name that is used twice.

    Raises:
        NotIterable: before the first round.
        BudgetExceeded: before the first round if there would be too many.
    """
    run, functions = scope.run, scope.functions
    sources = [source(scope) for _, source in iterators]
    total = prod(source.size if isinstance(source, Span) else len(source) for source in sources)
    if total > run.steps_left:
        # Python refuses to write out an integer of thousands of digits.
        count = str(total) if total < 10**18 else "more than 10^18"
        raise run.exceeded(f"The loop has {count} rounds")
    if total == 0:
        return
    inner = Scope({}, functions, scope, run)
    if len(iterators) == 1:
        name = iterators[0][0]
        for index, value in enumerate(sources[0]):
            if not index & _BATCH:
                run.spend(min(_BATCH + 1, total - index))
            if keeps_scope:
                inner = Scope({}, functions, scope, run)
            inner.names[name] = value
            yield inner
        return
    names = [name for name, _ in reversed(iterators)]
    for values in product(*sources):
        run.spend()
        if keeps_scope:
            inner = Scope({}, functions, scope, run)
        inner.names.update(zip(names, reversed(values), strict=True))
        yield inner


def find_function(functions: Iterable[Function], count: int, given: frozenset[str] | None) -> Function | None:
    for function in functions:
        if function.takes(count) if given is None else given.issubset(function.parameters):
            return function
    return None


def arguments_for(function: Function, codes: list[Code], names: tuple[str, ...] | None, scope: Scope) -> list[Value]:
    if names is not None:
        values = {name: code(scope) for name, code in zip(names, codes, strict=True)}
        return [values.get(parameter) for parameter in function.parameters]
    arguments = [code(scope) for code in codes]
    if not function.is_variadic:
        return arguments
    fixed = len(function.parameters) - 1
    rest = arguments[fixed:]
    if fixed == 0 and len(rest) == 1 and type(rest[0]) is list:
        return rest
    return [*arguments[:fixed], rest]


def no_function(name: str, count: int, names: tuple[str, ...] | None) -> str:
    if names is None:
        return f"No function found with name '{name}' and {count} parameters"
    return f"No function found with name '{name}' and parameters: {','.join(names)}"


def how_to_call(name: str, functions: Iterable[Function], names: tuple[str, ...] | None) -> str:
    """The parameter that was probably meant, or else all ways to call the functions of this name."""
    functions = list(functions)
    known = [parameter for function in functions for parameter in function.parameters]
    for given in names or ():
        similar = nearest(given, near_in_length(given, known)) if given not in known else None
        if similar:
            return f"Did you mean the parameter '{similar}'?"
    ways = (f"{name}({', '.join(one.parameters)}{'...' if one.is_variadic else ''})" for one in functions)
    return f"It is called as {' or '.join(dict.fromkeys(ways))}"


def implicit_input(scope: Scope, at: int) -> Value:
    here: Scope | None = scope
    while here is not None:
        if INPUT in here.names:
            return here.names[INPUT]
        here = here.outer
    scope.run.warn("NO_VARIABLE_FOUND", "No input value found.", at)
    return None
