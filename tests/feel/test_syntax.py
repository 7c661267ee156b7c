import pytest

from tests.feel.expressions import same_text, test_of, value
from zeebe_mail.feel import BudgetExceeded, FeelSyntaxError, compile_expression, compile_unary_tests


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("2 ** 3 ** 2", "64"),
        ("-2 ** 2", "4"),
        ("1 - -1", "2"),
        ("--1", "1"),
        ("10 - 2 - 3", "5"),
        ("1 < 2 and 2 < 3 or false", "true"),
        ("3 between 1 and 5 and true", "true"),
        (".5 + 007", "7.5"),
        ("1 // a comment\n + 2 /* and another */", "3"),
        ("if true then 1 else 2 + 3", "1"),
        ("if false then 1 else if true then 2 else 3", "2"),
        ("1in[1, 2]", "true"),
        ("true orfalse", "true"),
        ("if true then1 else2", "1"),
        ("{if: 1, for: 2}.if", "1"),
        ('{a b: 1, a+b: 2, then: 3, "x y": 4}', '{"a b": 1, "a+b": 2, "then": 3, "x y": 4}'),
        ("[1, 2, 3][2]", "2"),
        ("[[1, 2], [3]][1][2]", "2"),
        ("{a: {b: [5]}}.a.b[1]", "5"),
        ("5 in (1..5]", "true"),
        ("5 in ]1..5[", "false"),
        ("1 in (2, 3, < 5)", "true"),
        ('@"2026-01-31".month', "1"),
        ('date("2026-01-31").day', "31"),
        ('time("10:00:00+02:00").time offset.hours', "2"),
        ("some x in [1, 2], y in [3] satisfies x + y = 5", "true"),
        ("for i in 1..3, j in 1..2 return i * j", "[1, 2, 2, 4, 3, 6]"),
        ('substring(start position: 2, string: "abc")', '"bc"'),
        ('"a\\"b\\\\c\\n\\d\\u0041"', '"a\\"b\\\\c\\n\\\\d\\\\u0041"'),
    ],
)
def test_what_the_grammar_means(text: str, expected: str) -> None:
    same_text(text, expected)


def test_names_in_backticks_may_have_any_characters() -> None:
    assert value("`a b` + x.`c-d`", **{"a b": 1, "x": {"c-d": 2}}) == 3


def test_names_may_have_letters_of_any_alphabet() -> None:
    assert value("größe + नाम + 名前", größe=1, नाम=2, 名前=3) == 6


def test_reserved_words_begin_names() -> None:
    assert value("order + android + inner", order=1, android=2, inner=3) == 6


def test_a_test_behind_in_reaches_as_far_as_it_can() -> None:
    assert value("1 in [1] and true") is False
    assert value("1 in (1) and true") is True


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("-", 5, True),
        ("5", 5, True),
        ("< 5", 5, False),
        ("[1..5], > 10", 5, True),
        ("not(1, 2)", 5, True),
        ('"a", "b"', "b", True),
        ("? > 3", 5, True),
        ("? > 3 and ? < 5", 5, False),
        ("true", False, False),
        ("[4, 5]", 5, True),
        ("odd(?)", 5, True),
        ("null", None, True),
        ("not()", 5, False),
        ("not(negand: true)", 5, False),
        ("< 5", None, None),
    ],
)
def test_unary_tests(text: str, given: object, expected: bool | None) -> None:
    assert test_of(text, given) is expected


@pytest.mark.parametrize(
    ("text", "column", "found", "expected"),
    [
        ("", 1, "nothing", "a value"),
        ("// only a comment", 18, "the end of the expression", "a value"),
        ("a b", 3, '"b"', "an operator"),
        ("1 < 2 = true", 7, '"="', "the end of the expression"),
        ("if x else y", 6, '"else"', '"then"'),
        ("{a: [1, 2}", 10, '"}"', '","'),
        ("f(1", 4, "the end of the expression", '")"'),
        ('"abc', 1, "a string without its closing quote", ""),
        ("`abc", 1, "a backtick without its partner", ""),
        ("5.", 3, "the end of the expression", "the name of a property"),
        ("1e3", 2, '"e3"', "an operator"),
        ("(function(x) x)(1)", 16, '"("', "an operator"),
        ("[1..3] = [1..3]", 8, '"="', "the end of the expression"),
        ("1 + [1..3]", 5, "a range", "a value"),
        ("x.in", 3, '"in"', "the name of a property"),
        ("a # b", 3, '"#"', "an operator"),
        ("function(x) external {java: {}}", 13, "an external function, which this engine never calls", ""),
    ],
)
def test_a_syntax_error_tells_where_and_what(text: str, column: int, found: str, expected: str) -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        compile_expression(text)
    error = caught.value
    assert (error.line, error.column, error.found) == (1, column, found)
    assert not expected or expected in error.expected
    assert str(error).splitlines()[-1].index("^") == column + 1


def test_a_syntax_error_counts_lines() -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        compile_expression("{\n  a: 1,\n  b: )\n}")
    assert (caught.value.line, caught.value.column, caught.value.position) == (3, 6, 15)
    assert str(caught.value).splitlines()[1:] == ["    b: )", "       ^"]


def test_a_long_line_is_cut_around_the_caret() -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        compile_expression(f"[{'1, ' * 500})")
    _, line, caret = str(caught.value).splitlines()
    assert len(line) < 110
    assert line[caret.index("^")] == ")"


def test_deep_nesting_is_an_error_of_its_own() -> None:
    for text in (
        "(" * 10_000 + "1" + ")" * 10_000,
        "[" * 10_000,
        "f(" * 10_000,
        "{a: " * 10_000,
        "if 1 then " * 10_000,
    ):
        with pytest.raises(BudgetExceeded, match="nested deeper"):
            compile_expression(text)


def test_long_rows_are_not_deep() -> None:
    assert value("1" + " + 1" * 5000) == 5001
    assert value("true" + " and true" * 5000) is True
    assert value("x" + ".a" * 5000, x=None) is None
    assert value("if false then 0 else " * 500 + "1") == 1


def test_ninety_levels_can_be_evaluated() -> None:
    assert value("(" * 90 + "1" + ")" * 90) == 1
    assert value("abs(" * 90 + "1" + ")" * 90) == 1
    assert value("[" * 90 + "]" * 90 + "[1]" * 80) == [[[[[[[[[[]]]]]]]]]]


def test_a_text_that_is_too_long_is_not_read() -> None:
    with pytest.raises(BudgetExceeded, match="characters"):
        compile_unary_tests("1," * 60_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 in (> 3 and < 6)", True),
        ("7 in (> 3 and < 6)", False),
        ("5 in (< 3 or > 4)", True),
        ("1 in x.f(1)", False),
    ],
)
def test_logic_between_comparisons_in_parentheses(text: str, expected: bool) -> None:
    assert value(text, x={}) is expected


@pytest.mark.parametrize(
    ("tests", "given", "expected"),
    [("not(> 3 and < 6)", 5, False), ("not(> 3 and < 6)", 7, True), ("x.f(1)", 1, False), ("not(x.f(1))", 1, True)],
)
def test_unary_tests_that_are_no_boolean(tests: str, given: int, expected: bool) -> None:
    assert compile_unary_tests(tests).evaluate(given, {"x": {}}).value is expected


@pytest.mark.parametrize("tests", ["[1..3] or [4..6]", "[1..6] and > 3", "> 3 and < 6", "not([1..3] or [4..6])"])
def test_a_range_or_comparison_is_the_whole_of_a_unary_test(tests: str) -> None:
    with pytest.raises(FeelSyntaxError):
        compile_unary_tests(tests)
