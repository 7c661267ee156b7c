"""Secret references, where they count, and how their values are hidden."""

import base64
import json
import random
import re
import string
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from zeebe_mail.auth.sasl import Bearer, OAuthBearer, XOAuth2
from zeebe_mail.errors import InputError, SecretMissing, SecretNotAllowed
from zeebe_mail.secrets import REMEMBERED, Binding, EnvironmentSecrets, FileSecrets, Redactor, SecretResolver, Words


class Known:
    """Knows every name: the value of NAME is <NAME>."""

    def get(self, name: str) -> str | None:
        return None if name == "NONE" else f"<{name}>"


def resolver(**options: Any) -> SecretResolver:
    return SecretResolver([Known()], **options)


def resolve(variables: dict[str, Any], **options: Any) -> dict[str, Any]:
    asked = resolver(**options)
    return resolved(asked, variables, task_type="mail:smtp-send:1", content=["request"])


def resolved(
    asked: SecretResolver,
    variables: dict[str, Any],
    *,
    host: str = "",
    task_type: str = "t",
    content: Sequence[str] = (),
    redactor: Redactor | None = None,
) -> dict[str, Any]:
    hidden = redactor or Redactor()
    return asked.resolve(
        variables, hidden, task_type=task_type, hosts=lambda _: [host], fields=["auth"], content=content
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *((f"secrets.{name}", name) for name in ("test", "TEST", "A/B", "A.B", "TEST-0", "TEST_0", "a_b_c_d_e_f")),
        ("secrets.a.b.c.d.e.f", "a.b.c.d.e.f"),
        *((text, None) for text in ("secrets._TEST", "secrets./TEST", "secrets.-TEST", "secrets..TEST")),
        *((text, None) for text in ("secrets.", "secrets..", "secrets.?")),
    ],
)
def test_a_bare_reference_counts_as_the_whole_value(text: str, name: str | None) -> None:
    assert resolver().names_in(text) == ([name] if name else [])
    assert resolver(legacy=True).names_in(text) == ([name] if name else [])


@pytest.mark.parametrize(
    ("text", "name"),
    [("{secrets.TEST}", "TEST"), ("secrets.TEST TEST", "TEST"), ("Bearer secrets.TEST", "TEST"), ("xsecrets.A", "A")],
)
def test_inside_a_longer_text_a_bare_reference_counts_only_in_the_legacy_mode(text: str, name: str) -> None:
    assert resolver().names_in(text) == []
    assert resolver(legacy=True).names_in(text) == [name]


@pytest.mark.parametrize("text", ["{{secrets.A}}", "{{ secrets.A }}", "{{\tsecrets.A  }}", "x{{secrets.A}}y"])
def test_a_braced_reference_counts_everywhere(text: str) -> None:
    assert resolver().names_in(text) == ["A"]


def test_several_references_in_one_value_are_all_replaced() -> None:
    assert resolve({"auth": "{{secrets.A}}:{{ secrets.B }}"}) == {"auth": "<A>:<B>"}


def test_a_value_that_looks_like_a_reference_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_A", "{{secrets.B}} secrets.B")
    monkeypatch.setenv("SECRET_B", "never")
    both = SecretResolver([EnvironmentSecrets()], legacy=True)
    given = resolved(both, {"auth": "{{secrets.A}}"})
    assert given == {"auth": "{{secrets.B}} secrets.B"}


def test_lists_and_nested_fields_are_searched_and_other_values_kept() -> None:
    given = {"auth": {"type": "password", "password": "secrets.P", "more": [{"x": "{{secrets.Q}}"}, 7, None]}}
    expected = {"auth": {"type": "password", "password": "<P>", "more": [{"x": "<Q>"}, 7, None]}}
    assert resolve(given) == expected


def test_in_content_a_reference_is_text_because_strangers_write_there() -> None:
    given = {"request": {"text": "use {{secrets.P}}", "to": ["secrets.P"]}}
    assert resolve(given) == given


@pytest.mark.parametrize("field", ["server", "other", "authx"])
def test_anywhere_else_a_reference_is_an_error_that_names_the_field(field: str) -> None:
    with pytest.raises(SecretNotAllowed, match=rf'"{field}\.host" refers to secret "H"'):
        resolve({field: {"host": "secrets.H"}})


def test_an_operator_may_allow_more_fields() -> None:
    assert resolve({"server": {"host": "secrets.H"}}, extra_fields=["server.host"]) == {"server": {"host": "<H>"}}
    with pytest.raises(SecretNotAllowed):
        resolve({"server": {"hostname": "secrets.H"}}, extra_fields=["server.host"])


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("smtp.example.org", True),
        (" SMTP.Example.ORG ", True),
        ("example.org", False),
        ("smtp.example.org.evil.test", False),
        ("evil.test", False),
        ("", False),
        ("{{secrets.H}}", False),
    ],
)
def test_a_bound_secret_goes_only_to_its_hosts(host: str, *, allowed: bool) -> None:
    bound = resolver(bindings={"P": Binding(hosts=["*.example.org"])})
    given = {"auth": "secrets.P"}
    if allowed:
        assert resolved(bound, given, host=host)["auth"] == "<P>"
    else:
        with pytest.raises(SecretNotAllowed, match="bound to other hosts"):
            resolved(bound, given, host=host)


def test_a_bound_secret_serves_only_its_task_types() -> None:
    bound = resolver(bindings={"P": Binding(task_types=["mail:smtp-*"])})
    assert resolved(bound, {"auth": "secrets.P"}, task_type="mail:smtp-send:1")
    with pytest.raises(SecretNotAllowed):
        resolved(bound, {"auth": "secrets.P"}, task_type="mail:imap-list:1")


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(SecretMissing, match='Secret "NONE" is not available'):
        resolve({"auth": "{{secrets.NONE}}"})


@pytest.mark.parametrize(
    "text",
    ["{{secret.X}}", "{{secrets.A B}}", "{{ Secrets.X }}", "{{secrets}}", "{{secrets.A}} {{secret.B}}", "{{secrets.A"],
)
def test_a_malformed_reference_is_refused_and_not_sent_as_a_password(text: str) -> None:
    with pytest.raises(InputError, match=r'"auth\.password" has a malformed reference .* write \{\{secrets\.NAME\}\}'):
        resolve({"auth": {"password": text}})
    assert resolve({"request": {"text": text}}) == {"request": {"text": text}}


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    with pytest.raises(InputError, match=r'"request" is nested too deeply: 100 levels'):
        resolve({"request": deep})


# ── where they are kept ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_gives_its_text_without_the_last_line_end(tmp_path: Path) -> None:
    for name, content in (("A", "one\n"), ("B", "two\r\n"), ("C", "three\n\n"), ("D", " four ")):
        (tmp_path / name).write_bytes(content.encode())
    files = FileSecrets(tmp_path)
    assert [files.get(name) for name in "ABCD"] == ["one", "two", "three\n", " four "]


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "folder", "nothing", "a\0b", "x" * 5000, "binary", ""])
def test_what_is_no_secret_file_is_unknown(name: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("no")
    folder = tmp_path / "secrets"
    (folder / "folder").mkdir(parents=True)
    (folder / "binary").write_bytes(b"\xff\xfe")
    assert FileSecrets(folder).get(name) is None


def test_a_link_within_the_folder_is_followed_and_one_out_of_it_is_not(tmp_path: Path) -> None:
    """Kubernetes mounts each key as a link into ..data."""
    folder = tmp_path / "secrets"
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "KEY").write_text("value")
    (folder / "KEY").symlink_to("..data/KEY")
    (tmp_path / "passwd").write_text("no")
    (folder / "OUT").symlink_to(tmp_path / "passwd")
    assert FileSecrets(folder).get("KEY") == "value"
    assert FileSecrets(folder).get("OUT") is None


@pytest.mark.parametrize("name", ["\0", "\ud800", "a=b"])
def test_a_name_that_no_variable_can_have_is_unknown(name: str) -> None:
    assert EnvironmentSecrets().get(name) is None


def test_the_environment_is_read_with_its_prefix_and_the_first_provider_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_A", "environment")
    monkeypatch.setenv("SECRET_B", "environment")
    monkeypatch.setenv("HOME_ONLY", "not a secret")
    (tmp_path / "A").write_text("file")
    both = SecretResolver([FileSecrets(tmp_path), EnvironmentSecrets()])
    given = resolved(both, {"auth": ["secrets.A", "secrets.B"]})
    assert given == {"auth": ["file", "environment"]}
    with pytest.raises(SecretMissing):
        resolved(both, {"auth": "secrets.HOME_ONLY"})


def test_the_redactor_is_told_of_every_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_A", "sesame")
    everybody = Redactor()
    own = Redactor(also=everybody)
    resolved(SecretResolver([EnvironmentSecrets()]), {"auth": "secrets.A"}, redactor=own)
    assert own.text("open sesame") == everybody.text("open sesame") == "open ***"


# ── hiding them ──────────────────────────────────────────────────────────────────────────────────────────────────

SECRETS = ["pa55", "hunter2hunter2", 'quo"te\\and/more', "pass wörd+%&=", "line\nbreak\tand tab", "émoji 🗝 key"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("user", ["", "a", "jo", "ann", "user@example.org"])
@pytest.mark.parametrize("behind", [b"", b"x", b"\x01\x01"])
def test_a_secret_inside_a_sasl_blob_is_hidden(secret: str, user: str, behind: bytes) -> None:
    """Base64 looks different at each of three offsets, and at the end."""
    redactor = Redactor()
    redactor.add(secret)
    for blob in (f"\0{user}\0{secret}", f"{user}{secret}", secret):
        encoded = base64.b64encode(blob.encode() + behind).decode()
        shown = redactor.text(f"AUTH PLAIN {encoded} failed")
        pieces = shown.removeprefix("AUTH PLAIN ").removesuffix(" failed").split("***")
        assert len(pieces) > 1
        assert not any(secret.encode()[1:-1] in _decoded(piece) for piece in pieces)


def _decoded(piece: str) -> bytes:
    """What a piece of base64 tells at any of the four places where it may begin."""
    starts = [piece[start:] for start in range(4)]
    return b"\n".join(base64.b64decode(one[: len(one) // 4 * 4]) for one in starts)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        urllib.parse.quote,
        lambda text: urllib.parse.quote(text, safe=""),
        urllib.parse.quote_plus,
        lambda text: re.sub("%..", lambda escape: escape[0].lower(), urllib.parse.quote(text, safe="")),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    ],
    ids=["plain", "repr", "json", "json utf-8", "percent", "all percent", "form", "small percent", "urlsafe"],
)
def test_a_secret_is_hidden_however_it_is_written(secret: str, write: Any) -> None:
    redactor = Redactor()
    redactor.add(secret)
    written = write(secret)
    shown = redactor.text(f"before {written} after")
    assert written.strip("\"'") not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_keys_and_nested_values_are_masked_and_other_types_kept() -> None:
    redactor = Redactor()
    redactor.add("hunter2")
    data = {"a": ["x hunter2", {"hunter2": 1}], "n": 5, "b": True, "none": None}
    assert redactor.data(data) == {"a": ["x ***", {"***": 1}], "n": 5, "b": True, "none": None}


def test_a_short_secret_is_masked_where_it_is_the_whole_value_only() -> None:
    redactor = Redactor()
    redactor.add("abc")
    assert redactor.data(["abc", "abcd", "x abc"]) == ["***", "abcd", "x abc"]


def test_the_longest_of_overlapping_secrets_is_masked() -> None:
    redactor = Redactor()
    for secret in ("pass", "password", "password-2"):
        redactor.add(secret)
    assert redactor.text("password-2 passw pass") == "*** ***w ***"


def test_an_environment_variable_that_is_not_utf_8_is_hidden_too() -> None:
    redactor = Redactor()
    redactor.add(b"caf\xe9-secret".decode("utf-8", "surrogateescape"))
    assert redactor.text("caf\udce9-secret") == "***"


def test_a_word_that_the_process_wrote_is_shown_though_a_secret_is_in_it() -> None:
    """A password such as `test` must not break the addresses of its own job."""
    written = Words({"auth": {"password": "test"}, "request": {"from": "test@x.test", "to": ["b@test", "c@y.test"]}})
    redactor = Redactor()
    redactor.add("test", is_credential=True)
    for kept in ("test@x.test", "<zm-1@x.test>", "b@test", "sent to c@y.test.", "<zm-2@test>"):
        assert redactor.text(kept, words=written) == kept
    for masked in ("test", "password=test", "said: test.", "xtest", "z@test2", "a@evil.test", "b64:test@nowhere"):
        assert redactor.text(masked, words=written) == masked.replace("test", "***")


def test_what_only_finished_jobs_had_is_forgotten_in_the_end() -> None:
    everybody = Redactor()
    everybody.add("told-for-good")
    lasting = Redactor(also=everybody)
    lasting.add("still-in-use")
    for number in range(5 * REMEMBERED):
        one = Redactor(also=everybody)
        one.add(f"password-{number:06}", is_credential=True)
        assert everybody.text(f"password-{number:06}") == "***"
    del one
    assert len(everybody._values) <= REMEMBERED + 2
    assert sum(map(len, everybody._forms.values())) < 20 * REMEMBERED
    assert everybody.text("told-for-good still-in-use") == "*** ***"
    assert everybody.text(f"password-{5 * REMEMBERED - 1:06}") == "***"
    assert everybody.text("password-000001") == "password-000001"


def test_masking_agrees_with_plain_replacement() -> None:
    chance = random.Random(4)
    for _ in range(300):
        redactor = Redactor()
        secrets = ["".join(chance.choices("abc-", k=chance.randint(4, 7))) for _ in range(3)]
        for secret in secrets:
            redactor.add(secret)
        text = "".join(chance.choices("abc- ", k=60))
        assert all(secret not in redactor.text(text) for secret in secrets)
        clean = "".join(chance.choices(string.digits, k=60))
        assert redactor.text(clean) == clean


@pytest.mark.parametrize("mechanism", [OAuthBearer, XOAuth2])
@pytest.mark.parametrize("username", ["jane@example.org", "janet@example.org", "janette@example.org"])
def test_a_token_is_hidden_in_what_goes_over_the_wire(mechanism: type[OAuthBearer | XOAuth2], username: str) -> None:
    """Whatever stands before it decides at which of base64's three places the token begins."""
    token = "ya29.a0AfB_byC-Secret~Token/with+all=="
    redactor = Redactor()
    redactor.add(token, is_credential=True)
    line = mechanism(Bearer(username, token, "mail.test", 993)).initial() or b""
    assert redactor.text(line.decode()) == line.decode().replace(token, "***")
    encoded = base64.b64encode(line).decode()
    around = redactor.text(encoded).replace("***", "")
    assert len(around) <= len(encoded) - (len(token) * 8 // 6 - 2)
