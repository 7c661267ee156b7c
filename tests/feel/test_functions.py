import pytest

from tests.feel.expressions import failure, is_null_because, same_text, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('substring("foobar", -2, 1)', '"a"'),
        ('substring("foobar", 0)', '""'),
        ('string length("🐎")', "2"),
        ('substring("a🐎b", 2, 2)', '"🐎"'),
        ('substring before("foobar", "foo")', '""'),
        ('substring after("foobar", "")', '"foobar"'),
        ('upper case("äß")', '"ÄSS"'),
        ('to base64("äFEEL")', '"w6RGRUVM"'),
        ('from base64("w6RGRUVM")', '"äFEEL"'),
        ('trim("  a\\t")', '"a"'),
        ('string join(["a", null, "b"], "-", "<", ">")', '"<a-b>"'),
        ("sum([])", "null"),
        ("sum(1, 2)", "3"),
        ("sum(list: [1, 2])", "3"),
        ("min([1.0, 1])", "1.0"),
        ("mode([1, 2, 2, 1.0])", "[1, 2]"),
        ("all([true, null])", "null"),
        ("any([null, true])", "true"),
        ("sublist([1, 2, 3], 2, 5)", "[2, 3]"),
        ("sublist([1, 2, 3], -5)", "[1, 2, 3]"),
        ("insert before([1, 2], -1, 9)", "[1, 9, 2]"),
        ("remove([1, 2, 3], -1)", "[1, 2]"),
        ("concatenate([1], [2], 3)", "[1, 2, 3]"),
        ("append([1], [2])", "[1, [2]]"),
        ("union([1.0], [1, 2])", "[1.0, 2]"),
        ('distinct values([1, 1.0, "1", {a: 1}, {a: 1.0}])', '[1, "1", {"a": 1}]'),
        ("duplicate values([1, 1.0, 2, null, null])", "[1, null]"),
        ("list contains([[1.0]], [1])", "true"),
        ("list contains([{a: 1}], {a: 1})", "false"),
        ("index of([{a: 1}], {a: 1})", "[1]"),
        ("flatten([1, [2, [3]]])", "[1, 2, 3]"),
        ("partition([1, 2, 3], 2)", "[[1, 2], [3]]"),
        ('get value({a: {b: 2}}, ["a", "b"])', "2"),
        ('context put({a: 1}, ["a", "b"], 1)', '{"a": {"b": 1}}'),
        ("context merge([{a: 1}, {a: 3, b: 2}])", '{"a": 3, "b": 2}'),
        ('context([{key: "a", value: 1}])', '{"a": 1}'),
        ("get entries({a: 1})", '[{"key": "a", "value": 1}]'),
        ("before(1, [2..3])", "true"),
        ("overlaps before([1..5], [3..8])", "true"),
        ("includes((1..10), (1..10))", "true"),
        ('during(@"10:00:00", [@"09:00:00"..@"11:00:00"])', "true"),
        ("coincides([1..2], 1)", "false"),
        (
            'to json({a: 1.50, b: [@"2026-01-31", @"P1D", null]})',
            '"{\\"a\\":1.50,\\"b\\":[\\"2026-01-31\\",\\"PT24H\\",null]}"',
        ),
        ('from json("{\\"a\\": [1, 1.50, 1e3]}")', '{"a": [1, 1.5, 1000.0]}'),
        ('from json("1 2")', "1"),
        ("string length(uuid())", "36"),
        ("random number() < 1", "true"),
    ],
)
def test_what_functions_answer(text: str, expected: str) -> None:
    same_text(text, expected)


@pytest.mark.parametrize(
    "text",
    [
        'date("2026-02" + "-30")',
        "sublist([1], 0)",
        "partition([1], 0)",
        'number("abc")',
        'sum([1, "a"])',
        'string join(["a", 1])',
        'matches("a", "[")',
        'decimal(1, 2, "SIDEWAYS")',
        'from json("{")',
        'from base64("!!!")',
        'includes([1..10], "a")',
        'sort([1, 2], function(x, y) "a")',
    ],
)
def test_functions_that_cannot_answer_say_why(text: str) -> None:
    is_null_because(text, "FUNCTION_INVOCATION_FAILURE")


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "found"),
    [
        (r"\d", "", "٣", False),
        (r"\w", "", "ä", False),
        (r"\p{L}", "", "ä", True),
        (r"\p{Alpha}\p{javaDigit}", "", "a1", True),
        (r"\p{IsGreek}", "", "α", True),
        ("ä", "i", "Ä", False),
        ("ä", "iu", "Ä", False),
        ("(?iu)ä", "", "Ä", True),
        ("[a-c]", "i", "B", True),
        ("[a-z&&[^b]]", "", "b", False),
        ("[a-c[d-f]]", "", "e", True),
        (r"a\hb", "", "a\u00a0b", True),
        (r"\Qa.b\E", "", "axb", False),
        (r"(?<x>a)\k<x>", "", "aa", True),
        ("a.b", "", "a\rb", False),
        ("a.b", "s", "a\rb", True),
        ("^y", "m", "x\ny", True),
        ("a$", "", "a\r\n", True),
        (r"a\z", "", "a\n", False),
        (" a # x\n b", "x", "ab", True),
        ("a++b", "", "aab", True),
        ("(?>a|ab)c", "", "abc", False),
        (r"\x{1F40E}", "", "🐎", True),
        (r"\0141", "", "a", True),
    ],
)
def test_patterns_mean_what_they_mean_in_java(pattern: str, flags: str, text: str, found: bool) -> None:
    assert value("matches(text, pattern, flags)", text=text, pattern=pattern, flags=flags) is found


@pytest.mark.parametrize(
    "pattern", ["a{,2}", "a{e<=1}", "(?P<n>a)", "(?R)", r"\y", "*a", "a**", "(?#c)", "[a", "(a", "a)", r"[\1]"]
)
def test_patterns_that_java_does_not_know_are_invalid(pattern: str) -> None:
    is_null_because("matches(text, pattern)", "FUNCTION_INVOCATION_FAILURE", text="a", pattern=pattern)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('replace("abc", "(a)(b)", "$2$1")', '"bac"'),
        ('replace("abc", "(a)", "$11")', '"a1bc"'),
        ('replace("abc", "(?<n>b)", "[${n}]")', '"a[b]c"'),
        ('replace("aaa", "a", "\\$")', '"$$$"'),
        ('replace("abc", "b*", "-")', '"-a--c-"'),
        ('split("abc", "")', '["a", "b", "c", ""]'),
        ('split("a,b,,", ",")', '["a", "b", "", ""]'),
        ('split("abc", "(?=b)")', '["a", "bc"]'),
        ('extract("a1b22", "\\d+")', '["1", "22"]'),
        ('extract("ab", "a??")', '["", "", ""]'),
        ('extract("abc", "b|")', '["", "b", "", ""]'),
        ('split("a|b", "|")', '["a", "|", "b", ""]'),
    ],
)
def test_matches_are_replaced_and_split_as_in_java(text: str, expected: str) -> None:
    same_text(text, expected)


@pytest.mark.parametrize(
    "text", ["2026-01-31", "23:59:00", "01", "1x", "1,2", "1.", "1e", "1}", "1]", "truex", "null1", "false_"]
)
def test_json_does_not_end_within_a_word(text: str) -> None:
    is_null_because("from json(t)", "FUNCTION_INVOCATION_FAILURE", t=text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":1} x', '{"a": 1}'),
        ("0 1", "0"),
        ("true x", "true"),
        ("true,", "true"),
        ("null$", "null"),
        ('"a"x', '"a"'),
    ],
)
def test_behind_json_something_else_may_stand(text: str, expected: str) -> None:
    same_text("from json(t)", expected, t=text)


def test_an_order_that_fails_sorts_nothing() -> None:
    is_null_because("sort([[1], [2]], function(a, b) a < b)", "FUNCTION_INVOCATION_FAILURE")
    is_null_because("sort([1, 2], function(a, b) modulo(a, 0) = b)", "FUNCTION_INVOCATION_FAILURE")
    assert "too small" in str(failure('sort([1, 2], function(a, b) assert(a, false, "too small"))'))
