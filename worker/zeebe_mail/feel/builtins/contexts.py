"""Contexts."""

from zeebe_mail.feel.builtins.declare import builtin
from zeebe_mail.feel.errors import Suppressed
from zeebe_mail.feel.run import Run
from zeebe_mail.feel.values import Value, show_all

__all__ = ["FUNCTIONS"]

_Entries = dict[str, Value]


@builtin(
    "get value(m: context, key: string|list)",
    "get value(context: context, key: string|list)",
    "get value(context: context, keys: string|list)",
)
def get_value(run: Run, context: _Entries, key: str | list[Value]) -> Value:
    """The value of a key, or of a path given as a list of keys; null if there is none."""
    if isinstance(key, str):
        return context.get(key)
    value: Value = context
    for step in key:
        if not isinstance(value, dict) or type(step) is not str:
            return None
        value = value.get(step)
    return value if key else None


@builtin("get entries(m: context)", "get entries(context: context)")
def get_entries(run: Run, context: _Entries) -> list[Value]:
    """The entries as a list of contexts with `key` and `value`."""
    run.reserve_items(3 * len(context))
    return [{"key": key, "value": value} for key, value in context.items()]


@builtin(
    "context put(context: context, key: string|list, value: any)",
    "context put(context: context, keys: string|list, value: any)",
    "put(context: context, key: string|list, value: any)",
)
def context_put(run: Run, context: _Entries, key: str | list[Value], value: Value) -> Value:
    """The context with an entry more or changed; a list of keys is a path, made where it is missing."""
    if isinstance(key, str):
        return _put(run, context, [key], value)
    if not key:
        return None
    if not all(type(step) is str for step in key):
        raise Suppressed(f"Illegal arguments: {show_all((context, key, value))}")
    return _put(run, context, key, value)


@builtin("context merge(contexts...)", "put all(contexts...)")
def context_merge(run: Run, contexts: list[Value]) -> Value:
    """One context with the entries of all; the last one wins."""
    if not all(isinstance(context, dict) for context in contexts):
        return None
    run.reserve_items(sum(map(len, contexts)))
    return {key: value for context in contexts for key, value in context.items()}


@builtin("context(entries: any)")
def context(run: Run, entries: Value) -> Value:
    """A context from a list of contexts with `key` and `value`."""
    if type(entries) is not list or not all(_is_entry(entry) for entry in entries):
        return None
    run.reserve_items(len(entries))
    return {entry["key"]: entry["value"] for entry in entries}


def _put(run: Run, context: _Entries, path: list[str], value: Value) -> _Entries:
    """Changes copies along the path, from its end to its beginning."""
    owners = [context]
    for key in path[:-1]:
        inner = owners[-1].get(key)
        owners.append(inner if isinstance(inner, dict) else {})
    for owner, key in zip(reversed(owners), reversed(path), strict=True):
        run.reserve_items(len(owner) + 1)
        value = {**owner, key: value}
    result: _Entries = value
    return result


def _is_entry(entry: Value) -> bool:
    return isinstance(entry, dict) and "value" in entry and type(entry.get("key")) is str


FUNCTIONS = [get_value, get_entries, context_put, context_merge, context]
