"""A secret that is bound to hosts goes to no other, whichever of a task's servers it is meant for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from zeebe_mail.errors import SecretNotAllowed
from zeebe_mail.jobs.face import NativeFace
from zeebe_mail.jobs.validate import secret_values, validate
from zeebe_mail.operations.catalogue import catalogue
from zeebe_mail.secrets import Binding, Redactor, SecretResolver

SENDS = NativeFace(catalogue()["mail:smtp-send:1"])
READS = NativeFace(catalogue()["mail:imap-read:1"])
SMTP, IMAP, EVIL = "smtp.example.org", "imap.example.org", "evil.test"


class Known:
    def get(self, name: str) -> str | None:
        return f"<{name}>"


def login(secret: str) -> dict[str, str]:
    return {"type": "password", "username": "me", "password": f"{{{{secrets.{secret}}}}}"}


def variables(*, auth: str = "P", imap_host: str | None = None, imap_auth: str | None = None) -> dict[str, Any]:
    given: dict[str, Any] = {"server": {"host": SMTP}, "auth": login(auth), "request": {}}
    if imap_host is not None:
        given["imap"] = {"server": {"host": imap_host}}
    if imap_auth is not None:
        given["imap"]["auth"] = login(imap_auth)
    return given


def resolved(given: Mapping[str, Any], face: NativeFace = SENDS, **bindings: list[str]) -> dict[str, Any]:
    asked = SecretResolver([Known()], bindings={name: Binding(hosts=hosts) for name, hosts in bindings.items()})
    return asked.resolve(
        given,
        Redactor(),
        task_type=face.task_type,
        hosts=partial(face.hosts, given),
        fields=face.secret_fields,
        content=face.content_fields,
    )


@pytest.mark.parametrize("auth", [..., None, "", {}])
def test_a_shared_login_must_be_allowed_for_both_servers(auth: Any) -> None:
    given = variables(imap_host=IMAP)
    if auth is not ...:
        given["imap"]["auth"] = auth
    assert resolved(given, P=[SMTP, IMAP])["auth"]["password"] == "<P>"
    for hosts in ([SMTP], [IMAP]):
        with pytest.raises(SecretNotAllowed):
            resolved(given, P=hosts)


def test_each_login_must_be_allowed_for_its_own_server() -> None:
    given = variables(imap_host=IMAP, imap_auth="Q")
    found = resolved(given, P=[SMTP], Q=[IMAP])
    assert (found["auth"]["password"], found["imap"]["auth"]["password"]) == ("<P>", "<Q>")
    with pytest.raises(SecretNotAllowed, match=SMTP):
        resolved(given, P=[IMAP], Q=[IMAP])
    with pytest.raises(SecretNotAllowed, match=IMAP):
        resolved(given, P=[SMTP], Q=[SMTP])


def test_a_secret_of_the_sending_server_does_not_reach_another_as_that_of_the_mailboxes() -> None:
    for given in (variables(imap_host=EVIL), variables(imap_host=EVIL, imap_auth="P")):
        with pytest.raises(SecretNotAllowed, match=EVIL):
            resolved(given, P=["*.example.org"])


@pytest.mark.parametrize("imap", ["text", ["x"], {"server": None}, {"server": {"host": 5}}, {"auth": {}}])
def test_mailboxes_without_a_host_get_no_bound_secret(imap: Any) -> None:
    with pytest.raises(SecretNotAllowed):
        resolved({**variables(), "imap": imap}, P=[SMTP])


def test_a_client_key_goes_to_its_server_only() -> None:
    given = variables(imap_host=IMAP, imap_auth="Q")
    given["imap"]["server"]["tls"] = {"clientKey": "{{secrets.K}}"}
    assert resolved(given, K=[IMAP])["imap"]["server"]["tls"]["clientKey"] == "<K>"
    with pytest.raises(SecretNotAllowed):
        resolved(given, K=[SMTP])


@pytest.mark.parametrize("imap", [None, ""])
def test_without_mailboxes_there_is_one_server(imap: Any) -> None:
    assert resolved({**variables(), "imap": imap}, P=[SMTP])["auth"]["password"] == "<P>"


def test_a_task_without_the_input_does_not_look_at_a_variable_of_its_name() -> None:
    given = {**variables(), "imap": {"server": {"host": EVIL}}}
    assert resolved(given, READS, P=[SMTP])["auth"]["password"] == "<P>"


def test_the_second_password_is_hidden_too() -> None:
    given = variables(imap_host=IMAP, imap_auth="Q")
    given["request"] = {"to": "a@x.test", "from": "b@x.test", "text": "x"}
    assert set(secret_values(validate(catalogue()["mail:smtp-send:1"].input, resolved(given)))) == {"<P>", "<Q>"}
