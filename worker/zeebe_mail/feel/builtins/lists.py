"""Lists."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cmp_to_key
from math import sqrt

from zeebe_mail.feel.builtins.declare import builtin
from zeebe_mail.feel.compare import are_ordered, is_equal, precedes
from zeebe_mail.feel.compare import contains as contains_value
from zeebe_mail.feel.errors import BudgetExceeded, EvaluationError, FailedAssertion, InternalError, Suppressed
from zeebe_mail.feel.numbers import add, divide, from_double, multiply, subtract, to_int32
from zeebe_mail.feel.run import Run
from zeebe_mail.feel.values import MAX_DATA_DEPTH, Function, Value, show, show_all

__all__ = ["FUNCTIONS"]


@builtin("list contains(list: list, element: any)")
def list_contains(run: Run, items: list[Value], element: Value) -> bool:
    """Whether the list has the element."""
    run.spend(len(items))
    return contains_value(items, element, run)


@builtin("count(list: list)")
def count(run: Run, items: list[Value]) -> Decimal:
    """The number of items."""
    return Decimal(len(items))


@builtin("min(list...)")
def min_(run: Run, items: list[Value]) -> Value:
    """The smallest item; null for an empty list."""
    return _extreme(run, items, is_first=lambda x, best: precedes(x, best))


@builtin("max(list...)")
def max_(run: Run, items: list[Value]) -> Value:
    """The largest item; null for an empty list."""
    return _extreme(run, items, is_first=lambda x, best: precedes(best, x))


@builtin("sum(list...)")
def sum_(run: Run, items: list[Value]) -> Decimal | None:
    """The sum of numbers; null for an empty list."""
    return _sum(_numbers(run, items)) if items else None


@builtin("product(list...)")
def product(run: Run, items: list[Value]) -> Decimal | None:
    """The product of numbers; null for an empty list."""
    if not items:
        return None
    result = Decimal(1)
    for number in _numbers(run, items):
        result = multiply(result, number)
    return result


@builtin("mean(list...)")
def mean(run: Run, items: list[Value]) -> Decimal | None:
    """The arithmetic mean of numbers; null for an empty list."""
    return divide(_sum(_numbers(run, items)), Decimal(len(items))) if items else None


@builtin("median(list...)")
def median(run: Run, items: list[Value]) -> Decimal | None:
    """The middle one of the sorted numbers, or the mean of the two in the middle; null for an empty list."""
    if not items:
        return None
    numbers = sorted(_numbers(run, items))
    middle = len(numbers) // 2
    if len(numbers) % 2:
        return numbers[middle]
    return divide(add(numbers[middle - 1], numbers[middle]), Decimal(2))


@builtin("stddev(list...)")
def stddev(run: Run, items: list[Value]) -> Decimal | None:
    """The standard deviation of a sample; null for an empty list, and the evaluation fails for one number."""
    if not items:
        return None
    numbers = _numbers(run, items)
    average = divide(_sum(numbers), Decimal(len(numbers)))
    squares = Decimal(0)
    for number in numbers:
        deviation = subtract(number, average)
        squares = add(squares, multiply(deviation, deviation))
    return from_double(sqrt(divide(squares, Decimal(len(numbers) - 1))))


@builtin("mode(list...)")
def mode(run: Run, items: list[Value]) -> list[Decimal]:
    """The most frequent numbers, smallest first."""
    counts: dict[Decimal, int] = {}
    for number in _numbers(run, items):
        counts[number] = counts.get(number, 0) + 1
    most = max(counts.values(), default=0)
    return sorted(number for number, times in counts.items() if times == most)


@builtin("and(list...)", "all(list...)")
def all_(run: Run, items: list[Value]) -> bool | None:
    """Whether all items are true; null if that depends on an item that is not a boolean."""
    run.spend(len(items))
    if any(item is False for item in items):
        return False
    return True if all(item is True for item in items) else None


@builtin("or(list...)", "any(list...)")
def any_(run: Run, items: list[Value]) -> bool | None:
    """Whether at least one item is true; null if that depends on an item that is not a boolean."""
    run.spend(len(items))
    if any(item is True for item in items):
        return True
    return False if all(item is False for item in items) else None


@builtin("sublist(list: list, start: number)")
def sublist(run: Run, items: list[Value], start: Decimal) -> list[Value]:
    """The items from a position on."""
    return _slice(run, items, _index("start position", items, start), len(items))


@builtin("sublist(list: list, start: number, length: number)")
def sublist_of_length(run: Run, items: list[Value], start: Decimal, length: Decimal) -> list[Value]:
    """At most `length` items from a position on."""
    begin = _index("start position", items, start)
    return _slice(run, items, begin, begin + to_int32(length))


@builtin("append(list: list, items...)")
def append(run: Run, items: list[Value], added: list[Value]) -> list[Value]:
    """The list with more items at its end."""
    run.reserve_items(len(items) + len(added))
    return items + added


@builtin("concatenate(lists...)")
def concatenate(run: Run, lists: list[Value]) -> list[Value]:
    """The items of all lists; what is not a list counts as its only item."""
    return list(_joined(run, lists))


@builtin("insert before(list: list, position: number, newItem: any)")
def insert_before(run: Run, items: list[Value], position: Decimal, new: Value) -> list[Value]:
    """The list with an item more in front of a position."""
    index = max(_index("position", items, position), 0)
    run.reserve_items(len(items) + 1)
    return [*items[:index], new, *items[index:]]


@builtin("remove(list: list, position: number)")
def remove(run: Run, items: list[Value], position: Decimal) -> list[Value]:
    """The list without the item at a position."""
    index = _index("position", items, position)
    following = _offset(items, to_int32(position) + 1)
    run.reserve_items(2 * len(items))
    return items[: max(index, 0)] + items[max(following, 0) :]


@builtin("reverse(list: list)")
def reverse(run: Run, items: list[Value]) -> list[Value]:
    """The items from last to first."""
    run.reserve_items(len(items))
    return items[::-1]


@builtin("index of(list: list, match: any)")
def index_of(run: Run, items: list[Value], match: Value) -> list[Decimal]:
    """All positions of an item."""
    run.reserve_items(len(items))
    run.spend(len(items))
    return [Decimal(index) for index, item in enumerate(items, 1) if is_equal(item, match, run)]


@builtin("union(lists...)")
def union(run: Run, lists: list[Value]) -> list[Value]:
    """The different items of all lists."""
    return [items[0] for items in _grouped(run, list(_joined(run, lists)))]


@builtin("distinct values(list: list)")
def distinct_values(run: Run, items: list[Value]) -> list[Value]:
    """The list without repetitions."""
    return [group[0] for group in _grouped(run, items)]


@builtin("duplicate values(list: list)")
def duplicate_values(run: Run, items: list[Value]) -> list[Value]:
    """One of each item that occurs more than once."""
    return [group[0] for group in _grouped(run, items) if len(group) > 1]


@builtin("flatten(list: list)")
def flatten(run: Run, items: list[Value]) -> list[Value]:
    """The list with the items of all inner lists instead of these."""
    return list(_flattened(run, items, 0))


@builtin("sort(list: list, precedes: function)")
def sort(run: Run, items: list[Value], order: Function) -> list[Value]:
    """The list sorted by a function that tells whether its first argument comes before its second."""
    if len(order.parameters) != 2:
        raise Suppressed(f"expect boolean function with 2 arguments, but found '{len(order.parameters)}'")

    def is_before(x: Value, y: Value) -> bool:
        run.spend()
        try:
            answer = order.invoke(run, [x, y])
        except (BudgetExceeded, FailedAssertion, InternalError):
            raise
        except EvaluationError as error:
            raise Suppressed(f"fail to sort list by given precedes function: {error}") from error
        if type(answer) is not bool:
            message = f"expected boolean but found '{show(answer)}'"
            raise Suppressed(f"fail to sort list by given precedes function: {message}")
        return answer

    run.reserve_items(len(items))
    return sorted(items, key=cmp_to_key(lambda x, y: -1 if is_before(x, y) else int(is_before(y, x))))


@builtin("string join(list: list)")
def string_join(run: Run, items: list[Value]) -> str:
    """The strings of the list in one; nulls are left out."""
    return _join(run, items)


@builtin("string join(list: list, delimiter: string|null)")
def string_join_with_delimiter(run: Run, items: list[Value], delimiter: str | None) -> str:
    """The same with a delimiter between them."""
    return _join(run, items, delimiter or "")


@builtin("string join(list: list, delimiter: string|null, prefix: string|null, suffix: string|null)")
def string_join_with_affixes(
    run: Run, items: list[Value], delimiter: str | None, prefix: str | None, suffix: str | None
) -> str:
    """The same with something before the first and behind the last."""
    if (prefix is None) != (suffix is None):
        raise Suppressed(f"Illegal arguments: {show_all((items, delimiter, prefix, suffix))}")
    return _join(run, items, delimiter or "", prefix or "", suffix or "")


@builtin("is empty(list: list)")
def is_empty(run: Run, items: list[Value]) -> bool:
    """Whether the list has no items."""
    return not items


@builtin("partition(list: list, size: number)")
def partition(run: Run, items: list[Value], size: Decimal) -> list[Value]:
    """The list cut into lists of `size` items; the last one may have fewer."""
    length = to_int32(size)
    if length <= 0:
        raise Suppressed(f"'size' should be greater than zero but was '{size}'")
    run.reserve_items(2 * len(items))
    return [items[start : start + length] for start in range(0, len(items), length)]


def _extreme(run: Run, items: list[Value], is_first: Callable[[Value, Value], bool]) -> Value:
    if not items:
        return None
    run.spend(len(items))
    if not are_ordered(*items):
        raise Suppressed(f"{show(items)} is not comparable")
    if type(items[0]) is str:
        run.touch(*items)
    best = items[0]
    for item in items[1:]:
        if is_first(item, best):
            best = item
    return best


def _numbers(run: Run, items: list[Value]) -> list[Decimal]:
    run.spend(len(items))
    for item in items:
        if type(item) is not Decimal:
            raise Suppressed(f"expected number but found '{show(item)}'")
    return items


def _sum(numbers: list[Decimal]) -> Decimal:
    result = Decimal(0)
    for number in numbers:
        result = add(result, number)
    return result


def _index(what: str, items: list[Value], position: Decimal) -> int:
    if position == 0:
        raise Suppressed(f"{what} must be a non-zero number")
    return _offset(items, to_int32(position))


def _offset(items: list[Value], position: int) -> int:
    return position - 1 if position > 0 else len(items) + position


def _slice(run: Run, items: list[Value], begin: int, end: int) -> list[Value]:
    result = items[max(begin, 0) : max(end, 0)]
    run.reserve_items(len(result))
    return result


def _joined(run: Run, lists: list[Value]) -> Iterator[Value]:
    for value in lists:
        items = value if type(value) is list else [value]
        run.reserve_items(len(items))
        yield from items


def _grouped(run: Run, items: list[Value]) -> list[list[Value]]:
    """Equal items together, in the order in which they first appear."""
    run.reserve_items(2 * len(items))
    hashed: dict[tuple[type, Value], list[Value]] = {}
    groups: list[list[Value]] = []
    compared: list[list[Value]] = []
    for item in items:
        if type(item) is list or isinstance(item, dict):
            run.spend(len(compared))
            group = next((group for group in compared if is_equal(group[0], item, run)), None)
            if group is None:
                group = []
                compared.append(group)
                groups.append(group)
        else:
            key = type(item), item
            group = hashed.get(key)
            if group is None:
                group = hashed[key] = []
                groups.append(group)
        group.append(item)
    return groups


def _flattened(run: Run, items: list[Value], depth: int) -> Iterator[Value]:
    if depth > MAX_DATA_DEPTH:
        raise BudgetExceeded(f"A value is nested deeper than {MAX_DATA_DEPTH} levels.")
    run.reserve_items(len(items))
    for item in items:
        if type(item) is list:
            yield from _flattened(run, item, depth + 1)
        else:
            yield item


def _join(run: Run, items: list[Value], delimiter: str = "", prefix: str = "", suffix: str = "") -> str:
    run.spend(len(items))
    strings = [item for item in items if item is not None]
    if not all(type(item) is str for item in strings):
        raise Suppressed(f"expected a list of strings but found '{show(items)}'")
    length = sum(map(len, strings)) + len(delimiter) * len(strings) + len(prefix) + len(suffix)
    run.reserve_characters(length)
    return f"{prefix}{delimiter.join(strings)}{suffix}"


FUNCTIONS = [
    list_contains,
    count,
    min_,
    max_,
    sum_,
    product,
    mean,
    median,
    stddev,
    mode,
    all_,
    any_,
    sublist,
    sublist_of_length,
    append,
    concatenate,
    insert_before,
    remove,
    reverse,
    index_of,
    union,
    distinct_values,
    duplicate_values,
    flatten,
    sort,
    string_join,
    string_join_with_delimiter,
    string_join_with_affixes,
    is_empty,
    partition,
]
