import pytest

from tests.feel.expressions import failure, is_null_because, same_text, test_of, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null = undefined", "true"),
        ('{a: 1, b: "x"} = {b: "x", a: 1.0}', "true"),
        ('[1, "a"] = ["a", 1]', "false"),
        ("1 != null", "true"),
        ("null and false", "false"),
        ("null or true", "true"),
        ("not(null)", "null"),
        ("[null, 1][item = null]", "[null]"),
        ("[1, 2, 3][item > 1]", "[2, 3]"),
        ("[1, 2, 3][-1]", "3"),
        ("[1, 2, 3][4]", "null"),
        ("[1, 2, 3][1.9]", "1"),
        ("[][1]", "null"),
        ("[][item > 1]", "[]"),
        ("[{a: 1}, {a: 2}][a = 2].a", "[2]"),
        ("[{a: 1}, {b: 2}].a", "[1, null]"),
        ("{a: 1, b: a + 1, a: 5}", '{"a": 5, "b": 2}'),
        ("for i in 1..3 return count(partial)", "[0, 1, 2]"),
        ("for i in 3..1 return i", "[3, 2, 1]"),
        ("for i in 1.5..3.2 return i", "[1.5, 2.5]"),
        ("for i in [1, 2], i in [3, 4] return i", "[1, 1, 2, 2]"),
        ("some x in [] satisfies x", "false"),
        ("every x in [] satisfies x", "true"),
        ('if "x" then 1 else 2', "2"),
        ("1 instance of number", "true"),
        ("null instance of Any", "false"),
        ('@"P1D" instance of days and time duration', "true"),
        ("{f: function(x) x + 1, r: f(2)}", '{"r": 3}'),
        ("{f: function() a, a: 1, r: f()}", '{"a": 1, "r": null}'),
        ("{f: function(x) x, f: function(x) x + 1, r: f(2)}.r", "2"),
        ("{count: function(x) 5, r: count([1])}.r", "5"),
        ("[{f: function(x) x + 1, a: 1}][f(a) = 2]", '[{"a": 1}]'),
        ("{f: function(x, y) x - y, r: f(y: 1, x: 5)}.r", "4"),
        ("sort([3, 1, 2], function(x, y) x < y)", "[1, 2, 3]"),
        ('string({a: "b", c: [1.50, null, @"P1D"]})', '"{a:\\"b\\", c:[1.50, null, P1D]}"'),
        ("{r: [1..3]}", '{"r": null}'),
        ("1 in [[1..3]]", "false"),
    ],
)
def test_what_values_do(text: str, expected: str) -> None:
    same_text(text, expected)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("undefined.a.b", ("NO_VARIABLE_FOUND",)),
        ("(undefined).a", ("NO_VARIABLE_FOUND", "NO_CONTEXT_ENTRY_FOUND")),
        ("{a: 1}.b", ("NO_CONTEXT_ENTRY_FOUND",)),
        ('@"2026-01-31".hours', ("NO_PROPERTY_FOUND",)),
        ('1 = "1"', ("NOT_COMPARABLE",)),
        ("null < 1", ("NOT_COMPARABLE",)),
        ('"Total: " + 5', ("INVALID_TYPE",)),
        ("1 / 0", ("INVALID_TYPE",)),
        ('-@"P1D"', ("INVALID_TYPE",)),
        ("1[1]", ("INVALID_TYPE",)),
        ("for i in 5 return i", ("INVALID_TYPE",)),
        ("nothing(1)", ("NO_FUNCTION_FOUND",)),
        ("floor(n: 1.55, scale: 1)", ("NO_FUNCTION_FOUND",)),
        ("count(1)", ("FUNCTION_INVOCATION_FAILURE",)),
        ("{g: function(h) h(2), r: g(function(x) x)}.r", ("NO_FUNCTION_FOUND",)),
        ('before("a", ["b".."c"])', ("INVALID_TYPE", "FUNCTION_INVOCATION_FAILURE")),
    ],
)
def test_failures_that_become_null_are_reported(text: str, types: tuple[str, ...]) -> None:
    is_null_because(text, *types)


@pytest.mark.parametrize(
    "text",
    [
        "?",
        "1 + ?",
        "get or else(assert(null, false), 3)",
        'substring("abc", 5)',
        "modulo(5, 0)",
        "log(0)",
        "stddev(1)",
        "[1, 2] < [1, 3]",
        '@"PT1S" / @"PT0.0001S"',
        '@"2026-01-31" + @"P1000000000Y"',
        'date and time(@"2026-01-31T10:00:00", "Nowhere")',
    ],
)
def test_what_has_no_value_fails(text: str) -> None:
    failure(text)


def test_an_assertion_fails_with_its_cause() -> None:
    error = failure('assert(x, x > 3, "too small")', x=1)
    assert str(error) == "Assertion failure: too small"
    assert [warning.type for warning in error.warnings] == ["ASSERT_FAILURE"]


def test_a_call_on_something_else_than_a_context_is_null_only_within_an_operation() -> None:
    failure("[x.f(1)]", x=5)
    assert value("1 + x.f(1)", x=5) is None
    assert value("if x.f(1) then 1 else 2", x=5) == 2


def test_functions_are_no_entries_of_their_context() -> None:
    is_null_because("{f: function(x) x}.f", "NO_CONTEXT_ENTRY_FOUND")
    assert value("{f: function(x) x} = {}") is True


def test_an_items_own_entries_win_in_a_filter() -> None:
    assert value("[{item: 1, x: 2}][x = 2]", x=1) == [{"item": 1, "x": 2}]
    assert value("[{item: 1}][item = 1]") == [{"item": 1}]


def test_a_unary_test_is_null_when_the_input_cannot_be_compared() -> None:
    assert test_of('"a"', 5) is None
    assert test_of('["a"]', 5) is False
