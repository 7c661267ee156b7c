"""What an operator may set, and how a wrong setting is named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from zeebe_mail.app import (
    egress_policy,
    gateway_options,
    guard_rails,
    imap_connector,
    pop3_connector,
    secret_resolver,
    selected,
    settlement_rules,
    smtp_connector,
    task_types,
    tls_policy,
)
from zeebe_mail.demo.pki import Authority
from zeebe_mail.documents.store import NoStore
from zeebe_mail.errors import HostNotAllowed
from zeebe_mail.message.address import mailboxes
from zeebe_mail.message.address_patterns import AddressPatterns
from zeebe_mail.message.guard_rails import GuardRails
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import Settings, SettingsError, load, variables_of
from zeebe_mail.zeebe.options import GatewayOptions, OAuthOptions

SetAll = Callable[..., Settings]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> SetAll:
    """Load the settings with these environment variables."""

    def set_all(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load()

    return set_all


@pytest.fixture
def pem(pki: Authority) -> str:
    return str(pki.ca_file)


def test_without_any_setting_all_have_their_defaults(settings: SetAll) -> None:
    assert guard_rails(settings()) == GuardRails()
    assert gateway_options(settings()) == GatewayOptions(address="localhost:26500")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ZEEBE_MAIL_MAX_JOBS", "many", "must be a number"),
        ("ZEEBE_MAIL_MAX_JOBS", "0", "must be greater than or equal to 1"),
        ("ZEEBE_MAIL_JOB_TIMEOUT", "soon", "must be seconds or an ISO-8601 duration, for example 30 or PT30S"),
        ("ZEEBE_MAIL_JOB_TIMEOUT", "1", "must be greater than or equal to 2 seconds"),
        ("ZEEBE_MAIL_STREAMING", "maybe", "must be true or false"),
        ("ZEEBE_MAIL_LOG_LEVEL", "loud", "must be 'debug', 'info', 'warning' or 'error'"),
        ("ZEEBE_MAIL_CA_FILE", "/no/such/file", "must be the path of a file that exists"),
        ("ZEEBE_CLIENT_KEY_PATH", "/no/such/file", "must be the path of a file that exists"),
        ("ZEEBE_MAIL_SECRETS_BINDINGS", "{", "JSON was expected"),
        ("ZEEBE_MAIL_MAXJOBS", "5", "unknown setting; did you mean ZEEBE_MAIL_MAX_JOBS?"),
        ("ZEEBE_MAIL_XYZZY", "5", "unknown setting"),
        ("ZEEBE_ADDRESS", "a:b:c", "must be host:port"),
        ("CAMUNDA_CLIENT_GRPC_ADDRESS", "ftp://a", "must be host:port"),
        ("CAMUNDA_OAUTH_URL", "login.example.org", "must be a URL that begins with https:// or http://"),
        ("CAMUNDA_OAUTH_URL", "https://a:b/c", "must be a URL that begins with https:// or http://"),
    ],
)
def test_a_wrong_setting_is_named_as_it_was_given_with_what_was_expected(
    settings: SetAll, name: str, value: str, said: str
) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(**{name: value})
    assert str(wrong.value).startswith(f"{name}: {said}")


def test_a_wrong_binding_is_named_to_its_inner_field(settings: SetAll) -> None:
    with pytest.raises(SettingsError, match=r"^ZEEBE_MAIL_SECRETS_BINDINGS\.A\.host: is unknown"):
        settings(ZEEBE_MAIL_SECRETS_BINDINGS='{"A": {"host": []}}')


def test_all_wrong_settings_are_listed_and_no_value_is_shown(settings: SetAll) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(ZEEBE_MAIL_MAX_JOBS="canary-1", ZEEBE_MAIL_HTTP_PORT="canary-2", ZEEBE_MAIL_NOPE="canary-3")
    assert len(str(wrong.value).splitlines()) == 3
    assert "canary" not in str(wrong.value)


def test_a_client_secret_is_never_shown(settings: SetAll) -> None:
    assert "hunter2" not in repr(settings(ZEEBE_CLIENT_SECRET="hunter2"))


def test_an_empty_variable_counts_as_absent(settings: SetAll) -> None:
    assert settings(ZEEBE_ADDRESS="", ZEEBE_MAIL_MAX_JOBS="").max_jobs == 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30", timedelta(seconds=30)), ("2.5", timedelta(seconds=2.5)), ("PT5M", timedelta(minutes=5))],
)
def test_a_duration_is_seconds_or_iso_8601(settings: SetAll, text: str, expected: timedelta) -> None:
    assert settings(ZEEBE_MAIL_JOB_TIMEOUT=text).job_timeout == expected


DURATIONS = ("JOB_TIMEOUT", "SHUTDOWN_GRACE", "BACKOFF", "LONGEST_BACKOFF", "CONNECT_TIMEOUT")


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize(
    ("text", "seconds"), [("25", 25), ("2.5", 2.5), ("60", 60), (" 30 ", 30), ("PT30S", 30), ("pt1m30s", 90)]
)
def test_every_duration_takes_every_form(settings: SetAll, name: str, text: str, seconds: float) -> None:
    made = settings(**{f"ZEEBE_MAIL_{name}": text})
    assert getattr(made, name.lower()) == timedelta(seconds=seconds)


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("text", ["soon", "5 minutes", "1e3", "00:05:00:00", "-"])
def test_what_is_no_duration_is_answered_with_what_was_expected(settings: SetAll, name: str, text: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(**{f"ZEEBE_MAIL_{name}": text})
    expected = "must be seconds or an ISO-8601 duration, for example 30 or PT30S"
    assert str(wrong.value) == f"ZEEBE_MAIL_{name}: {expected}"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ZEEBE_ADDRESS", "zeebe:99999", "must be host:port"),
        ("ZEEBE_ADDRESS", "zeebe:0", "must be host:port"),
        ("ZEEBE_ADDRESS", "[::::]:26500", "must be host:port"),
        ("ZEEBE_AUTHORIZATION_SERVER_URL", "https://[::::]/x", "must be a URL that begins with https://"),
        ("ZEEBE_AUTHORIZATION_SERVER_URL", "https://login.test:70000/x", "must be a URL that begins with https://"),
        ("CAMUNDA_REST_ADDRESS", "localhost:8080", "must be a URL that begins with https://"),
        ("ZEEBE_MAIL_SECRETS_DIR", "/nope", "must be the path of a folder that exists"),
    ],
)
def test_an_address_or_folder_that_cannot_be_is_named(settings: SetAll, name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(**{name: value})
    assert str(wrong.value).startswith(f"{name}: {said}")


def test_every_customary_name_of_a_setting_works(settings: SetAll, monkeypatch: pytest.MonkeyPatch) -> None:
    for field in ("zeebe_address", "client_id", "token_audience", "cluster_id", "token_scope"):
        for variable in variables_of(field):
            monkeypatch.setenv(variable, "some-value")
            assert getattr(load(), field) == "some-value", variable
            monkeypatch.delenv(variable)


@pytest.mark.parametrize(
    ("variables", "address", "tls"),
    [
        ({"ZEEBE_ADDRESS": "zeebe"}, "zeebe:26500", False),
        ({"ZEEBE_ADDRESS": "zeebe:443"}, "zeebe:443", True),
        ({"ZEEBE_ADDRESS": "https://zeebe"}, "zeebe:443", True),
        ({"ZEEBE_ADDRESS": "grpcs://zeebe:1"}, "zeebe:1", True),
        ({"ZEEBE_ADDRESS": "http://zeebe:443"}, "zeebe:443", False),
        ({"ZEEBE_ADDRESS": "grpc://zeebe/"}, "zeebe:26500", False),
        ({"ZEEBE_ADDRESS": "[::1]:26500"}, "[::1]:26500", False),
        ({"ZEEBE_ADDRESS": "zeebe:1", "ZEEBE_INSECURE_CONNECTION": "false"}, "zeebe:1", True),
        ({"ZEEBE_ADDRESS": "zeebe:1", "CAMUNDA_SECURE_CONNECTION": "true"}, "zeebe:1", True),
        ({"ZEEBE_ADDRESS": "https://zeebe", "ZEEBE_INSECURE_CONNECTION": "true"}, "zeebe:443", False),
        ({"CAMUNDA_CLUSTER_ID": "abc"}, "abc.bru-2.zeebe.camunda.io:443", True),
        ({"CAMUNDA_CLUSTER_ID": "abc", "CAMUNDA_CLUSTER_REGION": "syd-1"}, "abc.syd-1.zeebe.camunda.io:443", True),
    ],
)
def test_where_the_gateway_is_and_whether_it_speaks_tls(
    settings: SetAll, variables: dict[str, str], address: str, *, tls: bool
) -> None:
    options = gateway_options(settings(**variables))
    assert (options.address, options.tls) == (address, tls)


def test_a_ca_file_means_tls(settings: SetAll, pem: str) -> None:
    assert gateway_options(settings(ZEEBE_ADDRESS="zeebe:1", ZEEBE_CA_CERTIFICATE_PATH=pem)).tls


@pytest.mark.parametrize("one", ["ZEEBE_CLIENT_CERTIFICATE_PATH", "ZEEBE_CLIENT_KEY_PATH"])
def test_a_client_certificate_and_its_key_belong_together(settings: SetAll, pem: str, one: str) -> None:
    with pytest.raises(SettingsError, match="must be given together"):
        gateway_options(settings(**{one: pem, "ZEEBE_ADDRESS": "https://zeebe"}))


def test_saas_needs_no_more_than_cluster_client_and_secret(settings: SetAll) -> None:
    oauth = gateway_options(settings(CAMUNDA_CLUSTER_ID="abc", CAMUNDA_CLIENT_ID="me", CAMUNDA_CLIENT_SECRET="s")).oauth
    assert oauth is not None
    assert oauth.token_url == "https://login.cloud.camunda.io/oauth/token"
    assert oauth.audience == "zeebe.camunda.io"


def test_self_managed_identity_needs_its_token_url(settings: SetAll) -> None:
    with pytest.raises(SettingsError, match="also needs ZEEBE_CLIENT_SECRET and ZEEBE_AUTHORIZATION_SERVER_URL"):
        gateway_options(settings(ZEEBE_CLIENT_ID="me"))


def test_tls_versions_for_mail_must_not_contradict_each_other(settings: SetAll) -> None:
    with pytest.raises(SettingsError, match="ZEEBE_MAIL_TLS_MINIMUM must not be newer"):
        tls_policy(settings(ZEEBE_MAIL_TLS_MINIMUM="TLSv1.3", ZEEBE_MAIL_TLS_MAXIMUM="TLSv1.2"))


def test_lists_are_separated_by_commas(settings: SetAll) -> None:
    assert settings(CAMUNDA_TENANT_IDS="red, blue;green").tenant_ids == ("red", "blue", "green")


def test_files_come_before_the_environment(settings: SetAll, tmp_path: Path) -> None:
    (tmp_path / "A").write_text("file")
    made = secret_resolver(
        settings(ZEEBE_MAIL_SECRETS_DIR=str(tmp_path), ZEEBE_MAIL_SECRETS_PREFIX="MY_", MY_A="no", MY_B="variable")
    )
    given = made.replace("{{secrets.A}} {{secrets.B}}", Redactor(), hosts=[""], task_type="t")
    assert given == "file variable"


def test_task_types_are_chosen_by_patterns(settings: SetAll) -> None:
    every = task_types(settings())
    assert set(selected(every, ["mail:smtp-se*"], [])) == {"mail:smtp-send:1"}
    with pytest.raises(SettingsError, match='No task type matches "mail:smpt-'):
        selected(every, ["mail:smpt-*"], [])
    with pytest.raises(SettingsError, match="No task type is left"):
        selected(every, [], ["*"])


def test_garbage_instead_of_certificates_is_told_at_start(settings: SetAll, pem: str, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate")
    secured = {"ZEEBE_ADDRESS": "https://zeebe"}
    with pytest.raises(SettingsError, match="ZEEBE_CA_CERTIFICATE_PATH holds no certificates"):
        gateway_options(settings(**secured, ZEEBE_CA_CERTIFICATE_PATH=str(garbage)))
    both = {"ZEEBE_CLIENT_CERTIFICATE_PATH": pem, "ZEEBE_CLIENT_KEY_PATH": str(garbage)}
    with pytest.raises(SettingsError, match="ZEEBE_CLIENT_CERTIFICATE_PATH and ZEEBE_CLIENT_KEY_PATH are no"):
        gateway_options(settings(**secured, **both, ZEEBE_CA_CERTIFICATE_PATH=pem))


def test_self_managed_identity_from_the_environment(settings: SetAll, pem: str) -> None:
    given = settings(
        ZEEBE_ADDRESS="zeebe.corp:443",
        ZEEBE_CLIENT_ID="me",
        ZEEBE_CLIENT_SECRET="s3cret",
        ZEEBE_AUTHORIZATION_SERVER_URL="https://keycloak.corp/token",
        ZEEBE_TOKEN_AUDIENCE="zeebe-api",
        ZEEBE_TOKEN_SCOPE="camunda",
        ZEEBE_CA_CERTIFICATE_PATH=pem,
        ZEEBE_OVERRIDE_AUTHORITY="gateway.corp",
    )
    assert gateway_options(given) == GatewayOptions(
        address="zeebe.corp:443",
        tls=True,
        ca_file=Path(pem),
        override_authority="gateway.corp",
        oauth=OAuthOptions(
            token_url="https://keycloak.corp/token",
            client_id="me",
            client_secret="s3cret",
            audience="zeebe-api",
            scope="camunda",
            ca_file=Path(pem),
        ),
    )


def test_mutual_tls_from_the_environment(settings: SetAll, pki: Authority) -> None:
    mine = pki.issue("gateway-client", for_client=True)
    certificate = {"ZEEBE_CLIENT_CERTIFICATE_PATH": str(mine.chain), "ZEEBE_CLIENT_KEY_PATH": str(mine.key)}
    options = gateway_options(settings(**certificate, ZEEBE_ADDRESS="https://zeebe"))
    assert options == GatewayOptions(
        address="zeebe:443", tls=True, client_cert_file=mine.chain, client_key_file=mine.key
    )
    with pytest.raises(SettingsError, match="needs TLS: set ZEEBE_INSECURE_CONNECTION=false"):
        gateway_options(settings(ZEEBE_INSECURE_CONNECTION="true"))


def test_hosts_without_encryption_are_compared_as_mail_servers_are_named(settings: SetAll) -> None:
    hosts = tls_policy(settings(ZEEBE_MAIL_PLAINTEXT_HOSTS="MailPit, post.Example.ORG., [::1]")).plaintext_hosts
    assert hosts == {"mailpit", "post.example.org", "::1"}
    with pytest.raises(SettingsError, match=r"ZEEBE_MAIL_PLAINTEXT_HOSTS: each of them must not contain a port"):
        tls_policy(settings(ZEEBE_MAIL_PLAINTEXT_HOSTS="mailpit:1025"))


def test_mail_servers_are_allowed_and_denied_by_name_and_range(settings: SetAll) -> None:
    given = settings(
        ZEEBE_MAIL_ALLOWED_HOSTS="*.Example.org, 10.0.0.0/8",
        ZEEBE_MAIL_DENIED_HOSTS="10.0.0.1",
        ZEEBE_MAIL_DENY_PRIVATE_ADDRESSES="true",
    )
    policy = egress_policy(given)
    policy.check("mail.example.org", ["10.2.3.4"])
    policy.check("10.2.3.4", ["10.2.3.4"])
    for host, address in (("mail.example.org", "10.0.0.1"), ("mail.example.net", "192.0.2.1")):
        with pytest.raises(HostNotAllowed):
            policy.check(host, [address])


def test_guard_rails_come_from_the_settings(settings: SetAll, tmp_path: Path) -> None:
    suppressed = tmp_path / "suppressed"
    suppressed.write_text("bob@example.org\n")
    rails = guard_rails(
        settings(
            ZEEBE_MAIL_ALLOWED_RECIPIENTS="jane@example.org, *.example.org",
            ZEEBE_MAIL_DENIED_RECIPIENTS="@bücher.example",
            ZEEBE_MAIL_DENIED_RECIPIENTS_FILE=str(suppressed),
            ZEEBE_MAIL_MAX_RECIPIENTS="50",
            ZEEBE_MAIL_MAX_MESSAGE_BYTES="1000000",
            ZEEBE_MAIL_ALLOWED_SENDERS='{"*@example.org": ["@example.org", "*.example.org"]}',
            ZEEBE_MAIL_REDIRECT_ALL_TO="qa@test.example; lead@test.example",
        )
    )
    assert rails.suppressed
    assert rails.suppressed.current() == AddressPatterns.of(["bob@example.org"])
    assert replace(rails, suppressed=None) == GuardRails(
        allowed_recipients=AddressPatterns.of(["jane@example.org", "*.example.org"]),
        denied_recipients=AddressPatterns.of(["@xn--bcher-kva.example"]),
        max_recipients=50,
        max_message_bytes=1_000_000,
        allowed_senders={"*@example.org": AddressPatterns.of(["@example.org", "*.example.org"])},
        redirect_to=mailboxes("qa@test.example, lead@test.example"),
    )


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ZEEBE_MAIL_ALLOWED_RECIPIENTS", "@x.test, example.org", 'ZEEBE_MAIL_ALLOWED_RECIPIENTS: "example.org" is no'),
        ("ZEEBE_MAIL_DENIED_RECIPIENTS", "*", 'ZEEBE_MAIL_DENIED_RECIPIENTS: "*" is no'),
        ("ZEEBE_MAIL_DENIED_RECIPIENTS_FILE", "/no/list", "ZEEBE_MAIL_DENIED_RECIPIENTS_FILE: must be the path"),
        ("ZEEBE_MAIL_DENIED_RECIPIENTS_FILE", "/proc/self/mem", "ZEEBE_MAIL_DENIED_RECIPIENTS_FILE: The list of"),
        ("ZEEBE_MAIL_REDIRECT_ALL_TO", "qa", 'ZEEBE_MAIL_REDIRECT_ALL_TO: "qa" has no `@`'),
        ("ZEEBE_MAIL_REDIRECT_ALL_TO", "@test.example", 'ZEEBE_MAIL_REDIRECT_ALL_TO: "@test.example" has nothing'),
        ("ZEEBE_MAIL_ALLOWED_SENDERS", '{"jane": ["x.test"]}', 'ZEEBE_MAIL_ALLOWED_SENDERS.jane: "x.test" is no'),
        ("ZEEBE_MAIL_ALLOWED_SENDERS", '{"jane": "@x.test"}', "ZEEBE_MAIL_ALLOWED_SENDERS.jane: must be"),
        ("ZEEBE_MAIL_ALLOWED_SENDERS", "@x.test", "ZEEBE_MAIL_ALLOWED_SENDERS: JSON was expected"),
        ("ZEEBE_MAIL_MAX_RECIPIENTS", "0", "ZEEBE_MAIL_MAX_RECIPIENTS: must be greater than or equal to 1"),
        ("ZEEBE_MAIL_MAX_MESSAGE_BYTES", "10MB", "ZEEBE_MAIL_MAX_MESSAGE_BYTES: must be a number"),
    ],
)
def test_a_guard_rail_that_cannot_be_is_named_at_start(settings: SetAll, variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        guard_rails(settings(**{variable: value}))
    assert str(wrong.value).startswith(said)


@pytest.mark.parametrize("variable", ["ZEEBE_MAIL_ALLOWED_HOSTS", "ZEEBE_MAIL_DENIED_HOSTS"])
def test_a_host_entry_that_is_none_is_named_at_start(settings: SetAll, variable: str) -> None:
    with pytest.raises(SettingsError, match=f'{variable}: "10.0.0.1/8"'):
        smtp_connector(settings(**{variable: "mail.test, 10.0.0.1/8"}))


def test_the_limits_of_connections_come_from_the_settings(settings: SetAll) -> None:
    given = settings(
        ZEEBE_MAIL_COMMAND_TIMEOUT="PT20S", ZEEBE_MAIL_CONNECT_TIMEOUT="7", ZEEBE_MAIL_TLS_ALLOW_DEPRECATED="true"
    )
    for connector in (smtp_connector(given), imap_connector(given), pop3_connector(given)):
        assert (connector.timeouts.connect_s, connector.timeouts.command_s) == (7, 20)
        assert connector.policy.allow_deprecated


def test_a_code_that_no_error_has_is_named_at_start(settings: SetAll) -> None:
    given = settings(ZEEBE_MAIL_BPMN_ERRORS="RECIPIENTS_REFUSED, SERVER_BUZY")
    with pytest.raises(SettingsError, match=r"ZEEBE_MAIL_BPMN_ERRORS names 'SERVER_BUZY'.*mean SERVER_BUSY"):
        settlement_rules(given, Redactor(), NoStore())
