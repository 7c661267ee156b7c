import pytest

from zeebe_mail.feel import compile_expression
from zeebe_mail.feel.diagnostics import nearest, point_at


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("1 + respone.id", 4, "Did you mean 'response'?"),
        ("response.bdy", 8, "Did you mean 'body'?"),
        ('uper case("a")', 0, "Did you mean 'upper case'?"),
        ('@"2026-01-31".moth', 13, "Did you mean 'month'?"),
        ("unknowable", 0, None),
        ("abs(numbr: 1)", 0, "Did you mean the parameter 'number'?"),
        ("abs(1, 2)", 0, "It is called as abs(number) or abs(n)"),
        ("round up(1)", 0, "It is called as round up(n, scale)"),
        (
            "substring(text: 1)",
            0,
            "It is called as substring(string, start position) or substring(string, start position, length)",
        ),
        ("max()", 0, "It is called as max(list...)"),
    ],
)
def test_a_warning_points_to_its_place_and_the_nearest_name(text: str, position: int, hint: str | None) -> None:
    (warning, *_) = compile_expression(text).evaluate({"response": {"body": {}}}).warnings
    assert (warning.position, warning.hint) == (position, hint)


@pytest.mark.parametrize(
    ("text", "position"), [('1 + "a"', 2), ("2 * 3 - null", 6), ('1 < "a"', 2), ("true and 1", 5), ("[1, 2] + 3", 7)]
)
def test_a_warning_about_an_operator_points_to_it(text: str, position: int) -> None:
    (warning, *_) = compile_expression(text).evaluate().warnings
    assert warning.position == position


def test_a_value_in_a_message_is_cut() -> None:
    (warning,) = compile_expression("x + 1").evaluate({"x": ["long"] * 10_000}).warnings
    assert len(warning.message) < 500


def test_nearest_takes_swapped_letters_for_one_mistake() -> None:
    assert nearest("resopnse", ["response", "request"]) == "response"
    assert nearest("a", ["b", "abc"]) == "b"
    assert nearest("subject", ["body", "sender"]) is None


def test_the_caret_stands_below_tabs() -> None:
    assert point_at("a\n\tb )", 5) == "  \tb )\n  \t  ^"
