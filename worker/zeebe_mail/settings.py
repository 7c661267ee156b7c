"""Every setting of the worker, in one model. The process environment is where they come from.

Our own begin with ``ZEEBE_MAIL_``; those of the Zeebe connection have the names that Camunda's clients use.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSetting

PREFIX = "ZEEBE_MAIL_"

DOCUMENT_STORES = ("camunda", "memory")
LEDGER_OFF = "off"

SAAS_DOMAIN = "zeebe.camunda.io"
SAAS_TOKEN_URL = "https://login.cloud.camunda.io/oauth/token"  # noqa: S105 - an address
DEFAULT_PORT = 26500

GATEWAY_ADDRESS = re.compile(
    r"(?:(?P<scheme>https?|grpcs?)://)?(?P<host>[^\s/:\[\]]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?/?"
)

WEB_ADDRESS = re.compile(r"https?://(?P<host>[^\s/?#:@\[\]]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?(?:[/?]\S*)?")

Words = Annotated[tuple[str, ...], NoDecode]
"""Texts, separated by commas in the environment."""


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value.strip(), re.ASCII):
        return timedelta(seconds=float(value))
    try:
        return TypeAdapter(timedelta).validate_python(value.strip().upper())
    except ValidationError:
        raise ValueError("must be seconds or an ISO-8601 duration, for example 30 or PT30S") from None


Duration = Annotated[timedelta, BeforeValidator(_seconds)]
"""Seconds, or ISO-8601."""


def _customary(*names: str) -> Any:
    return Field(default=None, validation_alias=AliasChoices(*names))


def _can_be_reached(address: re.Match[str] | None) -> bool:
    """Whether an address has the right form, a port that exists and, in brackets, an IPv6 address."""
    if address is None or not 0 < int(address["port"] or 1) <= 65535:
        return False
    if address["host"].startswith("["):
        try:
            ipaddress.IPv6Address(address["host"][1:-1])
        except ValueError:
            return False
    return True


class SecretBinding(BaseModel):
    """Where one secret may be used: patterns for mail hosts and task types."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    hosts: tuple[str, ...] = ()
    task_types: tuple[str, ...] = Field(default=(), alias="taskTypes")


class Settings(BaseSettings):
    """What an operator may set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        case_sensitive=False,
        extra="ignore",
        hide_input_in_errors=True,
        frozen=True,
        env_ignore_empty=True,
    )

    # ── the Zeebe cluster ────────────────────────────────────────────────────────────────────────────────────────

    zeebe_address: str | None = _customary(
        "ZEEBE_ADDRESS", "ZEEBE_GRPC_ADDRESS", "CAMUNDA_CLIENT_GRPC_ADDRESS", "ZEEBE_GATEWAY_ADDRESS"
    )
    """Host and port of the gateway; `http://`, `https://`, `grpc://` or `grpcs://` before it says whether to use TLS.
    Default `localhost:26500`."""

    insecure: bool | None = _customary("ZEEBE_INSECURE_CONNECTION", "ZEEBE_CLIENT_SECURITY_PLAINTEXT")
    """`true` connects without TLS, `false` with it. Default: TLS for `https://`, `grpcs://`, port 443 or a CA file."""

    secure: bool | None = _customary("CAMUNDA_SECURE_CONNECTION", "ZEEBE_SECURE_CONNECTION")
    """The same the other way round, as the Node client has it."""

    zeebe_ca_file: Path | None = _customary("ZEEBE_CA_CERTIFICATE_PATH", "CAMUNDA_CUSTOM_ROOT_CERT_PATH")
    """CA certificates (PEM) that the gateway and the authorization server are verified with."""

    zeebe_client_cert_file: Path | None = _customary("ZEEBE_CLIENT_CERTIFICATE_PATH", "CAMUNDA_CUSTOM_CERT_CHAIN_PATH")
    """Client certificate chain (PEM) for mutual TLS."""

    zeebe_client_key_file: Path | None = _customary("ZEEBE_CLIENT_KEY_PATH", "CAMUNDA_CUSTOM_PRIVATE_KEY_PATH")
    """Private key (PEM) of the client certificate."""

    zeebe_override_authority: str | None = _customary("ZEEBE_OVERRIDE_AUTHORITY")
    """Name that the gateway's certificate carries where it is not the address."""

    client_id: str | None = _customary("ZEEBE_CLIENT_ID", "CAMUNDA_CLIENT_ID", "CAMUNDA_CLIENT_AUTH_CLIENT_ID")
    """OAuth client of the worker; switches OAuth on."""

    client_secret: SecretStr | None = _customary(
        "ZEEBE_CLIENT_SECRET", "CAMUNDA_CLIENT_SECRET", "CAMUNDA_CLIENT_AUTH_CLIENT_SECRET"
    )
    """Its secret."""

    token_url: str | None = _customary(
        "ZEEBE_AUTHORIZATION_SERVER_URL", "CAMUNDA_OAUTH_URL", "CAMUNDA_CLIENT_AUTH_TOKEN_URL"
    )
    """Token endpoint. Default: that of Camunda SaaS when a cluster id is set."""

    token_audience: str | None = _customary(
        "ZEEBE_TOKEN_AUDIENCE", "CAMUNDA_TOKEN_AUDIENCE", "CAMUNDA_ZEEBE_OAUTH_AUDIENCE"
    )
    """Audience of the token. Default: `zeebe.camunda.io` for Camunda SaaS, else none."""

    token_scope: str | None = _customary("ZEEBE_TOKEN_SCOPE", "CAMUNDA_TOKEN_SCOPE")
    """Scope of the token, where the authorization server wants one (Entra does)."""

    rest_address: str | None = _customary("CAMUNDA_REST_ADDRESS", "ZEEBE_REST_ADDRESS", "CAMUNDA_CLIENT_REST_ADDRESS")
    """Address of the cluster's REST API, where documents are kept, for example `http://localhost:8080`."""

    cluster_id: str | None = _customary("CAMUNDA_CLUSTER_ID", "CAMUNDA_CLIENT_CLOUD_CLUSTERID")
    """Cluster of Camunda SaaS; makes the address and the OAuth defaults."""

    cluster_region: str | None = _customary("CAMUNDA_CLUSTER_REGION", "CAMUNDA_CLIENT_CLOUD_REGION")
    """Region of that cluster. Default `bru-2`."""

    tenant_ids: Words = Field(
        default=(),
        validation_alias=AliasChoices(
            "ZEEBE_MAIL_TENANT_IDS", "CAMUNDA_TENANT_IDS", "ZEEBE_TENANT_ID", "CAMUNDA_TENANT_ID"
        ),
    )
    """Tenants whose jobs are taken, separated by commas. Default: the gateway's default tenant."""

    # ── taking jobs ──────────────────────────────────────────────────────────────────────────────────────────────

    worker_name: str = "zeebe-mail"
    """Name of the worker as the broker sees it; the same on all replicas."""

    cluster_name: str = ""
    """Name of the cluster, part of each Message-ID; give different ones to clusters that mail from the same domain."""

    max_jobs: int = Field(default=100, ge=1, le=10_000)
    """Jobs that run at once, over all task types; from two on, at most half of them with one mail server."""

    job_timeout: Duration = Field(default=timedelta(seconds=60), ge=timedelta(seconds=2), le=timedelta(hours=1))
    """How long a job is ours without a sign of life; it is extended while it runs. Seconds or ISO-8601."""

    streaming: bool = True
    """Have new jobs pushed, besides polling. Switch off where a proxy does not let long streams through."""

    shutdown_grace: Duration = Field(default=timedelta(seconds=25), ge=timedelta(0))
    """How long SIGTERM waits for mails that are handed over and not answered yet. Keep below the orchestrator's."""

    backoff: Duration = Field(default=timedelta(seconds=5), gt=timedelta(0), le=timedelta(days=1))
    """First wait before a failed job is tried again, where the task has no `retryBackoff`; doubled each time."""

    longest_backoff: Duration = Field(default=timedelta(minutes=5), gt=timedelta(0), le=timedelta(days=1))
    """Longest such wait."""

    max_attempts: int = Field(default=10, ge=1)
    """How often a job may begin without ever coming to an end, before it becomes an incident. The ledger counts the
    attempts at sending over all workers; for other tasks each worker counts for itself, and anew when it starts."""

    bpmn_errors: Words = ()
    """Error codes that become BPMN errors without an error expression, separated by commas; `true` for all. A task's
    header `bpmnErrors` goes before."""

    result_limit_bytes: int = Field(default=1_000_000, ge=1_000, le=3_500_000)
    """Largest result that is given to the process; the gateway's own limit is 4 MB for all variables."""

    # ── the send ledger ──────────────────────────────────────────────────────────────────────────────────────────

    ledger: str | None = None
    """Where the record of sends is kept: the path of a SQLite file on a disk of this machine, or, for replicas on
    several machines, `postgresql://user:password@host/database`. `off` sends without a record: then a job that comes
    back is sent again. Default: `zeebe-mail/ledger.db` in `$XDG_STATE_HOME`, else in `~/.local/state`; in the image
    `/var/lib/zeebe-mail/ledger.db`."""

    in_doubt: Literal["hold", "resend", "assumeSent"] = "hold"
    """What becomes of a job whose mail may or may not have gone out: `hold` makes an incident that a person resolves,
    `resend` sends it again, perhaps twice, `assumeSent` completes it, perhaps unsent. A task's header `inDoubt` goes
    before. Where the task has `imap`, the mail is first looked for among the sent ones."""

    ledger_retention: Duration = Field(default=timedelta(days=90), ge=timedelta(days=1))
    """How long the ledger keeps what is over. A job that comes back later than that is sent again, so keep it longer
    than incidents stay open; what is in doubt, held or not completed is kept for ever."""

    ledger_hash_addresses: bool = False
    """Keep no mail address in the ledger, only a hash that is different for each job. `zeebe-mail ledger show` then
    shows hashes; a job that comes back gets its own addresses back."""

    idempotency_header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,75}$")
    """Header that carries the same text for each attempt at the same mail, for providers that take a mail only once by
    it: `Resend-Idempotency-Key`, `X-EE-Idempotency-Key`. Default: none."""

    # ── mail servers ─────────────────────────────────────────────────────────────────────────────────────────────

    connections_per_server: int = Field(default=10, ge=1, le=1000)
    """Sessions that this worker opens to one mail server at most; never more than half of `ZEEBE_MAIL_MAX_JOBS` (but at
    least one), so that a dead server does not stop the mail for the others."""

    ca_file: Path | None = None
    """CA certificates (PEM) for mail servers and for `ZEEBE_MAIL_URLS`, besides the system's."""

    client_cert_file: Path | None = None
    """Client certificate chain (PEM) shown to mail servers that ask for one."""

    client_key_file: Path | None = None
    """Its private key (PEM, unencrypted)."""

    tls_minimum: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    """Oldest TLS version spoken with mail servers."""

    tls_maximum: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.3"
    """Newest TLS version spoken with mail servers."""

    tls_allow_deprecated: bool = False
    """Let a task ask for TLSv1 or TLSv1.1 (`server.tls.minVersion`), which RFC 8996 retired. Connections of such a task
    accept weak keys and groups too."""

    allowed_hosts: Words = ()
    """The only mail servers that may be used, separated by commas: names, where `*` stands for anything
    (`*.example.org`), addresses and ranges (`10.0.0.0/8`). Default: any."""

    denied_hosts: Words = ()
    """Mail servers that may not be used, in the same form; this goes before `ZEEBE_MAIL_ALLOWED_HOSTS`. Link-local,
    multicast, reserved and cloud metadata addresses never may."""

    deny_private_addresses: bool = False
    """Refuse mail servers with private and loopback addresses, unless `ZEEBE_MAIL_ALLOWED_HOSTS` has them. Switch on
    where processes come from people who must not reach the network behind the worker."""

    plaintext_hosts: Words = ()
    """Mail servers that may be used without encryption, separated by commas; this machine always may."""

    connect_timeout: Duration = Field(default=timedelta(seconds=10), ge=timedelta(seconds=1), le=timedelta(minutes=5))
    """How long a mail server may take for connection, TLS and greeting together."""

    command_timeout: Duration = Field(default=timedelta(minutes=1), ge=timedelta(seconds=1), le=timedelta(hours=1))
    """How long a mail server may take for one reply; an IMAP server that goes on talking may take longer for all of it.
    A task's `server.deadlineSeconds` bounds all together."""

    helo_name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$")
    """Name the worker gives itself in EHLO, where servers insist on one. Default: its address."""

    # ── attachments ──────────────────────────────────────────────────────────────────────────────────────────────

    documents: str | None = None
    """Where documents are kept: `camunda` is the cluster's document store (`CAMUNDA_REST_ADDRESS`), `memory` this
    worker's memory, for trials; anything else is the path of a folder. Default: `camunda` where its address is set."""

    files_dirs: Words = ()
    """Folders from which mails may take attachments and texts, separated by commas. Links that lead out of them are not
    followed. Default: none."""

    download_dirs: Words = ()
    """Folders into which tasks of foreign connectors may write the mails that they download, separated by commas.
    Default: none."""

    urls: Words = ()
    """URLs from which mails may take attachments and texts, separated by commas, where `*` stands for anything:
    `https://files.example.org/reports/*`. Without `https://` or `http://` it is https. Default: none."""

    url_private_hosts: Words = ()
    """Hosts of `ZEEBE_MAIL_URLS` that may have private or loopback addresses: names, where `*` stands for anything,
    addresses and ranges. `ZEEBE_MAIL_DENIED_HOSTS` holds for URLs too."""

    download_timeout: Duration = Field(default=timedelta(minutes=1), ge=timedelta(seconds=1), le=timedelta(hours=1))
    """How long reading one document or URL may take."""

    attachment_limit_bytes: int = Field(default=25 * 1024 * 1024, ge=1)
    """Largest attachment of a mail, before it is encoded, which makes it a third larger."""

    attachments_limit_bytes: int = Field(default=50 * 1024 * 1024, ge=1)
    """Most bytes that all attachments of a mail may have together."""

    bytes_in_flight: int = Field(default=256 * 1024 * 1024, ge=1)
    """Bytes of attachments that this worker holds at once, over all jobs. A job that finds no room waits, then is
    handed back; a mail that is larger than this goes when it is alone."""

    # ── guard rails ──────────────────────────────────────────────────────────────────────────────────────────────

    allowed_recipients: Words = ()
    """The only recipients that mail may go to, separated by commas: addresses (`jane@example.org`, which is
    `jane+…@example.org` too), domains (`@example.org`) and all domains below one (`*.example.org`). Default: any. With
    a list here or below, names without a domain and addresses with `%`, `!` or a second `@` are refused, because a mail
    server may read them as others."""

    denied_recipients: Words = ()
    """Recipients that mail must not go to, in the same form; this goes before `ZEEBE_MAIL_ALLOWED_RECIPIENTS`. Who gets
    reports about a mail (`envelopeFrom`, `readReceipt` and such headers) is judged by all of these lists too, unless it
    is the account or whom the mail is from; `replyTo` is not, because what comes there a person has written."""

    denied_recipients_file: Path | None = None
    """A suppression list: a file with more of these, one a line; `#` begins a comment. It is read again when it has
    changed, so a program may append the addresses of bounces. While it cannot be read, nothing is sent; a line that is
    no address is left out and told in the log."""

    max_recipients: int | None = Field(default=None, ge=1, le=100_000)
    """Recipients that one mail may have at most. Default: as many as the mail server takes."""

    max_original_recipients: int = Field(default=100, ge=1, le=100_000)
    """Recipients of an answer that the answered mail may choose at most (Reply-To, Mail-Followup-To, To, Cc): its
    author may be a stranger. Those that the process gives do not count."""

    max_message_bytes: int | None = Field(default=None, ge=1_000)
    """Size of a mail at most, with its attachments as they are encoded. Default: what the mail server takes."""

    allowed_senders: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Which addresses an account may send with, as JSON: patterns for user names, and addresses in the form of
    `ZEEBE_MAIL_ALLOWED_RECIPIENTS`: `{"*@example.org": ["@example.org"], "billing": ["billing@example.com"]}`. From,
    Sender, Resent-From, Resent-Sender, the address for bounces and the organizer of an invitation must all be among
    them. An account that no pattern matches cannot send; without
    authentication the user name is empty, which `*` matches. Default: any."""

    redirect_all_to: Words = ()
    """For test stages: addresses, separated by commas, that get every mail instead of its recipients. These are in its
    headers `X-Original-To`, `X-Original-Cc` and `X-Original-Bcc`, so whoever gets the mail sees the hidden ones too.
    Bounces go to the account, or to the first of these where its user name is no address; nobody gets a read receipt.
    Reply-To stays: an answer is written by a person, and goes where it would."""

    # ── mail templates ───────────────────────────────────────────────────────────────────────────────────────────

    templates_dir: Path | None = None
    """Folder of the mail templates that a task may name: one folder for each, with a file for each field, and folders
    for `inline` pictures and `attachments`. Changes take effect with the next mail."""

    # ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────

    secrets_prefix: str = "SECRET_"
    """`secrets.NAME` is looked for in the environment variable with this prefix and NAME. A secret of fewer than four
    characters is masked only where it is the whole of a text, because it is a part of too many words: take a longer
    one."""

    secrets_dir: Path | None = None
    """Folder with one file for each secret."""

    secrets_fields: Words = ()
    """Input fields, besides `auth`, in which secrets are resolved, separated by commas, for example `server.host`."""

    secrets_bindings: dict[str, SecretBinding] = Field(default_factory=dict)
    """For a secret the mail hosts and task types it is for, as JSON:
    `{"NAME": {"hosts": ["*.example.org"], "taskTypes": ["mail:smtp-*"]}}`."""

    secrets_legacy: bool = False
    """Resolve the bare form `secrets.NAME` also inside longer texts of allowed fields."""

    # ── foreign contracts ────────────────────────────────────────────────────────────────────────────────────────

    compat: Annotated[tuple[Literal["camunda", "infosys"], ...], NoDecode] = ()
    """Foreign connectors whose task types are served too, separated by commas: `camunda` is `io.camunda:email:1`,
    `infosys` is `com.infosys.camundaconnectors.email:smtp:1`, `…:imap:1` and `…:pop3:1`."""

    compat_error_codes: bool = False
    """Give errors of foreign task types their stable code and what is known of them, as `error.code` and
    `error.variables`. Off, because Camunda's connector never sets a code and expressions may rely on that."""

    compat_own_retries: bool = False
    """Try failed jobs of foreign task types again by our own rules: wrong passwords, refused recipients and whatever
    else is for good are incidents at once, and without `retryBackoff` the waits grow. Off, because Camunda's connector
    uses up the retries without a wait; with wrong passwords that can lock accounts."""

    compat_secrets_fields: Words = ("authentication", "emailAccountConfiguration", "data")
    """Input fields of foreign task types in which secrets are resolved, separated by commas; a reference anywhere else
    stays text. `authentication, data.smtpConfig` keeps secrets out of mails."""

    # ── what an operator sees ────────────────────────────────────────────────────────────────────────────────────

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important log lines that are written."""

    log_format: Literal["auto", "json", "text"] = "auto"
    """`auto` is text on a terminal and JSON elsewhere."""

    http_host: str = "127.0.0.1"
    """Address on which /live, /ready and /metrics are served; `0.0.0.0` in a container."""

    http_port: int = Field(default=9464, ge=0, le=65535)
    """Port of /live, /ready and /metrics; 0 takes a free one and logs it."""

    @field_validator(
        "tenant_ids",
        "allowed_hosts",
        "denied_hosts",
        "plaintext_hosts",
        "allowed_recipients",
        "denied_recipients",
        "redirect_all_to",
        "files_dirs",
        "download_dirs",
        "urls",
        "url_private_hosts",
        "secrets_fields",
        "bpmn_errors",
        "compat",
        "compat_secrets_fields",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(filter(None, re.split(r"[\s,;]+", value))) if isinstance(value, str) else value

    @field_validator(
        "zeebe_ca_file",
        "zeebe_client_cert_file",
        "zeebe_client_key_file",
        "ca_file",
        "client_cert_file",
        "client_key_file",
        "denied_recipients_file",
    )
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("must be the path of a file that exists")
        return value

    @field_validator("zeebe_address")
    @classmethod
    def _has_a_host(cls, value: str | None) -> str | None:
        if value is not None and not _can_be_reached(GATEWAY_ADDRESS.fullmatch(value.strip())):
            raise ValueError("must be host:port, with or without http://, https://, grpc:// or grpcs://")
        return value

    @field_validator("secrets_dir", "templates_dir")
    @classmethod
    def _is_a_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("must be the path of a folder that exists")
        return value

    @field_validator("documents")
    @classmethod
    def _is_a_store(cls, value: str | None) -> str | None:
        if value is not None and value not in DOCUMENT_STORES and not Path(value).is_dir():
            raise ValueError("must be camunda, memory, or the path of a folder that exists")
        return value

    @field_validator("files_dirs", "download_dirs")
    @classmethod
    def _are_folders(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for folder in value:
            if not Path(folder).is_absolute() or not Path(folder).is_dir():
                raise ValueError(f'each must be the absolute path of a folder that exists, which "{folder}" is not')
        return value

    @field_validator("token_url", "rest_address")
    @classmethod
    def _is_a_url(cls, value: str | None) -> str | None:
        if value is not None and not _can_be_reached(WEB_ADDRESS.fullmatch(value.strip())):
            raise ValueError("must be a URL that begins with https:// or http://")
        return value.strip() if value else value


class SettingsError(Exception):
    """One or more settings cannot be used; the message has a line for each."""


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a setting is malformed, or one that begins with ``ZEEBE_MAIL_`` is unknown.
    """
    problems = _unknown(os.environ if environment is None else environment)
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [
            f"{_variable(finding['loc'])}: {_words(finding)}"
            for finding in error.errors(include_input=False, include_url=False, include_context=False)
        ]
    except UnreadableSetting as error:
        problems.append(f"{_unreadable(error)}: JSON was expected")
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


PLAIN_WORDS = {
    "bool_parsing": "must be true or false",
    "extra_forbidden": "is unknown",
    "int_parsing": "must be a number",
}


def _words(finding: Any) -> str:
    said = str(finding["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    return PLAIN_WORDS.get(finding["type"], said)


def _unreadable(error: UnreadableSetting) -> str:
    """The variable whose text is not JSON; the library names the field only in its sentence."""
    named = [name for name in Settings.model_fields if f'"{name}"' in str(error)]
    return _variable((named[0],)) if named else str(error).splitlines()[0]


def variables_of(name: str) -> list[str]:
    """The environment variables of one setting, the first being the one we write."""
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [PREFIX + name.upper()]


def _variable(location: tuple[int | str, ...]) -> str:
    """The variable that a finding is about, as the operator wrote it; pydantic names the first of its aliases."""
    found = str(location[0])
    fields = {field: variables_of(field) for field in Settings.model_fields}
    names = fields.get(found) or next((names for names in fields.values() if found in names), [found])
    given = next((name for name in names if name in os.environ), names[0])
    return ".".join([given, *map(str, location[1:])])


def _unknown(environment: Mapping[str, str]) -> list[str]:
    known = [variable for name in Settings.model_fields for variable in variables_of(name)]
    problems = []
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in known:
            nearest = get_close_matches(variable, known, n=1)
            problems.append(f"{variable}: unknown setting" + (f"; did you mean {nearest[0]}?" if nearest else ""))
    return problems
