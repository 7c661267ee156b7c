"""An element template's version rises with what it holds, and a released one never means anything else."""

from __future__ import annotations

import json
from dataclasses import replace

from zeebe_mail.modeler.element_template import element_templates
from zeebe_mail.modeler.released import Release, as_released, released, version_of
from zeebe_mail.operations.catalogue import catalogue

TEMPLATES = element_templates(catalogue())
AS_IT_IS = {name: Release(**one) for name, one in json.loads(as_released(TEMPLATES)).items()}


def test_a_template_that_was_never_released_is_the_first() -> None:
    assert {version_of(one, {}) for one in TEMPLATES} == {1}


def test_a_template_keeps_the_version_that_was_released() -> None:
    assert [version_of(one, AS_IT_IS) for one in TEMPLATES] == [AS_IT_IS[one.id].version for one in TEMPLATES]


def test_a_change_after_the_release_has_the_next_version() -> None:
    """However small: a label counts, since diagrams keep id and version only."""
    template = TEMPLATES[0]
    first, *others = template.properties
    changed = replace(template, properties=(replace(first, label=f"{first.label}!"), *others))
    assert version_of(changed, AS_IT_IS) == AS_IT_IS[template.id].version + 1


def test_what_was_released_is_still_there() -> None:
    """Diagrams name it: a template may be deprecated, and never vanish."""
    assert set(released()) <= {one.id for one in TEMPLATES}


def test_ids_are_unique() -> None:
    for template in TEMPLATES:
        ids = [one.id for one in template.properties]
        assert len(ids) == len(set(ids)), template.id
    assert len({one.id for one in TEMPLATES}) == len(TEMPLATES)
