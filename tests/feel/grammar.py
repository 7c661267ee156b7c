"""Random expressions, built along the grammar: most are well typed, some are not, all can be read."""

from random import Random

NUMBERS = ("0", "1", "2", "3", "10", "1.5", "0.10", "-1", "-2.50", "100", "1e3".replace("e3", "000"), ".5", "7.00")
EXTREMES = ("(10 ** 400)", "(10 ** -400)", "(-10 ** 6000)", "(10 ** -6000)", "9" * 40, "0." + "0" * 40 + "1")
STRINGS = ('""', '"a"', '"abc"', '"foo bar"', '"äÖ"', '"1,000.5"', '"a,b,c"', '"x1y22"', '"🐎"', '"2020-01-31"')
BOOLEANS = ("true", "false", "null")
TEMPORALS = (
    '@"2020-01-31"',
    '@"2024-02-29"',
    '@"10:30:00"',
    '@"23:59:59.5"',
    '@"10:30:00+02:00"',
    '@"10:30:00@Europe/Berlin"',
    '@"2024-03-30T02:30:00"',
    '@"2024-03-30T02:30:00@Europe/Berlin"',
    '@"2024-10-26T02:30:00@Europe/Berlin"',
    '@"2020-01-31T10:00:00Z"',
    '@"2020-01-31T10:00:00+01:00"',
    '@"P1M"',
    '@"P1Y2M"',
    '@"-P3M"',
    '@"P1D"',
    '@"PT36H"',
    '@"-PT90M"',
    '@"PT0.5S"',
    '@"P0D"',
)
VARIABLES = ("x", "item", "partial", "undefined", "i")
KEYS = ("a", "b", "year", "hour", "days", "time offset", "value", "timezone", "months", "weekday")
TYPES = (
    "number",
    "string",
    "boolean",
    "date",
    "time",
    "date and time",
    "list",
    "context",
    "function",
    "Any",
    "years and months duration",
    "days and time duration",
)
PATTERNS = ('"a"', '"[a-c]+"', '"(b|,)"', '"\\d+"', '""', '"^."', '"$"', '"("', '"x*"', '"\\w"', '"(?i)A"', '","')

# One letter for each argument: n number, s string, b boolean, l list, c context, t temporal, r range, p pattern, * any.
FUNCTIONS = [
    "date:s",
    "date:nnn",
    "date:t",
    "time:s",
    "time:nnn",
    "time:t",
    "date_and_time:s",
    "date_and_time:tt",
    "number:s",
    "string:*",
    "duration:s",
    "years_and_months_duration:tt",
    "not:b",
    "is_defined:*",
    "get_or_else:**",
    "substring:sn",
    "substring:snn",
    "string_length:s",
    "upper_case:s",
    "lower_case:s",
    "substring_before:ss",
    "substring_after:ss",
    "replace:sps",
    "contains:ss",
    "starts_with:ss",
    "ends_with:ss",
    "matches:sp",
    "split:sp",
    "extract:sp",
    "trim:s",
    "is_blank:s",
    "to_base64:s",
    "list_contains:l*",
    "count:l",
    "min:l",
    "max:l",
    "min:nn",
    "max:nn",
    "sum:l",
    "product:l",
    "mean:l",
    "median:l",
    "mode:l",
    "and:l",
    "or:l",
    "all:bb",
    "any:bb",
    "sublist:ln",
    "sublist:lnn",
    "append:l*",
    "concatenate:ll",
    "insert_before:ln*",
    "remove:ln",
    "reverse:l",
    "index_of:l*",
    "union:ll",
    "distinct_values:l",
    "duplicate_values:l",
    "flatten:l",
    "string_join:l",
    "string_join:ls",
    "is_empty:l",
    "partition:ln",
    "decimal:nn",
    "floor:n",
    "ceiling:n",
    "floor:nn",
    "ceiling:nn",
    "round_up:nn",
    "round_down:nn",
    "round_half_up:nn",
    "round_half_down:nn",
    "abs:n",
    "abs:t",
    "modulo:nn",
    "sqrt:n",
    "log:n",
    "exp:n",
    "odd:n",
    "even:n",
    "get_value:cs",
    "get_entries:c",
    "context_put:cs*",
    "context_merge:cc",
    "context:l",
    "to_json:*",
    "before:tt",
    "after:nr",
    "before:rr",
    "meets:rr",
    "met_by:rr",
    "overlaps:rr",
    "overlaps_before:rr",
    "overlaps_after:rr",
    "finishes:nr",
    "finishes:rr",
    "finished_by:rn",
    "includes:rn",
    "includes:rr",
    "during:nr",
    "during:rr",
    "starts:nr",
    "started_by:rn",
    "coincides:rr",
    "coincides:nn",
    "day_of_year:t",
    "day_of_week:t",
    "month_of_year:t",
    "week_of_year:t",
    "last_day_of_month:t",
    "stddev:l",
]


def random_expression(random: Random) -> str:
    return _any(random, 3)


def random_unary_tests(random: Random) -> str:
    tests = ", ".join(_test(random) for _ in range(random.randrange(1, 4)))
    return f"not({tests})" if random.random() < 0.2 else tests


def _test(random: Random) -> str:
    same = random.choice((_number, _string, _temporal, _list, _boolean))
    match random.randrange(6):
        case 0:
            return f"{random.choice(('<', '<=', '>', '>='))} {same(random, 1)}"
        case 1:
            return _range(random, 0)
        case 2:
            return f"? {random.choice(('<', '=', '!=', '>='))} {same(random, 1)}"
        case 3:
            return random.choice(("odd(?)", "count(?) > 1", "some x in ? satisfies x > 1", "? in [1..3]", "?", "null"))
        case _:
            return same(random, 2)


def _any(random: Random, depth: int) -> str:
    if depth == 0:
        return _leaf(random)
    make = random.choice(
        (
            _leaf,
            _number,
            _string,
            _boolean,
            _list,
            _context,
            _temporal,
            _call,
            _call,
            _call,
            _if,
            _for,
            _filter,
            _path,
            _function,
        )
    )
    return make(random) if make is _leaf else make(random, depth - 1)


def _leaf(random: Random) -> str:
    return random.choice((*NUMBERS, *STRINGS, *BOOLEANS, *TEMPORALS, *VARIABLES))


def _wrong_sometimes(random: Random, depth: int) -> str | None:
    return _any(random, depth) if random.random() < 0.08 else None


def _number(random: Random, depth: int) -> str:
    wrong = _wrong_sometimes(random, depth)
    if wrong is not None:
        return wrong
    if random.random() < 0.03:
        return random.choice(EXTREMES)
    if depth == 0 or random.random() < 0.4:
        return random.choice(NUMBERS)
    left, right = _number(random, depth - 1), _number(random, depth - 1)
    return f"({left} {random.choice(['+', '-', '*', '/'])} {right})"


def _string(random: Random, depth: int) -> str:
    wrong = _wrong_sometimes(random, depth)
    if wrong is not None:
        return wrong
    if depth == 0 or random.random() < 0.6:
        return random.choice(STRINGS)
    return f"({_string(random, depth - 1)} + {_string(random, depth - 1)})"


def _boolean(random: Random, depth: int) -> str:
    if depth == 0:
        return random.choice(BOOLEANS)
    match random.randrange(8):
        case 0:
            return f"({_boolean(random, depth - 1)} and {_boolean(random, depth - 1)})"
        case 1:
            return f"({_boolean(random, depth - 1)} or {_boolean(random, depth - 1)})"
        case 2:
            same = random.choice((_number, _string, _temporal, _list, _context, _any))
            return f"({same(random, depth - 1)} {random.choice(('=', '!='))} {same(random, depth - 1)})"
        case 3:
            same = random.choice((_number, _string, _temporal))
            return f"({same(random, depth - 1)} {random.choice(('<', '<=', '>', '>='))} {same(random, depth - 1)})"
        case 4:
            return f"({_number(random, depth - 1)} between {random.choice(NUMBERS)} and {random.choice(NUMBERS)})"
        case 5:
            return f"({_any(random, depth - 1)} instance of {random.choice(TYPES)})"
        case 6:
            test = random.choice((_range(random, 0), f"(< {random.choice(NUMBERS)}, 5)", _list(random, depth - 1)))
            return f"({_number(random, depth - 1)} in {test})"
        case _:
            quantifier = random.choice(("some", "every"))
            return f"({quantifier} x in {_list(random, depth - 1)} satisfies x > {random.choice(NUMBERS)})"


def _list(random: Random, depth: int) -> str:
    wrong = _wrong_sometimes(random, depth)
    if wrong is not None:
        return wrong
    make = random.choice((_number, _number, _string, _boolean, _any, _context))
    return f"[{', '.join(make(random, max(depth - 1, 0)) for _ in range(random.randrange(4)))}]"


def _context(random: Random, depth: int) -> str:
    if random.random() < 0.05:  # half a character as a key
        return f'context put({{}}, substring("🐎", 2), {_any(random, max(depth - 1, 0))})'
    keys = random.sample(("a", "b", "c"), random.randrange(3))
    return "{" + ", ".join(f"{key}: {_any(random, max(depth - 1, 0))}" for key in keys) + "}"


def _temporal(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.5:
        return random.choice(TEMPORALS)
    if random.random() < 0.25:
        return f"({_temporal(random, depth - 1)} {random.choice('*/')} {random.choice(NUMBERS)})"
    return f"({_temporal(random, depth - 1)} {random.choice('+-')} {_temporal(random, depth - 1)})"


def _range(random: Random, depth: int) -> str:
    points = random.choice((NUMBERS, NUMBERS, TEMPORALS))
    return f"{random.choice('[(')}{random.choice(points)}..{random.choice(points)}{random.choice('])')}"


def _call(random: Random, depth: int) -> str:
    name, _, kinds = random.choice(FUNCTIONS).partition(":")
    makers = {
        "n": _number,
        "s": _string,
        "b": _boolean,
        "l": _list,
        "c": _context,
        "t": _temporal,
        "r": _range,
        "*": _any,
    }
    arguments = (random.choice(PATTERNS) if kind == "p" else makers[kind](random, max(depth - 1, 0)) for kind in kinds)
    return f"{name.replace('_', ' ')}({', '.join(arguments)})"


def _if(random: Random, depth: int) -> str:
    return f"(if {_boolean(random, depth)} then {_any(random, depth)} else {_any(random, depth)})"


def _for(random: Random, depth: int) -> str:
    source = random.choice((_list(random, depth), f"{random.choice(NUMBERS[:4])}..{random.choice(NUMBERS[:4])}"))
    return f"(for i in {source} return {random.choice((_any(random, depth), 'i', 'count(partial)', 'i * 2'))})"


def _filter(random: Random, depth: int) -> str:
    condition = random.choice(("item > 1", "a = 1", "true", "1", "-1", "i", "item", "odd(item)", "item != 2"))
    return f"{_list(random, depth)}[{condition}]"


def _path(random: Random, depth: int) -> str:
    base = random.choice((_context, _temporal, _list))(random, depth)
    return f"({base}).{random.choice(KEYS)}"


def _function(random: Random, depth: int) -> str:
    body = random.choice(("p", "p + 1", "[p, x]", "count(p)", _any(random, max(depth - 1, 0))))
    argument = _any(random, max(depth - 1, 0))
    return random.choice(
        (
            f"{{f: function(p) {body}, r: f({argument})}}.r",
            f"{{f: function(p) {body}, r: f(p: {argument})}}",
            f"{{p: 2, f: function() {body}, p: 3, r: f()}}.r",
            f"sort({_list(random, depth)}, function(a, b) a < b)",
            f"{{f: function(p, q) {body}}}.f",
        )
    )
