"""Functions that the host adds to FEEL.

    functions = HostFunctions()

    @functions.register("bpmnError(errorCode: string, errorMessage: string, variables: context)")
    def bpmn_error(errorCode: str, errorMessage: str, variables: dict) -> dict: ...

    compile_expression("bpmnError(\\"404\\", error.message, {})", functions)

They get FEEL's values and return data, mostly a context. Unlike FEEL's own functions they are strict: an argument of a
wrong type fails the evaluation instead of answering null. Several signatures under one name are told apart by the
number, or the names, of the arguments.
"""

from collections.abc import Callable
from typing import Any

from zeebe_mail.feel.boundary import from_json
from zeebe_mail.feel.builtins.declare import Declaration, classes_of, parse_signature
from zeebe_mail.feel.errors import EvaluationError
from zeebe_mail.feel.run import Run
from zeebe_mail.feel.values import Function, Value, show

__all__ = ["NO_FUNCTIONS", "HostFunctions"]


class HostFunctions:
    """A set of functions; two expressions share a cache entry only if they were compiled with the same set."""

    def __init__(self) -> None:
        self.library: dict[str, list[Function]] = {}

    def register(self, *signatures: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Makes the decorated function callable from expressions that are compiled after this.

        It is called with positional arguments in the order of the signature; what it returns goes through `from_json`.
        To fail an evaluation it raises `EvaluationError`.
        """

        def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
            for signature in signatures:
                declaration = parse_signature(signature, implementation.__doc__ or "")
                function = _strict(declaration, implementation)
                self.library.setdefault(declaration.name, []).append(function)
            return implementation

        return register


NO_FUNCTIONS = HostFunctions()


def _strict(declaration: Declaration, implementation: Callable[..., Any]) -> Function:
    allowed = tuple(classes_of(kind) for kind in declaration.types)

    def invoke(run: Run, arguments: list[Value]) -> Value:
        for parameter, kind, classes, argument in zip(
            declaration.parameters, declaration.types, allowed, arguments, strict=True
        ):
            if classes is not None and type(argument) not in classes:
                raise EvaluationError(
                    f"Parameter '{parameter}' of function '{declaration.name}' must be "
                    f"{_article(kind.replace('|', ' or '))} but is '{show(argument)}'."
                )
        return from_json(implementation(*arguments))

    return Function(declaration.parameters, invoke, is_variadic=declaration.is_variadic)


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
