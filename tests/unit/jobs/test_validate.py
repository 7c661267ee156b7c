"""Findings about an input, in an author's words: all of them, with the field's label, and never a value."""

from typing import Any

import pytest

from zeebe_mail.errors import InputError
from zeebe_mail.jobs.validate import secret_values, validate
from zeebe_mail.operations.smtp.send import SendInput

GOOD: dict[str, Any] = {
    "server": {"host": "smtp.example.org"},
    "auth": {"type": "password", "username": "me", "password": "hunter2"},
    "request": {"from": "a@x.test", "to": "b@x.test", "text": "t"},
}


def with_(**parts: Any) -> dict[str, Any]:
    return {
        name: {**GOOD[name], **parts[name]} if isinstance(parts.get(name), dict) else parts.get(name, GOOD[name])
        for name in GOOD
        if parts.get(name, "") is not None
    }


def problems(variables: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as refused:
        validate(SendInput, variables)
    assert refused.value.__cause__ is None
    listed = refused.value.details["problems"]
    assert all(f"{one['field']} {one['problem']}" in refused.value.message for one in listed)
    return [(one["field"], one["problem"]) for one in listed]


def test_a_good_input_is_taken_and_its_secrets_are_known() -> None:
    assert list(secret_values(validate(SendInput, GOOD))) == ["hunter2"]
    key = {"clientCertificate": "pem", "clientKey": "the key"}
    assert "the key" in list(secret_values(validate(SendInput, with_(server={"tls": key}))))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (with_(server=None), [('"Server" (server)', "is missing")]),
        (with_(server={"prot": 25}), [("server.prot", 'is unknown; did you mean "port"?')]),
        (with_(server={"port": "abc"}), [('"Port" (server.port)', "must be a whole number")]),
        (with_(server={"port": 99999}), [('"Port" (server.port)', "must be less than or equal to 65535")]),
        (with_(server="x"), [('"Server" (server)', "must be a context of names and values")]),
        (
            with_(auth={"type": "oath"}),
            [('"Authentication" (auth)', "has an unknown type; known are 'password', 'token', 'none'")],
        ),
        (with_(auth="{}"), [('"Authentication" (auth)', "must be a context of names and values")]),
        (with_(auth={"password": 5}), [('"Password" (auth.password)', "must be text")]),
        (with_(auth={"user": "x"}), [("auth.user", 'is unknown; did you mean "username"?')]),
        (with_(request={"subject": 7}), [('"Subject" (request.subject)', "must be text")]),
        (
            with_(server={"tls": {"minVersion": "SSLv3"}}),
            [
                (
                    '"Minimum TLS version" (server.tls.minVersion)',
                    "must be one of 'TLSv1', 'TLSv1.1', 'TLSv1.2' or 'TLSv1.3'",
                )
            ],
        ),
    ],
)
def test_a_problem_is_named_as_the_author_knows_the_field(
    variables: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert problems(variables) == expected


@pytest.mark.parametrize(
    ("name", "field"),
    [("Reply-To", "replyTo"), ("CC", "cc"), ("message-id", "messageId"), ("Sender", "sender"), ("Subject", "subject")],
)
def test_a_header_that_a_field_says_names_the_field(name: str, field: str) -> None:
    said = f"cannot be given as an additional header; use the field `{field}`"
    assert problems(with_(request={"headers": {name: "x"}})) == [(f"request.headers.{name}", said)]


@pytest.mark.parametrize(
    "name",
    ["Delivered-To", "x-original-to", "Envelope-To", "Authentication-Results", "Received-SPF", "Apparently-To"],
)
def test_a_header_of_mail_servers_cannot_be_given(name: str) -> None:
    """A server takes a mail with Delivered-To for one that goes in circles, and sends it back."""
    ((field, said),) = problems(with_(request={"headers": {name: "x"}}))
    assert field == f"request.headers.{name}"
    assert "by mail servers" in said


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            with_(request={"txet": "t", "text": None}),
            '1 input is not usable: request.txet is unknown; did you mean "text"?',
        ),
        (with_(server=None), '1 input is not usable: "Server" (server) is missing.'),
        (
            with_(request={"saveToSent": True}),
            "1 input is not usable: `imap` must be given",
        ),
    ],
)
def test_findings_make_a_sentence(variables: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        validate(SendInput, variables)
    assert refused.value.message.startswith(sentence)
    assert not refused.value.message.endswith(("?.", ".."))


def test_all_problems_are_listed_at_once() -> None:
    listed = problems(with_(server={"host": "", "port": "x"}, auth={"username": ""}, request={"to": "nobody"}))
    assert [field.rpartition("(")[2].rstrip(")") for field, _ in listed] == [
        "server.host",
        "server.port",
        "auth.username",
        "request.to",
    ]


@pytest.mark.parametrize("part", ["server", "auth", "request"])
@pytest.mark.parametrize("value", ["canary", ["canary"], {"canary-key": "canary"}, 4711])
def test_no_value_is_in_the_message(part: str, value: object) -> None:
    for variables in (
        with_(**{part: value}),
        with_(**{part: dict.fromkeys(GOOD[part], value)}),
    ):
        try:
            validate(SendInput, variables)
        except InputError as error:
            said = str(error).replace("canary-key", "a field's name")
            assert "canary" not in said
            assert "4711" not in said


def test_a_password_of_the_wrong_type_is_not_echoed() -> None:
    with pytest.raises(InputError) as refused:
        validate(SendInput, with_(auth={"password": ["hunter2"], "username": "\x00hunter2"}))
    assert "hunter2" not in repr(refused.value.details) + str(refused.value)
