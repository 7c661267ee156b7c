"""Expressions that nobody thought of: no crash other than a typed error, no run beyond its budget."""

import io
import json
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.feel.grammar import random_expression
from zeebe_mail.feel import FeelError, Limits, compile_expression, compile_unary_tests, from_json, to_json
from zeebe_mail.feel.errors import InternalError
from zeebe_mail.feel.jsonl import decode, encode, read, run, write

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
    except InternalError:
        raise
    except FeelError:
        return
    to_json(evaluation.value)
    encoded = encode(evaluation.value)
    if "function" not in text:
        assert write(read(write(encoded))) == write(encoded)
        json.dumps(to_json(evaluation.value), ensure_ascii=False).encode()
    assert all(warning.position is None or 0 <= warning.position < len(text) for warning in evaluation.warnings)


@given(expressions)
@settings(max_examples=200, deadline=None)
def test_the_same_expression_has_the_same_value(text: str) -> None:
    try:
        first = compile_expression(text).evaluate({}, limits=SMALL)
        second = compile_expression(f" ( {text} ) ").evaluate({}, limits=SMALL)
    except InternalError:
        raise
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
        except InternalError:
            raise
        except FeelError:
            continue


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        compile_expression(text).evaluate(limits=SMALL)
    except InternalError:
        raise
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
        except InternalError:
            raise
        except FeelError:
            continue


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.text(max_size=5)
    | st.sampled_from(
        ["1", "-0", "1.50", "1e9999", "1e99999999999999999999", "9" * 5000, "NaN", "[" * 900 + "]" * 900]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["@type", "value", "a", "date", "\ud83d"]), inner, max_size=3)
    ),
    max_leaves=6,
)
cases = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "kind": st.sampled_from(["expression", "unary-tests"]) | json_values,
        "expression": st.sampled_from(["x", "1 in x", "? = x", "{a: x}", "string(x)"]) | json_values,
        "context": st.dictionaries(st.just("x"), json_values) | json_values,
        "input": json_values,
        "clock": json_values,
    },
)


def as_json(value: object) -> str:
    """Texts that are numbers or brackets stand without quotes."""
    if isinstance(value, str) and (value[:1] in "[-19" or value == "NaN") and value:
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {as_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_json, value))}]"
    return json.dumps(value)


@given(st.lists(cases.map(as_json) | st.binary(max_size=30).map(lambda raw: raw.decode("utf-8", "replace"))))
@settings(max_examples=300, deadline=None)
def test_no_line_stops_the_rest(texts: list[str]) -> None:
    lines = [" ".join(text.splitlines()) for text in texts]
    out = io.StringIO()
    run(io.StringIO("\n".join([*lines, '{"id": "last", "expression": "1"}'])), out)
    replies = out.getvalue().split("\n")[:-1]
    assert len(replies) == sum(bool(line.removeprefix("\ufeff").strip()) for line in lines) + 1
    assert all(json.loads(reply, parse_int=str)["outcome"] in ("value", "failure") for reply in replies)
    assert json.loads(replies[-1])["id"] == "last"


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
