"""Relations between points and ranges, after Allen (1983) as DMN spells them out.

All take two arguments, each a point or a range, of one type that has an order. Texts are not points.
"""

from collections.abc import Callable
from typing import TypeAlias

from zeebe_mail.feel.builtins.declare import Implementation, builtin
from zeebe_mail.feel.compare import POINTS, precedes
from zeebe_mail.feel.errors import EvaluationError, Suppressed
from zeebe_mail.feel.run import Run
from zeebe_mail.feel.values import Range, Value, show, show_all

__all__ = ["FUNCTIONS"]

_POINT_TO_POINT = ("point1", "point2")
_POINT_TO_RANGE = ("point", "range")
_RANGE_TO_POINT = ("range", "point")
_RANGE_TO_RANGE = ("range1", "range2")

_Relation: TypeAlias = Callable[[Value, Value], bool]


def _relation(name: str, *parameters: tuple[str, str], **relations: _Relation) -> Implementation:
    """A function from its meaning for `points`, `point_range`, `range_point` and `ranges`."""

    def relate(run: Run, x: Value, y: Value) -> bool:
        points = [value.start if type(value) is Range else value for value in (x, y)]
        if type(points[0]) not in POINTS or type(points[0]) is not type(points[1]):
            raise Suppressed(f"Illegal arguments: {show_all((x, y))}")
        match type(x) is Range, type(y) is Range:
            case False, False:
                relation = relations.get("points")
            case False, True:
                relation = relations.get("point_range")
            case True, False:
                relation = relations.get("range_point")
            case _:
                relation = relations.get("ranges")
        if relation is None:
            raise EvaluationError(f"'{name}' does not relate '{show(x)}' to '{show(y)}'.")
        return relation(x, y)

    relate.__doc__ = _SUMMARIES[name]
    return builtin(*(f"{name}({first}: any, {second}: any)" for first, second in parameters))(relate)


_SUMMARIES = {
    "before": "Whether the first ends before the second begins.",
    "after": "Whether the first begins after the second ends.",
    "meets": "Whether the first range ends with the point that the second begins with.",
    "met by": "Whether the first range begins with the point that the second ends with.",
    "overlaps": "Whether two ranges have a point in common.",
    "overlaps before": "Whether the first range begins before the second and ends within it.",
    "overlaps after": "Whether the first range begins within the second and ends after it.",
    "finishes": "Whether the point, or the first range, ends the second range.",
    "finished by": "Whether the point, or the second range, ends the first range.",
    "includes": "Whether the point, or the second range, lies in the first range.",
    "during": "Whether the point, or the first range, lies in the second range.",
    "starts": "Whether the point, or the first range, begins the second range.",
    "started by": "Whether the point, or the second range, begins the first range.",
    "coincides": "Whether both are the same.",
}


def _before(x: Range, y: Range) -> bool:
    return precedes(x.end, y.start) or (not (x.is_end_closed and y.is_start_closed) and x.end == y.start)


def _point_before(x: Value, y: Range) -> bool:
    return precedes(x, y.start) or (x == y.start and not y.is_start_closed)


def _before_point(x: Range, y: Value) -> bool:
    return precedes(x.end, y) or (x.end == y and not x.is_end_closed)


def _meets(x: Range, y: Range) -> bool:
    return x.is_end_closed and y.is_start_closed and bool(x.end == y.start)


def _reaches(x: Range, y: Range) -> bool:
    """Does `x` end at or behind the begin of `y`?"""
    return precedes(y.start, x.end) or _meets(x, y)


def _begins_before(x: Range, y: Range) -> bool:
    return precedes(x.start, y.start) or (x.start == y.start and x.is_start_closed and not y.is_start_closed)


def _begins_not_after(x: Range, y: Range) -> bool:
    return precedes(x.start, y.start) or (x.start == y.start and (x.is_start_closed or not y.is_start_closed))


def _ends_not_after(x: Range, y: Range) -> bool:
    return precedes(x.end, y.end) or (x.end == y.end and (not x.is_end_closed or y.is_end_closed))


def _overlaps_before(x: Range, y: Range) -> bool:
    return _begins_before(x, y) and _reaches(x, y) and _ends_not_after(x, y)


def _same_start(x: Range, y: Range) -> bool:
    return bool(x.start == y.start) and x.is_start_closed == y.is_start_closed


def _same_end(x: Range, y: Range) -> bool:
    return bool(x.end == y.end) and x.is_end_closed == y.is_end_closed


def _holds(x: Range, y: Value) -> bool:
    if precedes(x.start, y) and precedes(y, x.end):
        return True
    return bool((x.start == y and x.is_start_closed) or (x.end == y and x.is_end_closed))


def _includes(x: Range, y: Range) -> bool:
    return _begins_not_after(x, y) and _ends_not_after(y, x)


def _begins_with(x: Range, y: Value) -> bool:
    return bool(x.start == y) and x.is_start_closed


def _ends_with(x: Range, y: Value) -> bool:
    return bool(x.end == y) and x.is_end_closed


def _starts(x: Range, y: Range) -> bool:
    return _same_start(x, y) and _ends_not_after(x, y)


def _finishes(x: Range, y: Range) -> bool:
    return _same_end(x, y) and _begins_not_after(y, x)


def _swapped(relation: _Relation) -> _Relation:
    return lambda x, y: relation(y, x)


FUNCTIONS: list[Implementation] = [
    _relation(
        "before",
        _POINT_TO_POINT,
        _POINT_TO_RANGE,
        _RANGE_TO_POINT,
        _RANGE_TO_RANGE,
        points=precedes,
        point_range=_point_before,
        range_point=_before_point,
        ranges=_before,
    ),
    _relation(
        "after",
        _POINT_TO_POINT,
        _POINT_TO_RANGE,
        _RANGE_TO_POINT,
        _RANGE_TO_RANGE,
        points=_swapped(precedes),
        point_range=_swapped(_before_point),
        range_point=_swapped(_point_before),
        ranges=_swapped(_before),
    ),
    _relation("meets", _RANGE_TO_RANGE, ranges=_meets),
    _relation("met by", _RANGE_TO_RANGE, ranges=_swapped(_meets)),
    _relation("overlaps", _RANGE_TO_RANGE, ranges=lambda x, y: _reaches(x, y) and _reaches(y, x)),
    _relation("overlaps before", _RANGE_TO_RANGE, ranges=_overlaps_before),
    _relation("overlaps after", _RANGE_TO_RANGE, ranges=_swapped(_overlaps_before)),
    _relation("finishes", _POINT_TO_RANGE, _RANGE_TO_RANGE, point_range=_swapped(_ends_with), ranges=_finishes),
    _relation("finished by", _RANGE_TO_POINT, _RANGE_TO_RANGE, range_point=_ends_with, ranges=_swapped(_finishes)),
    _relation("includes", _RANGE_TO_POINT, _RANGE_TO_RANGE, range_point=_holds, ranges=_includes),
    _relation("during", _POINT_TO_RANGE, _RANGE_TO_RANGE, point_range=_swapped(_holds), ranges=_swapped(_includes)),
    _relation("starts", _POINT_TO_RANGE, _RANGE_TO_RANGE, point_range=_swapped(_begins_with), ranges=_starts),
    _relation("started by", _RANGE_TO_POINT, _RANGE_TO_RANGE, range_point=_begins_with, ranges=_swapped(_starts)),
    _relation(
        "coincides",
        _POINT_TO_POINT,
        _RANGE_TO_RANGE,
        points=lambda x, y: bool(x == y),
        point_range=lambda x, y: False,
        range_point=lambda x, y: False,
        ranges=lambda x, y: _same_start(x, y) and _same_end(x, y),
    ),
]
