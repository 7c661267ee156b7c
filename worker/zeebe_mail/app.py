"""The one place where objects are wired together, and where settings end."""

from __future__ import annotations

import asyncio
import errno
import gc
import inspect
import json
import secrets
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import structlog

from zeebe_mail.compat.camunda.face import CamundaFace
from zeebe_mail.compat.infosys.face import faces as infosys_faces
from zeebe_mail.documents.budget import ByteBudget
from zeebe_mail.documents.camunda import CamundaDocuments
from zeebe_mail.documents.download_folders import DownloadFolders
from zeebe_mail.documents.downloads import PUBLIC, Downloads, UrlPattern
from zeebe_mail.documents.files import Files
from zeebe_mail.documents.folder import FolderDocuments
from zeebe_mail.documents.memory import MemoryDocuments
from zeebe_mail.documents.opened import Opened
from zeebe_mail.documents.reference import DocumentReference
from zeebe_mail.documents.sources import Limits, Sources
from zeebe_mail.documents.store import DocumentStore, NoStore, Reference
from zeebe_mail.documents.template_files import TemplateFiles
from zeebe_mail.egress import EgressPolicy, Hosts, host_name
from zeebe_mail.errors import (
    DocumentNotFound,
    DocumentNotStored,
    InputError,
    SuppressionListUnreadable,
    WorkerError,
    every_error,
)
from zeebe_mail.jobs.face import Face, NativeFace
from zeebe_mail.jobs.handler import JobHandler
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.manners import NATIVE
from zeebe_mail.jobs.recorded import Bookkeeping
from zeebe_mail.jobs.retry import Backoff, RetryPlan
from zeebe_mail.jobs.settle import Settled, Settlement, SettlementRules, bpmn_error_codes
from zeebe_mail.jobs.validate import validate
from zeebe_mail.ledger.ledger import Ledger, Retention
from zeebe_mail.ledger.states import InDoubt
from zeebe_mail.ledger.store.place import PlaceError, default_place
from zeebe_mail.ledger.store.store import Store
from zeebe_mail.mail import tls
from zeebe_mail.mail.bulkhead import Bulkhead
from zeebe_mail.mail.imap import ImapConnector, ImapSession, ImapTimeouts
from zeebe_mail.mail.pool import Connector, Pool
from zeebe_mail.mail.pop3 import Pop3Connector, Pop3Session, Pop3Timeouts
from zeebe_mail.mail.server import TlsOptions, TlsVersion
from zeebe_mail.mail.smtp import SmtpConnector, SmtpSession, SmtpTimeouts
from zeebe_mail.mail.tls import TlsPolicy
from zeebe_mail.message.address import AddressError, Mailbox, mailbox
from zeebe_mail.message.address_patterns import AddressPatterns, PatternError
from zeebe_mail.message.guard_rails import GuardRails
from zeebe_mail.message.reader import Reader
from zeebe_mail.message.renderer import Renderer
from zeebe_mail.message.suppression_list import SuppressionList
from zeebe_mail.operations.base import Desk, OperationOutput
from zeebe_mail.operations.catalogue import catalogue
from zeebe_mail.operations.render import RenderInput, RenderOutput, render
from zeebe_mail.secrets import Binding, EnvironmentSecrets, FileSecrets, Redactor, SecretProvider, SecretResolver
from zeebe_mail.settings import (
    DEFAULT_PORT,
    GATEWAY_ADDRESS,
    LEDGER_OFF,
    SAAS_DOMAIN,
    SAAS_TOKEN_URL,
    Settings,
    SettingsError,
)
from zeebe_mail.telemetry.metrics import Metrics
from zeebe_mail.telemetry.probes import Probes
from zeebe_mail.zeebe.client import connect
from zeebe_mail.zeebe.gateway import Gateway, GatewayUnavailable, JobGone, Rejected
from zeebe_mail.zeebe.incidents import open_incident
from zeebe_mail.zeebe.options import GatewayOptions, OAuthOptions, WorkerOptions
from zeebe_mail.zeebe.tokens import TokenSource, TokenUnavailable
from zeebe_mail.zeebe.worker import Worker

log = structlog.get_logger(__name__)


def gateway_options(settings: Settings) -> GatewayOptions:
    """How to reach the cluster.

    Raises:
        SettingsError: the settings contradict each other or something is missing.
    """
    address, wants_tls = _address(settings)
    if (settings.zeebe_client_cert_file is None) is not (settings.zeebe_client_key_file is None):
        raise SettingsError("ZEEBE_CLIENT_CERTIFICATE_PATH and ZEEBE_CLIENT_KEY_PATH must be given together")
    if settings.zeebe_client_cert_file and not wants_tls:
        raise SettingsError("ZEEBE_CLIENT_CERTIFICATE_PATH needs TLS: set ZEEBE_INSECURE_CONNECTION=false")
    _readable_certificates(settings)
    return GatewayOptions(
        address=address,
        tls=wants_tls,
        ca_file=settings.zeebe_ca_file,
        client_cert_file=settings.zeebe_client_cert_file,
        client_key_file=settings.zeebe_client_key_file,
        override_authority=settings.zeebe_override_authority,
        oauth=_oauth(settings),
    )


def _readable_certificates(settings: Settings) -> None:
    """Read the PEM files once: at start and not with the first call."""
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if settings.zeebe_ca_file:
            trial.load_verify_locations(settings.zeebe_ca_file)
    except OSError as error:
        raise SettingsError(f"ZEEBE_CA_CERTIFICATE_PATH holds no certificates that can be used: {error}") from error
    try:
        if settings.zeebe_client_cert_file:
            trial.load_cert_chain(settings.zeebe_client_cert_file, settings.zeebe_client_key_file, password="")
    except (OSError, ValueError) as error:
        raise SettingsError(
            "ZEEBE_CLIENT_CERTIFICATE_PATH and ZEEBE_CLIENT_KEY_PATH are no certificate and its open key in PEM: "
            f"{error}"
        ) from error


def _address(settings: Settings) -> tuple[str, bool]:
    given = settings.zeebe_address
    if given is None and settings.cluster_id:
        given = f"https://{settings.cluster_id}.{settings.cluster_region or 'bru-2'}.{SAAS_DOMAIN}:443"
    match = GATEWAY_ADDRESS.fullmatch((given or f"localhost:{DEFAULT_PORT}").strip())
    assert match  # checked where the setting was read
    scheme = match["scheme"]
    port = int(match["port"] or (443 if scheme == "https" else DEFAULT_PORT))
    if settings.insecure is not None:
        tls = not settings.insecure
    elif settings.secure is not None:
        tls = settings.secure
    elif scheme:
        tls = scheme in ("https", "grpcs")
    else:
        tls = port == 443 or settings.zeebe_ca_file is not None
    return f"{match['host']}:{port}", tls


def _oauth(settings: Settings) -> OAuthOptions | None:
    if settings.client_id is None:
        return None
    token_url = settings.token_url or (SAAS_TOKEN_URL if settings.cluster_id else None)
    missing = [
        variable
        for variable, value in (
            ("ZEEBE_CLIENT_SECRET", settings.client_secret),
            ("ZEEBE_AUTHORIZATION_SERVER_URL", token_url),
        )
        if value is None
    ]
    if missing or settings.client_secret is None or token_url is None:
        raise SettingsError(f"ZEEBE_CLIENT_ID switches OAuth on, which also needs {' and '.join(missing)}")
    return OAuthOptions(
        token_url=token_url,
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        audience=settings.token_audience or (SAAS_DOMAIN if settings.cluster_id else None),
        scope=settings.token_scope,
        ca_file=settings.zeebe_ca_file,
    )


def tls_policy(settings: Settings) -> TlsPolicy:
    """How mail servers are trusted.

    Raises:
        SettingsError: the settings contradict each other.
    """
    if settings.tls_minimum > settings.tls_maximum:
        raise SettingsError("ZEEBE_MAIL_TLS_MINIMUM must not be newer than ZEEBE_MAIL_TLS_MAXIMUM")
    return TlsPolicy(
        ca_file=settings.ca_file,
        client_certificate_file=settings.client_cert_file,
        client_key_file=settings.client_key_file,
        min_version=TlsVersion(settings.tls_minimum),
        max_version=TlsVersion(settings.tls_maximum),
        plaintext_hosts=frozenset(map(_plaintext_host, settings.plaintext_hosts)),
        allow_deprecated=settings.tls_allow_deprecated,
    )


def _plaintext_host(host: str) -> str:
    try:
        return host_name(host)
    except ValueError as error:
        raise SettingsError(f"ZEEBE_MAIL_PLAINTEXT_HOSTS: each of them {error}") from error


def egress_policy(settings: Settings) -> EgressPolicy:
    """Which mail servers may be reached.

    Raises:
        SettingsError: an entry is neither a name nor an address nor a range.
    """
    return EgressPolicy(
        allowed=_hosts("ZEEBE_MAIL_ALLOWED_HOSTS", settings.allowed_hosts),
        denied=_hosts("ZEEBE_MAIL_DENIED_HOSTS", settings.denied_hosts),
        denies_private=settings.deny_private_addresses,
    )


def _hosts(variable: str, entries: Iterable[str]) -> Hosts:
    try:
        return Hosts.of(entries)
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from error


def guard_rails(settings: Settings) -> GuardRails:
    """What processes may send, to whom and as whom.

    Raises:
        SettingsError: an entry is no address and no pattern for some, or a file cannot be read.
    """
    return GuardRails(
        allowed_recipients=_addresses("ZEEBE_MAIL_ALLOWED_RECIPIENTS", settings.allowed_recipients),
        denied_recipients=_addresses("ZEEBE_MAIL_DENIED_RECIPIENTS", settings.denied_recipients),
        suppressed=_suppression_list(settings.denied_recipients_file),
        max_recipients=settings.max_recipients,
        max_message_bytes=settings.max_message_bytes,
        allowed_senders={
            user: _addresses(f"ZEEBE_MAIL_ALLOWED_SENDERS.{user}", entries)
            for user, entries in settings.allowed_senders.items()
        },
        redirect_to=tuple(map(_redirect_target, settings.redirect_all_to)),
    )


def _addresses(variable: str, entries: Iterable[str]) -> AddressPatterns:
    try:
        return AddressPatterns.of(entries)
    except PatternError as error:
        raise SettingsError(f"{variable}: {error}") from error


def _suppression_list(file: Path | None) -> SuppressionList | None:
    if file is None:
        return None
    found = SuppressionList(file)
    try:
        found.current()
    except SuppressionListUnreadable as error:
        raise SettingsError(f"ZEEBE_MAIL_DENIED_RECIPIENTS_FILE: {error.message}") from error
    return found


def _redirect_target(entry: str) -> Mailbox:
    try:
        return mailbox(entry)
    except AddressError as error:
        raise SettingsError(f'ZEEBE_MAIL_REDIRECT_ALL_TO: "{entry}" {error}') from error


def smtp_connector(settings: Settings) -> SmtpConnector:
    """What opens sessions with SMTP servers.

    Raises:
        SettingsError: the settings contradict each other, or a file cannot be used.
    """
    timeouts = SmtpTimeouts(
        connect_s=settings.connect_timeout.total_seconds(), command_s=settings.command_timeout.total_seconds()
    )
    return SmtpConnector(
        _usable(tls_policy(settings)), timeouts, egress=egress_policy(settings), helo_name=settings.helo_name
    )


def imap_connector(settings: Settings) -> ImapConnector:
    """What opens sessions with IMAP servers.

    Raises:
        SettingsError: the settings contradict each other, or a file cannot be used.
    """
    timeouts = ImapTimeouts(
        connect_s=settings.connect_timeout.total_seconds(), command_s=settings.command_timeout.total_seconds()
    )
    return ImapConnector(_usable(tls_policy(settings)), timeouts, egress_policy(settings))


def pop3_connector(settings: Settings) -> Pop3Connector:
    """What opens sessions with POP3 servers.

    Raises:
        SettingsError: the settings contradict each other, or a file cannot be used.
    """
    timeouts = Pop3Timeouts(
        connect_s=settings.connect_timeout.total_seconds(), command_s=settings.command_timeout.total_seconds()
    )
    return Pop3Connector(_usable(tls_policy(settings)), timeouts, egress=egress_policy(settings))


def _usable(policy: TlsPolicy) -> TlsPolicy:
    """The same policy, once its files have been read: at start and not with the first mail."""
    try:
        tls.context(policy, TlsOptions())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"ZEEBE_MAIL_CA_FILE, ZEEBE_MAIL_CLIENT_CERT_FILE or ZEEBE_MAIL_CLIENT_KEY_FILE cannot be used: {error}"
        ) from error
    return policy


def secret_resolver(settings: Settings) -> SecretResolver:
    """Where secrets come from: files first, then the environment."""
    providers: list[SecretProvider] = [FileSecrets(settings.secrets_dir)] if settings.secrets_dir else []
    providers.append(EnvironmentSecrets(settings.secrets_prefix))
    return SecretResolver(
        providers,
        extra_fields=settings.secrets_fields,
        bindings={
            name: Binding(hosts=binding.hosts, task_types=binding.task_types)
            for name, binding in settings.secrets_bindings.items()
        },
        legacy=settings.secrets_legacy,
    )


def task_types(settings: Settings) -> dict[str, Face]:
    """Everything that can be served: our own operations, and the foreign faces that are switched on."""
    faces: list[Face] = [NativeFace(operation) for operation in catalogue().values()]
    if "camunda" in settings.compat:
        faces.append(
            CamundaFace(
                secret_fields=settings.compat_secrets_fields,
                codes=settings.compat_error_codes,
                own_retries=settings.compat_own_retries,
            )
        )
    if "infosys" in settings.compat:
        faces += infosys_faces(
            secret_fields=settings.compat_secrets_fields,
            codes=settings.compat_error_codes,
            own_retries=settings.compat_own_retries,
        )
    return {face.task_type: face for face in faces}


def selected(faces: Mapping[str, Face], only: Iterable[str], but: Iterable[str]) -> dict[str, Face]:
    """Those whose task types match a pattern of ``only`` (all, when empty) and none of ``but``.

    Raises:
        SettingsError: a pattern matches nothing, or nothing is left.
    """
    only, but = tuple(only), tuple(but)
    for pattern in (*only, *but):
        if not any(fnmatchcase(task_type, pattern) for task_type in faces):
            raise SettingsError(f'No task type matches "{pattern}"; known are {", ".join(sorted(faces))}')
    chosen = {
        task_type: face
        for task_type, face in faces.items()
        if (not only or any(fnmatchcase(task_type, pattern) for pattern in only))
        and not any(fnmatchcase(task_type, pattern) for pattern in but)
    }
    if not chosen:
        raise SettingsError("No task type is left to work on")
    return chosen


def share_of_one_server(settings: Settings) -> int:
    """Jobs that one mail server may hold up: at most half, so that a dead one does not stop the mail for the others."""
    return min(settings.connections_per_server, max(settings.max_jobs // 2, 1))


@dataclass(frozen=True, slots=True)
class Mailroom:
    """Everything that is needed to run jobs, without a broker."""

    handler: JobHandler
    pool: Pool
    desk: Desk


@asynccontextmanager
async def mailroom(
    settings: Settings, redactor: Redactor, faces: Mapping[str, Face], bookkeeping: Bookkeeping | None = None
) -> AsyncIterator[Mailroom]:
    """Handler and sessions; the sessions are closed at the end of the block. Without ``bookkeeping`` no send is
    recorded."""
    connectors: dict[type[Any], Connector] = {
        SmtpSession: smtp_connector(settings),
        ImapSession: imap_connector(settings),
        Pop3Session: pop3_connector(settings),
    }
    pool = Pool(connectors, Bulkhead(share_of_one_server(settings)))
    reader = Reader()
    renderer = Renderer(settings.templates_dir)
    async with document_store(settings) as documents:
        desk = Desk(
            pool,
            documents,
            sources(settings),
            reader,
            renderer,
            guard_rails(settings),
            download_folders(settings),
            settings.max_original_recipients,
            settings.idempotency_header,
        )
        handler = JobHandler(
            operations=faces,
            desk=desk,
            secrets=secret_resolver(settings),
            rules=settlement_rules(settings, redactor, documents),
            backoff=backoff_policy(settings),
            max_attempts=settings.max_attempts,
            bookkeeping=bookkeeping,
        )
        try:
            yield Mailroom(handler, pool, desk)
        finally:
            pool.close()
            await reader.aclose()
            await renderer.aclose()


def download_folders(settings: Settings) -> DownloadFolders:
    """Where tasks may write files."""
    return DownloadFolders(map(Path, settings.download_dirs))


def ledger_store(settings: Settings) -> Store | None:
    """Where sends are recorded; None where the operator wants no record.

    Raises:
        SettingsError: the ledger cannot be kept there.
    """
    if settings.ledger == LEDGER_OFF:
        return None
    try:
        return Store.of(settings.ledger or default_place())
    except (PlaceError, RuntimeError) as error:  # RuntimeError: the user has no home
        raise SettingsError(
            f"ZEEBE_MAIL_LEDGER: the send ledger cannot be kept: {error}. Give it the path of a file on a disk of this "
            "machine, or a postgresql:// URL; `off` sends without a record, and then jobs that come back are sent again"
        ) from error


@contextmanager
def bookkeeping(settings: Settings) -> Iterator[Bookkeeping | None]:
    """The record of sends; None where the operator wants none. What is not written yet is written at the end.

    Raises:
        SettingsError: the ledger cannot be kept where it should be.
    """
    store = ledger_store(settings)
    if store is None:
        log.warning("sends are not recorded: a job that comes back is sent again", action="ledger_off")
        yield None
        return
    ledger = Ledger(
        store,
        claim_lasts=settings.job_timeout,
        retention=Retention(settings.ledger_retention, hides_addresses=settings.ledger_hash_addresses),
    )
    ledger.start()
    try:
        yield Bookkeeping(ledger, cluster_name(settings), InDoubt(settings.in_doubt))
    finally:
        ledger.close()


def cluster_name(settings: Settings) -> str:
    """What tells this cluster's jobs from those of others."""
    return settings.cluster_name or settings.cluster_id or ""


def sources(settings: Settings) -> Sources:
    """Where attachments may come from, and how large they may be.

    Raises:
        SettingsError: an entry is no pattern for URLs, no host and no range.
    """
    try:
        allowed = [UrlPattern.of(entry) for entry in settings.urls]
    except ValueError as error:
        raise SettingsError(f"ZEEBE_MAIL_URLS: {error}") from error
    egress = replace(
        PUBLIC,
        denied=_hosts("ZEEBE_MAIL_DENIED_HOSTS", settings.denied_hosts),
        private=_hosts("ZEEBE_MAIL_URL_PRIVATE_HOSTS", settings.url_private_hosts),
    )
    return Sources(
        files=Files(map(Path, settings.files_dirs)),
        downloads=Downloads(
            allowed,
            egress=egress,
            trust=lambda: tls.context(TlsPolicy(ca_file=settings.ca_file), TlsOptions()),
            deadline_s=settings.download_timeout.total_seconds(),
        ),
        template_files=TemplateFiles(settings.templates_dir),
        limits=Limits(one=settings.attachment_limit_bytes, together=settings.attachments_limit_bytes),
        budget=ByteBudget(settings.bytes_in_flight),
    )


@asynccontextmanager
async def document_store(settings: Settings) -> AsyncIterator[DocumentStore]:
    """Where documents are kept.

    Raises:
        SettingsError: it is to be the cluster's store, and its address is missing.
    """
    match settings.documents:
        case "memory":
            yield MemoryDocuments()
        case None if settings.rest_address is None:
            yield NoStore()
        case None | "camunda":
            async with _cluster_store(settings) as store:
                yield store
        case folder:
            yield FolderDocuments(Path(folder))


@asynccontextmanager
async def _cluster_store(settings: Settings) -> AsyncIterator[DocumentStore]:
    if settings.rest_address is None:
        raise SettingsError("ZEEBE_MAIL_DOCUMENTS=camunda also needs CAMUNDA_REST_ADDRESS")
    oauth = gateway_options(settings).oauth
    tokens = TokenSource(oauth) if oauth else None

    async def headers() -> dict[str, str]:
        try:
            return dict(await tokens.metadata()) if tokens else {}
        except TokenUnavailable as error:
            raise DocumentNotStored(f"There is no token for the document store: {error}.") from error

    store = CamundaDocuments(
        settings.rest_address,
        headers=headers,
        ca_file=settings.zeebe_ca_file,
        read_deadline_s=settings.download_timeout.total_seconds(),
    )
    try:
        yield store
    finally:
        await store.aclose()
        if tokens:
            await tokens.aclose()


async def run_worker(
    settings: Settings, redactor: Redactor, *, only: Iterable[str] = (), but: Iterable[str] = ()
) -> None:
    """Take jobs and run them until SIGTERM or SIGINT; a second signal ends the process at once.

    Raises:
        SettingsError: the settings cannot be used.
        Exception: a bug; it is in the log already, and the process should end and be restarted.
    """
    options = WorkerOptions(
        name=settings.worker_name,
        max_jobs=settings.max_jobs,
        job_timeout=settings.job_timeout,
        streaming=settings.streaming,
        tenant_ids=settings.tenant_ids,
        shutdown_grace=settings.shutdown_grace,
    )
    if settings.client_secret:
        redactor.add(settings.client_secret.get_secret_value(), is_credential=True)
    faces = selected(task_types(settings), only, but)
    async with AsyncExitStack() as stack:
        books = stack.enter_context(bookkeeping(settings))
        room = await stack.enter_async_context(mailroom(settings, redactor, faces, books))
        gateway = await stack.enter_async_context(Gateway(gateway_options(settings)))
        metrics = Metrics(lambda: _counts(room.pool))
        if books:
            metrics.watch(books.ledger)
        try:
            probes = Probes(metrics).serve(settings.http_host, settings.http_port)
        except (OSError, UnicodeError) as error:
            raise _no_probes(settings, error) from error
        worker = Worker(gateway, room.handler, options, metrics, cluster=cluster_name(settings))
        _on_first_signal(lambda: _stop(worker, metrics))
        log.info(
            "worker started",
            action="worker_started",
            gateway=gateway.address,
            task_types=sorted(faces),
            max_jobs=options.max_jobs,
            streaming=options.streaming,
            probes_port=probes.server_port,
        )
        if settings.redirect_all_to:
            log.warning("all mail is redirected", action="mail_redirected", to=settings.redirect_all_to)
        _spare_the_collector()
        try:
            await worker.run()
        except Exception as bug:
            log.critical("worker hit a bug and ends", action="worker_bug", exc_info=bug)
            raise
        finally:
            probes.shutdown()
            probes.server_close()
    log.info("worker stopped", action="worker_stopped")


async def resume_job(settings: Settings, job_key: int, incident_key: int | None) -> str:
    """Let a job whose send was decided go on; says what was done, and what is left to do.

    Raises:
        SettingsError: the gateway cannot be used.
    """
    options = gateway_options(settings)
    try:
        incident = incident_key or await _incident_of(settings, job_key)
        async with connect(options) as client:
            await client.resume(job_key, incident)
    except JobGone:
        return f"Recorded. Zeebe has no failed job {job_key} any more: there is nothing left to do."
    except (GatewayUnavailable, Rejected, OSError) as error:
        raise SettingsError(
            f"The decision is recorded, but the incident was not resolved ({error}). Resolve it in Operate, or repeat "
            "this command with --incident"
        ) from error
    if incident is None:
        return "Recorded, and the job has a retry again. Resolve its incident in Operate, or repeat with --incident."
    return f"Recorded. Incident {incident} is resolved, and the job goes on."


async def _incident_of(settings: Settings, job_key: int) -> int | None:
    if settings.rest_address is None:
        return None
    oauth = gateway_options(settings).oauth
    tokens = TokenSource(oauth) if oauth else None
    try:
        headers = dict(await tokens.metadata()) if tokens else {}
        return await open_incident(settings.rest_address, job_key, headers=headers, ca_file=settings.zeebe_ca_file)
    except TokenUnavailable as error:
        raise OSError(str(error)) from error
    finally:
        if tokens:
            await tokens.aclose()


def _spare_the_collector() -> None:
    """Keep Python's collector from looking at all that lives for ever: a look stops every job for 50 ms."""
    gc.collect()
    gc.freeze()


def _no_probes(settings: Settings, error: OSError | UnicodeError) -> SettingsError:
    """Which of the two settings is to blame when /live cannot be served."""
    why = getattr(error, "strerror", None) or error
    if isinstance(error, UnicodeError | socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return SettingsError(f"ZEEBE_MAIL_HTTP_HOST: is no address of this machine ({why})")
    return SettingsError(f"ZEEBE_MAIL_HTTP_PORT: port {settings.http_port} cannot be used ({why})")


def _counts(pool: Pool) -> dict[str, int]:
    return {"leased": pool.leased, "idle": pool.idle, "waiting": pool.waiting}


def _stop(worker: Worker, metrics: Metrics) -> None:
    metrics.stopping = True
    worker.stop()


def _on_first_signal(stop: Any) -> None:
    loop = asyncio.get_running_loop()

    def first() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first)


class TrialAttempt:
    """An attempt without a broker: it is always ours."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(10)
        self.committed = False

    async def commit(self, expected: OperationOutput | None = None) -> None:
        """Pass the point of no return."""
        self.committed = True

    async def sent(self, output: OperationOutput) -> None:
        """Nothing is recorded."""


async def run_once(
    settings: Settings, redactor: Redactor, task_type: str, variables: Mapping[str, Any], headers: Mapping[str, str]
) -> Settled:
    """Run one job that comes from nowhere and say how it was settled. The mail is real.

    Raises:
        SettingsError: there is no such task type.
    """
    faces = selected(task_types(settings), [task_type], [])
    job = Job(key=0, type=task_type, variables=variables, headers=headers, retries=3, deadline_ms=0)
    async with mailroom(settings, redactor, faces) as room:
        return await room.handler.explain(job, TrialAttempt())


async def render_once(settings: Settings, redactor: Redactor, request: Mapping[str, Any]) -> RenderOutput:
    """What sending this would send.

    Raises:
        WorkerError: it cannot be made.
    """
    given = validate(RenderInput, {"request": request})
    async with mailroom(settings, redactor, {}) as room:
        rendered = await render.run(given, TrialAttempt(), room.desk)
    assert isinstance(rendered, RenderOutput)
    return rendered


async def settle_once(
    settings: Settings,
    headers: Mapping[str, str],
    *,
    task_type: str | None = None,
    response: Any = None,
    error_code: str | None = None,
    error_details: Mapping[str, Any] | None = None,
    retries: int = 3,
) -> Settled:
    """What Zeebe would be told of a response, or of an error with this code, and how that came about.

    A foreign task type has its own way to put an error. Documents are made up and not kept.

    Raises:
        SettingsError: there is no error with this code, or no such task type.
    """
    manners = selected(task_types(settings), [task_type], [])[task_type].manners if task_type else NATIVE
    job = Job(key=0, type="", variables={}, headers=headers, retries=retries, deadline_ms=0)
    rules = settlement_rules(settings, Redactor(), _Pretended())
    settlement = Settlement(job, rules, RetryPlan(job.retries, 0, backoff_policy(settings)), manners)
    try:
        settlement.prepare()
        settlement.take_time()
        if error_code is None:
            outcome = settlement.of_result(response)
        else:
            outcome = settlement.of_error(_example(error_code, error_details or {}))
    except WorkerError as error:
        outcome = settlement.of_error(error)
    return settlement.settled(await settlement.with_documents(outcome))


class _Pretended:
    """A store that keeps nothing, for trying expressions out."""

    async def create(self, content: bytes, *, name: str | None, content_type: str) -> Reference:
        """A reference as the cluster would give it."""
        metadata = {"fileName": name, "contentType": content_type, "size": len(content)}
        return {"camunda.document.type": "camunda", "storeId": "", "documentId": "", "metadata": metadata}

    def open(self, reference: DocumentReference) -> AbstractAsyncContextManager[Opened]:
        """Refuse: there is nothing."""
        raise DocumentNotFound(f"{reference} is made up.")

    async def link(self, reference: DocumentReference, *, valid_for: timedelta | None) -> str:
        """Refuse: there is nothing."""
        raise DocumentNotFound(f"{reference} is made up.")


def _example(code: str, details: Mapping[str, Any]) -> WorkerError:
    """An error as it would come, with its meaning for a message."""
    known = {error.code: error for error in every_error()}
    if code not in known:
        raise SettingsError(f"There is no error code {code}; known are {', '.join(sorted(known))}")
    return known[code](inspect.getdoc(known[code]) or "", details=details)


def settlement_rules(settings: Settings, redactor: Redactor, documents: DocumentStore) -> SettlementRules:
    """What holds for every task's settlement.

    Raises:
        SettingsError: there is no error with such a code.
    """
    try:
        bpmn_errors = bpmn_error_codes(",".join(settings.bpmn_errors), "ZEEBE_MAIL_BPMN_ERRORS")
    except InputError as error:
        raise SettingsError(error.message) from error
    return SettlementRules(
        redactor,
        result_limit_bytes=settings.result_limit_bytes,
        bpmn_errors=bpmn_errors,
        documents=documents,
    )


def backoff_policy(settings: Settings) -> Backoff:
    """How the waits of failed jobs grow."""
    return Backoff(first=settings.backoff, longest=settings.longest_backoff)


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        SettingsError: the file cannot be read or holds something else.
    """
    content = read_any_json(file)
    if not isinstance(content, dict):
        raise SettingsError(f"{file} must hold a JSON object of names and values")
    return content


def read_any_json(file: Path) -> Any:
    """JSON from a file.

    Raises:
        SettingsError: the file cannot be read or is not JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{file} is not JSON: {error}") from error
    except RecursionError as error:
        raise SettingsError(f"{file} is nested too deeply") from error
