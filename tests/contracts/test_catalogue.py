"""What holds for every operation, without a line of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, SecretStr

import zeebe_mail
from zeebe_mail.errors import InputError
from zeebe_mail.form import Part, Prompt
from zeebe_mail.jobs.validate import validate
from zeebe_mail.modeler.meanings import meanings
from zeebe_mail.operations.base import Operation
from zeebe_mail.operations.catalogue import catalogue

GUIDE = Path(zeebe_mail.__file__).parents[2] / "docs" / "operations.md"
OPERATIONS = catalogue()
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


def parts(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and all models inside it."""
    return [model, *(part for field in model.model_fields.values() for part in parts_in(field.annotation))]


def parts_in(annotation: Any) -> list[type[BaseModel]]:
    """All models that a field may hold, in lists and unions too."""
    own = parts(annotation) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
    return own + [part for inner in get_args(annotation) for part in parts_in(inner)]


def test_there_are_operations() -> None:
    assert "mail:smtp-send:1" in OPERATIONS


@every_operation
def test_the_task_type_says_protocol_verb_and_version(operation: Operation) -> None:
    mail, verb, version = operation.task_type.split(":")
    assert (mail, version) == ("mail", "1")
    assert verb.partition("-")[0] in ("smtp", "imap", "pop3", "render")


@every_operation
def test_an_unknown_key_is_refused_wherever_it_stands(operation: Operation) -> None:
    for part in parts(operation.input):
        assert part.model_config["extra"] == "forbid", part
        assert part.model_config["hide_input_in_errors"], part


@every_operation
def test_every_field_has_a_label_and_a_description(operation: Operation) -> None:
    for part in parts(operation.input):
        described = meanings(part)
        for name, field in part.model_fields.items():
            if name == "type":
                continue
            assert any(isinstance(mark, Prompt) for mark in field.metadata), (part, name)
            assert described.get(name), (part, name)


@every_operation
def test_secrets_are_resolved_where_secrets_are_typed(operation: Operation) -> None:
    """Each field that is a SecretStr is one in which `{{secrets.…}}` is resolved by default."""
    assert secret_paths(operation.input, "") <= {
        path for path in secret_paths(operation.input, "") if path.startswith(operation.input.secret_fields)
    }


def secret_paths(model: type[BaseModel], prefix: str) -> set[str]:
    paths = set()
    for field in model.model_fields.values():
        path = f"{prefix}{field.alias}"
        for one in (field.annotation, *get_args(field.annotation)):
            if one is SecretStr:
                paths.add(path)
            elif isinstance(one, type) and issubclass(one, BaseModel):
                paths |= secret_paths(one, f"{path}.")
    return paths


@every_operation
@pytest.mark.parametrize("nonsense", [None, 5, "text", [], ["x"], {"unknown": "canary-value"}])
def test_nonsense_is_refused_with_the_fields_name_and_without_the_value(operation: Operation, nonsense: Any) -> None:
    given = dict.fromkeys(operation.fetch_variables, nonsense)
    with pytest.raises(InputError) as refused:
        validate(operation.input, given)
    fields = operation.input.model_fields.values()
    wrong = [field.alias for field in fields if field.is_required() or nonsense is not None]
    assert all(str(name) in str(refused.value) for name in wrong)
    assert "canary-value" not in str(refused.value) + repr(refused.value.details)


@every_operation
def test_the_guide_names_it(operation: Operation) -> None:
    assert f"`{operation.task_type}`" in GUIDE.read_text(encoding="utf-8")


@every_operation
def test_the_output_is_json_with_a_schema(operation: Operation) -> None:
    assert operation.output.model_json_schema(mode="serialization")["type"] == "object"
    assert issubclass(operation.input, Part)
