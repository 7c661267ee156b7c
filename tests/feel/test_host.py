from typing import Any

import pytest

from tests.feel.expressions import value
from zeebe_mail.feel import EvaluationError, HostFunctions, compile_expression, to_json


@pytest.fixture
def functions() -> HostFunctions:
    functions = HostFunctions()

    @functions.register(
        "bpmnError(errorCode: string)",
        "bpmnError(errorCode: string, errorMessage: string)",
        "bpmnError(errorCode: string, errorMessage: string, variables: context)",
    )
    def bpmn_error(code: str, message: str = "", variables: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"errorType": "bpmnError", "errorCode": code, "errorMessage": message, "variables": variables}

    @functions.register("wait(attempt: number, delay: days and time duration|null)")
    def wait(attempt: object, delay: object) -> object:
        if attempt == 0:
            raise EvaluationError("attempt must be at least 1")
        return delay

    return functions


def test_host_functions_return_contexts(functions: HostFunctions) -> None:
    text = 'if error.code = "404" then bpmnError(error.code, "gone") else null'
    evaluation = compile_expression(text, functions).evaluate({"error": {"code": "404"}})
    assert to_json(evaluation.value) == {
        "errorType": "bpmnError",
        "errorCode": "404",
        "errorMessage": "gone",
        "variables": None,
    }


def test_an_expression_tells_which_functions_it_calls(functions: HostFunctions) -> None:
    text = 'for x in ["upper case(wait)"] return {a: [bpmnError(x)], bpmnError: count([1]), b: x.wait(1, null)}'
    assert compile_expression(text, functions).called == {"bpmnError", "count"}


def test_host_functions_take_named_arguments(functions: HostFunctions) -> None:
    evaluation = compile_expression('bpmnError(errorMessage: "b", errorCode: "a").errorCode', functions).evaluate()
    assert evaluation.value == "a"


def test_host_functions_are_strict_about_types(functions: HostFunctions) -> None:
    with pytest.raises(
        EvaluationError, match="Parameter 'errorCode' of function 'bpmnError' must be a string but is '404'"
    ):
        compile_expression('bpmnError(404, "x")', functions).evaluate()
    with pytest.raises(EvaluationError, match="must be a days and time duration or null but is '5'"):
        compile_expression("wait(1, 5)", functions).evaluate()


def test_host_functions_can_fail_an_evaluation(functions: HostFunctions) -> None:
    with pytest.raises(EvaluationError, match="at least 1"):
        compile_expression("wait(0, null)", functions).evaluate()


def test_functions_of_one_host_are_not_known_to_others(functions: HostFunctions) -> None:
    text = 'bpmnError("a")'
    assert compile_expression(text, functions).evaluate().value is not None
    assert value(text) is None
    assert compile_expression(text, HostFunctions()).evaluate().value is None


def test_a_compiled_expression_is_reused() -> None:
    assert compile_expression("1 + 1") is compile_expression("1 + 1")


def test_a_function_given_as_a_variable_can_be_called() -> None:
    double = compile_expression("function(x) x * 2").evaluate().value
    assert value("f(4)", f=double) == 8
