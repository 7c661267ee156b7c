"""FEEL as Camunda answers it.

    evaluation = compile_expression("{id: response.body.id}").evaluate({"response": {"body": {"id": 7}}})
    to_json(evaluation.value)  # {"id": 7}
    evaluation.warnings        # why something was null

The target is feel-scala, Camunda's own engine, not the DMN specification; `docs/feel.md` lists what differs. The
package depends on nothing else of ours. A text goes through `scanner`, `parser` (to `nodes`) and `compiler` (to
closures over a `run.Scope`, whose meaning is in `semantics`). What they work on is in `values`, `numbers` and
`temporal`, and what they can call in `builtins`.
"""

from zeebe_mail.feel.boundary import Json, from_json, to_json
from zeebe_mail.feel.diagnostics import point_at
from zeebe_mail.feel.engine import (
    DEFAULT_LIMITS,
    Evaluation,
    Expression,
    UnaryTests,
    compile_expression,
    compile_unary_tests,
)
from zeebe_mail.feel.errors import BudgetExceeded, EvaluationError, FeelError, FeelSyntaxError, FeelWarning
from zeebe_mail.feel.host import HostFunctions
from zeebe_mail.feel.run import Limits
from zeebe_mail.feel.temporal import (
    Date,
    DaysTime,
    LocalDateTime,
    LocalTime,
    YearsMonths,
    ZonedDateTime,
    ZonedTime,
)
from zeebe_mail.feel.values import Value

__all__ = [
    "DEFAULT_LIMITS",
    "BudgetExceeded",
    "Date",
    "DaysTime",
    "Evaluation",
    "EvaluationError",
    "Expression",
    "FeelError",
    "FeelSyntaxError",
    "FeelWarning",
    "HostFunctions",
    "Json",
    "Limits",
    "LocalDateTime",
    "LocalTime",
    "UnaryTests",
    "Value",
    "YearsMonths",
    "ZonedDateTime",
    "ZonedTime",
    "compile_expression",
    "compile_unary_tests",
    "from_json",
    "point_at",
    "to_json",
]
