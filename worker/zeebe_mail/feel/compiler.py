"""A syntax tree to closures: each node becomes a function from a scope to a value.

Three kinds of trouble, and where they end:

* what FEEL calls null: a warning and the value `None`, right where it happens;
* `Suppressed`: a value that could not be computed travels up to the nearest operator, call, loop or filter, which is
  then null (a call to a function that a variable does not have, a range between texts);
* `EvaluationError`: leaves the evaluation.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeAlias

from zeebe_mail.feel import nodes
from zeebe_mail.feel.compare import POINTS, are_ordered, contains, precedes
from zeebe_mail.feel.errors import EvaluationError, Suppressed
from zeebe_mail.feel.nodes import Node
from zeebe_mail.feel.numbers import negate
from zeebe_mail.feel.run import Functions, Run, Scope
from zeebe_mail.feel.semantics import (
    COMPARISONS,
    INPUT,
    Code,
    NotIterable,
    Source,
    arguments_for,
    compare_equal,
    decide,
    find_function,
    how_to_call,
    implicit_input,
    item_at,
    matching,
    no_function,
    operation_of,
    opposite,
    property_step,
    rounds,
    span_of,
)
from zeebe_mail.feel.values import Context, Function, Range, Value, kind_of, show

__all__ = ["Library", "compile_node"]

Library: TypeAlias = dict[str, list[Function]]

_QUESTION_MARK = "?"

_MISSING = object()
_TYPE_ALIASES = {
    "date time": "date and time",
    "year-month-duration": "years and months duration",
    "day-time-duration": "days and time duration",
}


class MissingInput(EvaluationError):
    """`?` where there is no input; a unary test is tried again with one."""


def compile_node(node: Node, library: Library) -> tuple[Code, frozenset[str]]:
    """The code, and the names of the functions that it calls; `library` are those that every expression can call."""
    compiler = _Compiler(library)
    return compiler.code(node), frozenset(compiler.called)


class _Compiler:
    def __init__(self, library: Library) -> None:
        self.library = library
        self.mentioned: set[str] = set()  # names of variables that the current `for` body reads
        self.called: set[str] = set()  # names of functions, anywhere in the expression
        self.defines_functions = False  # below the current context

    def code(self, node: Node) -> Code:
        return _COMPILE[type(node)](self, node)

    def codes(self, several: Iterable[Node]) -> list[Code]:
        return [_COMPILE[type(node)](self, node) for node in several]

    # --- values ---

    def literal(self, node: nodes.Literal) -> Code:
        value = node.value
        return lambda scope: value

    def reference(self, node: nodes.Reference, missing: Value = None) -> Code:
        name, at = node
        self.mentioned.add(name)
        not_found = f"No variable found with name '{name}'"

        def reference(scope: Scope) -> Value:
            here: Scope | None = scope
            while here is not None:
                names = here.names
                if name in names:
                    return names[name]
                here = here.outer
            scope.run.warn_missing("NO_VARIABLE_FOUND", not_found, at, name, scope.all_names)
            return missing

        return reference

    def list_literal(self, node: nodes.ListLiteral) -> Code:
        codes = self.codes(node.items)
        size = len(codes)

        def list_literal(scope: Scope) -> Value:
            scope.run.reserve_items(size + 1)
            return [code(scope) for code in codes]

        return list_literal

    def context_literal(self, node: nodes.ContextLiteral) -> Code:
        outer_defines, self.defines_functions = self.defines_functions, False
        entries = [(key, self.code(value)) for key, value in node.entries]
        defines, self.defines_functions = self.defines_functions, self.defines_functions or outer_defines
        size = len(entries)

        def context_literal(scope: Scope) -> Value:
            run = scope.run
            run.reserve_items(size + 3)  # an empty context is as large as a list of three more
            names: dict[str, Value] = {}
            functions: dict[str, list[Function]] = {}
            inner = Scope(names, scope.functions, scope, run)
            for key, code in entries:
                value = code(inner)
                if type(value) is Function:
                    functions.setdefault(key, []).append(value)
                    inner.functions = Functions(functions, scope.functions)
                else:
                    names[key] = value
            return Context(names, functions) if functions else names

        return self.context_of_closures(entries) if defines else context_literal

    def context_of_closures(self, entries: list[tuple[str, Code]]) -> Code:
        """A function in it keeps the entries that stand before it, so later ones go to a copy."""

        def context_of_closures(scope: Scope) -> Value:
            names: dict[str, Value] = {}
            functions: dict[str, list[Function]] = {}
            for key, code in entries:
                scope.run.reserve_items(len(names) + 4)
                value = code(Scope(names, Functions(functions, scope.functions), scope, scope.run))
                if type(value) is Function:
                    functions = functions | {key: [*functions.get(key, ()), value]}
                else:
                    names = names | {key: value}
            return Context(names, functions) if functions else names

        return context_of_closures

    def range_literal(self, node: nodes.RangeLiteral) -> Code:
        start_code, end_code = self.code(node.start), self.code(node.end)
        _, _, is_start_closed, is_end_closed, at = node

        def range_literal(scope: Scope) -> Value:
            start, end = start_code(scope), end_code(scope)
            if type(start) not in POINTS or type(end) is not type(start):
                opening, closing = "[" if is_start_closed else "(", "]" if is_end_closed else ")"
                message = f"Invalid range definition '{opening}{show(start)}..{show(end)}{closing}'"
                scope.run.warn("INVALID_TYPE", message, at)
                raise Suppressed(message)
            return Range(start, end, is_start_closed, is_end_closed)

        return range_literal

    def function_literal(self, node: nodes.FunctionLiteral) -> Code:
        parameters = node.parameters
        body = self.code(node.body)
        self.defines_functions = True

        def function_literal(scope: Scope) -> Value:
            def invoke(run: Run, arguments: list[Value]) -> Value:
                return body(scope.inner(dict(zip(parameters, arguments, strict=False))))

            return Function(parameters, invoke)

        return function_literal

    # --- properties and filters ---

    def steps(self, steps: list[nodes.Property | nodes.Filter]) -> list[Callable[[Scope, Value], Value]]:
        return [self.filter(step) if isinstance(step, nodes.Filter) else property_step(*step) for step in steps]

    def access(self, node: nodes.Access) -> Code:
        if type(node.base) is nodes.Reference:
            return self.qualified_name(node.base, node.steps)
        base = self.code(node.base)
        steps = self.steps(node.steps)

        def access(scope: Scope) -> Value:
            value = base(scope)
            for step in steps:
                value = step(scope, value)
            return value

        return access

    def qualified_name(self, reference: nodes.Reference, steps: list[nodes.Property | nodes.Filter]) -> Code:
        """A missing variable is reported alone, without the properties that it then does not have either."""
        base = self.reference(reference, missing=_MISSING)
        known = next((index for index, step in enumerate(steps) if isinstance(step, nodes.Filter)), len(steps))
        in_name, others = self.steps(steps[:known]), self.steps(steps[known:])

        def qualified_name(scope: Scope) -> Value:
            value = base(scope)
            if value is _MISSING:
                value = None
            else:
                for step in in_name:
                    value = step(scope, value)
            for step in others:
                value = step(scope, value)
            return value

        return qualified_name

    def filter(self, step: nodes.Filter) -> Callable[[Scope, Value], Value]:
        condition = self.code(step.condition)
        at = step.at
        constant = step.condition.value if type(step.condition) is nodes.Literal else None
        # Only these are asked of each item straight away; others may be an index that is known outside.
        is_per_item = type(step.condition) is nodes.Call or (
            type(step.condition) is nodes.Comparison and step.condition.operator != "!="
        )

        def filtered(scope: Scope, value: Value) -> Value:
            if type(value) is not list:
                scope.run.warn("INVALID_TYPE", f"Expected list but found '{show(value)}'", at)
                return None
            if type(constant) is Decimal:
                return item_at(value, constant)
            try:
                if not is_per_item:
                    index = condition(scope)
                    if type(index) is Decimal:
                        return item_at(value, index)
                return matching(value, condition, scope)
            except Suppressed:
                return None

        return filtered

    # --- operators ---

    def negation(self, node: nodes.Negation) -> Code:
        operand, at = self.code(node.operand), node.at

        def negation(scope: Scope) -> Value:
            try:
                value = operand(scope)
            except Suppressed:
                return None
            if type(value) is Decimal:
                return negate(value)
            scope.run.warn("INVALID_TYPE", f"Expected number but found '{show(value)}'", at)
            return None

        return negation

    def arithmetic(self, node: nodes.Arithmetic) -> Code:
        first = self.code(node.first)
        rest = [(operation_of(operator), self.code(operand), at) for operator, operand, at in node.rest]
        if len(rest) == 1:
            ((operate, second, at),) = rest

            def arithmetic(scope: Scope) -> Value:
                try:
                    return operate(first(scope), second(scope), scope.run, at)
                except Suppressed:
                    return None

            return arithmetic

        def long_arithmetic(scope: Scope) -> Value:
            try:
                value = first(scope)
                for operate, operand, at in rest:
                    value = operate(value, operand(scope), scope.run, at)
            except Suppressed:
                return None
            return value

        return long_arithmetic

    def comparison(self, node: nodes.Comparison) -> Code:
        left, right = self.code(node.left), self.code(node.right)
        compare, at = COMPARISONS[node.operator], node.at
        return lambda scope: compare(left(scope), right(scope), scope.run, at)

    def between(self, node: nodes.Between) -> Code:
        value_code, low, high, at = self.code(node.value), self.code(node.low), self.code(node.high), node.at
        at_least, at_most = COMPARISONS[">="], COMPARISONS["<="]

        def between(scope: Scope) -> Value:
            try:
                value = value_code(scope)
            except Suppressed:
                return None
            tests: list[Code] = [
                lambda scope: at_least(value, low(scope), scope.run, at),
                lambda scope: at_most(value, high(scope), scope.run, at),
            ]
            return decide([(test, scope) for test in tests], False, scope.run, at)  # noqa: FBT003

        return between

    def instance_of(self, node: nodes.InstanceOf) -> Code:
        value = self.code(node.value)
        type_name = _TYPE_ALIASES.get(node.type_name, node.type_name)
        if type_name == "Any":
            return lambda scope: value(scope) is not None
        return lambda scope: kind_of(value(scope)) == type_name

    def logic(self, node: nodes.Logic) -> Code:
        operands, at = self.codes(node.operands), node.at
        decisive = node.operator == "or"
        return lambda scope: decide([(operand, scope) for operand in operands], decisive, scope.run, at)

    def if_(self, node: nodes.If) -> Code:
        branches = [(self.code(condition), self.code(then), at) for condition, then, at in node.branches]
        otherwise = self.code(node.otherwise)

        def if_(scope: Scope) -> Value:
            for condition, then, at in branches:
                try:
                    value = condition(scope)
                except Suppressed:
                    continue
                if value is True:
                    return then(scope)
                if value is not False:
                    scope.run.warn("INVALID_TYPE", f"Expected boolean but found '{show(value)}'", at)
            return otherwise(scope)

        return if_

    # --- loops ---

    def for_(self, node: nodes.For) -> Code:
        iterators = self.iterators(node.iterators)
        outer_mentioned, self.mentioned = self.mentioned, set()
        body, keeps_scope = self.body(node.body)
        needs_partial = "partial" in self.mentioned
        self.mentioned |= outer_mentioned

        def for_(scope: Scope) -> Value:
            run = scope.run
            result: list[Value] = []
            try:
                for inner in rounds(iterators, scope, keeps_scope):
                    if needs_partial:
                        run.reserve_items(len(result))
                        inner.names["partial"] = result.copy()
                    result.append(body(inner))
            except Suppressed:
                return None
            run.reserve_items(len(result))
            return result

        return for_

    def quantified(self, node: nodes.Quantified) -> Code:
        iterators = self.iterators(node.iterators)
        condition, keeps_scope = self.body(node.condition)
        decisive, at = node.quantifier == "some", node.at

        def quantified(scope: Scope) -> Value:
            try:
                tests = ((condition, inner) for inner in rounds(iterators, scope, keeps_scope))
                return decide(tests, decisive, scope.run, at)
            except NotIterable:
                return None

        return quantified

    def body(self, node: Node) -> tuple[Code, bool]:
        """The code of a loop's body, and whether a function in it keeps the scope of its round."""
        outer_defines, self.defines_functions = self.defines_functions, False
        code = self.code(node)
        keeps_scope, self.defines_functions = self.defines_functions, self.defines_functions or outer_defines
        return code, keeps_scope

    def iterators(self, iterators: list[tuple[str, Node]]) -> list[tuple[str, "Source"]]:
        return [(name, self.source(node)) for name, node in iterators]

    def source(self, node: Node) -> "Source":
        """What an iterator goes through, or `NotIterable`."""
        if type(node) is nodes.Span:
            start_code, end_code, at = self.code(node.start), self.code(node.end), node.at
            return lambda scope: span_of(start_code(scope), end_code(scope), scope.run, at)
        code = self.code(node)

        def items(scope: Scope) -> list[Value]:
            value = code(scope)
            if type(value) is not list:
                scope.run.warn("INVALID_TYPE", f"Expected list but found '{show(value)}'")
                raise NotIterable("Not a list.")
            return value

        return items

    # --- calls ---

    def call(self, node: nodes.Call) -> Code:
        name, names, at = node.name, node.names, node.at
        codes = self.codes(node.arguments)
        count = len(codes)
        given = None if names is None else frozenset(names)
        if node.owner is not None:
            return self.method(self.code(node.owner), name, codes, names, at)
        self.mentioned.add(name)
        self.called.add(name)
        known = find_function(self.library.get(name, ()), count, given)
        library = self.library

        def call(scope: Scope) -> Value:
            run = scope.run
            run.spend()
            function = known
            table = scope.functions
            while table is not None:
                if name in table.table:
                    defined = find_function(table.table[name], count, given)
                    if defined is not None:
                        function = defined
                        break
                table = table.outer
            if function is None:
                message = no_function(name, count, names)
                if name in library:
                    run.warn("NO_FUNCTION_FOUND", message, at, how_to_call(name, library[name], names))
                else:
                    run.warn_missing("NO_FUNCTION_FOUND", message, at, name, library.keys)
                return None
            try:
                return function.invoke(run, arguments_for(function, codes, names, scope))
            except Suppressed as failure:
                message = f"Failed to invoke function '{name}': {failure.message}"
                run.warn("FUNCTION_INVOCATION_FAILURE", message, at)
                return None

        return call

    def method(self, owner: Code, name: str, codes: list[Code], names: tuple[str, ...] | None, at: int) -> Code:
        """A call to a function of a context; unlike elsewhere its failure is not null but travels on."""
        count = len(codes)
        given = None if names is None else frozenset(names)

        def method(scope: Scope) -> Value:
            run = scope.run
            run.spend()
            context = owner(scope)
            if not isinstance(context, dict):
                message = f"Expected context but found '{show(context)}'"
                run.warn("INVALID_TYPE", message, at)
                raise Suppressed(message)
            functions = context.functions.get(name, ()) if type(context) is Context else ()
            function = find_function(functions, count, given)
            if function is None:
                message = no_function(name, count, names)
                run.warn("NO_FUNCTION_FOUND", message, at)
                raise Suppressed(message)
            return function.invoke(run, arguments_for(function, codes, names, scope))

        return method

    # --- unary tests ---

    def in_(self, node: nodes.In) -> Code:
        value, test = self.code(node.value), self.code(node.test)
        return lambda scope: test(scope.inner({INPUT: value(scope)}))

    def input(self, node: nodes.Input) -> Code:
        def question_mark(scope: Scope) -> Value:
            here: Scope | None = scope
            while here is not None:
                if _QUESTION_MARK in here.names:
                    return here.names[_QUESTION_MARK]
                here = here.outer
            raise MissingInput("No input value available. '?' can only be used inside an unary-test expression.")

        return question_mark

    def input_comparison(self, node: nodes.InputComparison) -> Code:
        operand, at = self.code(node.operand), node.at
        compare = COMPARISONS[node.operator]
        return lambda scope: compare(implicit_input(scope, at), operand(scope), scope.run, at)

    def input_in_range(self, node: nodes.InputInRange) -> Code:
        start_code, end_code = self.code(node.start), self.code(node.end)
        _, _, is_start_closed, is_end_closed, at = node

        def input_in_range(scope: Scope) -> Value:
            start, end = start_code(scope), end_code(scope)
            value = implicit_input(scope, at)
            if not are_ordered(value, start, end):
                message = f"Can't compare '{show(value)}' with '{show(start)}' and '{show(end)}'"
                scope.run.warn("NOT_COMPARABLE", message, at)
                return None
            if type(value) is str:
                scope.run.touch(value, start, end)
            is_after_start = not precedes(value, start) if is_start_closed else precedes(start, value)
            return is_after_start and (not precedes(end, value) if is_end_closed else precedes(value, end))

        return input_in_range

    def unary_test(self, node: nodes.UnaryTest) -> Code:
        code, at = self.code(node.expression), node.at

        def unary_test(scope: Scope) -> Value:
            scope.run.spend()  # because a test may run twice, and so may those in it
            value = implicit_input(scope, at)
            try:
                result = code(scope)
            except MissingInput:
                try:
                    answer = code(scope.inner({_QUESTION_MARK: value}))
                except Suppressed:
                    return False
                return answer if type(answer) is bool else None
            except Suppressed:
                return False
            if result is True:
                return True
            if type(result) is list and contains(result, value, scope.run):
                return True
            answer = compare_equal(value, result, scope.run, at)
            if answer is True:
                return True
            if result is False or type(result) is list:
                return False
            return answer

        return unary_test

    def any_of(self, node: nodes.AnyOf) -> Code:
        tests, at = self.codes(node.tests), node.at
        return lambda scope: decide([(test, scope) for test in tests], True, scope.run, at)  # noqa: FBT003

    def not_test(self, node: nodes.NotTest) -> Code:
        test, at = self.code(node.test), node.at
        return lambda scope: opposite(test(scope), scope.run, at)


_COMPILE: dict[type, Callable[[_Compiler, Any], Code]] = {
    nodes.Access: _Compiler.access,
    nodes.AnyOf: _Compiler.any_of,
    nodes.Arithmetic: _Compiler.arithmetic,
    nodes.Between: _Compiler.between,
    nodes.Call: _Compiler.call,
    nodes.Comparison: _Compiler.comparison,
    nodes.ContextLiteral: _Compiler.context_literal,
    nodes.For: _Compiler.for_,
    nodes.FunctionLiteral: _Compiler.function_literal,
    nodes.If: _Compiler.if_,
    nodes.In: _Compiler.in_,
    nodes.Input: _Compiler.input,
    nodes.InputComparison: _Compiler.input_comparison,
    nodes.InputInRange: _Compiler.input_in_range,
    nodes.InstanceOf: _Compiler.instance_of,
    nodes.ListLiteral: _Compiler.list_literal,
    nodes.Literal: _Compiler.literal,
    nodes.Logic: _Compiler.logic,
    nodes.Negation: _Compiler.negation,
    nodes.NotTest: _Compiler.not_test,
    nodes.Quantified: _Compiler.quantified,
    nodes.RangeLiteral: _Compiler.range_literal,
    nodes.Reference: _Compiler.reference,
    nodes.UnaryTest: _Compiler.unary_test,
}
