"""Expressions that nobody thought of: no crash other than a typed error, no run beyond its budget."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.feel.grammar import random_expression
from zeebe_mail.feel import FeelError, Limits, compile_expression, compile_unary_tests, from_json, to_json
from zeebe_mail.feel.jsonl import decode, encode, read, write

SMALL = Limits(max_steps=5_000, max_items=5_000, max_characters=50_000, max_s=5, max_pattern_s=1)

expressions = st.randoms(use_true_random=False).map(random_expression)
variables = st.dictionaries(
    st.sampled_from(["x", "i", "item", "a"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "year"]), inner, max_size=3)
        ),
        max_leaves=8,
    ),
)


@given(expressions, variables)
@settings(max_examples=400, deadline=None)
def test_expressions_of_the_grammar_have_a_value_or_a_typed_error(text: str, names: dict[str, object]) -> None:
    try:
        evaluation = compile_expression(text).evaluate(names, limits=SMALL)
    except FeelError:
        return
    to_json(evaluation.value)
    encoded = encode(evaluation.value)
    if "function" not in text:
        assert read(write(encoded)) == encoded
    assert all(warning.position is None or 0 <= warning.position < len(text) for warning in evaluation.warnings)


@given(expressions)
@settings(max_examples=200, deadline=None)
def test_the_same_expression_has_the_same_value(text: str) -> None:
    try:
        first = compile_expression(text).evaluate({}, limits=SMALL)
        second = compile_expression(f" ( {text} ) ").evaluate({}, limits=SMALL)
    except FeelError:
        return
    assert write(encode(first.value)) == write(encode(second.value))


@given(expressions, st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_expressions_are_read_or_refused(text: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 5)))
    damaged = (
        text[:begin]
        + data.draw(st.sampled_from(["", "(", "]", "..", '"', "in ", " then ", "@", "[", "{", "-", "`"]))
        + text[end:]
    )
    for compile_text in (compile_expression, compile_unary_tests):
        try:
            compile_text(damaged).evaluate(limits=SMALL)
        except FeelError:
            continue


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        compile_expression(text).evaluate(limits=SMALL)
    except FeelError:
        return


@given(
    st.text("()[]{}\\^$.|?*+-&a1bdwsDWSpPLQEkGzZuxhiR<>=!:,# ", max_size=25),
    st.text("ab1 \n", max_size=10),
    st.sampled_from(["", "i", "smx"]),
)
@settings(max_examples=500, deadline=None)
def test_any_pattern_matches_or_is_refused(pattern: str, text: str, flags: str) -> None:
    for expression in ("matches(t, p, f)", "replace(t, p, p, f)", "split(t, p)", "extract(t, p)"):
        try:
            compile_expression(expression).evaluate({"t": text, "p": pattern, "f": flags}, limits=SMALL)
        except FeelError:
            continue


@given(variables)
def test_data_comes_back_from_the_border_as_it_went_in(names: dict[str, object]) -> None:
    inside = from_json(names)
    assert from_json(to_json(inside)) == from_json(to_json(from_json(to_json(inside))))
    assert decode(encode(inside)) == inside


def test_the_generator_reaches_every_function() -> None:
    random = Random(0)
    text = " ".join(random_expression(random) for _ in range(3000))
    assert all(
        f"{name}(" in text for name in ("substring", "date and time", "overlaps before", "context put", "to json")
    )
