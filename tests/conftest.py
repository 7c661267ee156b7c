"""Fixtures for every test: a clean environment, and the real servers of `tests/servers`.

Session fixtures are shared: a test may use `broker`, but it must not stop it, nor move its clock, nor count on being
alone (task types and process ids of its own, please). What a test breaks, it starts for itself: `start_broker`.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.parsers import Ical, PostalMime
from tests.servers import dovecot as dovecot_settings
from tests.servers.broker import Broker, BrokerOptions, Gateway, GivenBroker, needs_broker
from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.daemon import short_directory
from tests.servers.docker import Mailpit, camunda, mailpit
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import Lack, MailServerUnderTest
from tests.servers.memory_engine import MemoryEngine
from tests.servers.postfix import Postfix
from tests.servers.pymap import Pymap
from tests.servers.smtp_sink import SmtpSink
from zeebe_mail.demo.pki import Authority

GIVEN_ADDRESS = os.environ.get("ZEEBE_ADDRESS")
OUR_VARIABLES = ("ZEEBE_", "CAMUNDA_", "SECRET_", "SSL_CERT_", "OTEL_")

StartBroker = Callable[..., Broker]


def pytest_configure() -> None:
    """Commands that the tests start listen to Ctrl-C, also where a shell started the tests in its background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, secret or trust of the person who runs the tests reaches a test."""
    for name in list(os.environ):
        if name.startswith(OUR_VARIABLES):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def broker() -> Iterator[Gateway]:
    """The shared broker: `broker.address`. With ZEEBE_ADDRESS set, that one."""
    if GIVEN_ADDRESS:
        yield GivenBroker(GIVEN_ADDRESS)
        return
    needs_broker()
    with Broker(writes_start_cache=True) as shared:
        yield shared


@pytest.fixture
def start_broker() -> Iterator[StartBroker]:
    """Starts brokers of the test's own: `broker = start_broker(BrokerOptions(partitions=3))`. All end with the test.

    Their calls block: in an async test that must go on meanwhile, `await asyncio.to_thread(broker.restart)`.
    """
    needs_broker()
    with ExitStack() as brokers:
        yield lambda options=None: brokers.enter_context(Broker(options or BrokerOptions()))


@pytest.fixture(scope="session")
def memory_engine() -> Iterator[MemoryEngine]:
    """The shared in-memory engine of 8.8. To move the clock start one: `with MemoryEngine() as engine`."""
    with MemoryEngine() as shared:
        yield shared


@pytest.fixture(scope="session", params=["broker", "memory_engine", "docker"])
def every_engine(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Runs the test once on each engine that can be had here: the broker, the 8.8 engine, Camunda's current image."""
    if request.param == "docker":
        with camunda() as container:
            yield container
    else:
        yield request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def pki() -> Iterator[Authority]:
    """The certificate authority of all test servers: trust `pki.ca_file`, issue more with `pki.issue(...)`."""
    directory = short_directory("pki-")
    yield Authority(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def dovecot(pki: Authority) -> Iterator[Dovecot]:
    """The shared Dovecot: users `alice` and `bob` with the password `secret`."""
    with Dovecot(pki, users={"alice": "secret", "bob": "secret"}) as shared:
        yield shared


@pytest.fixture(scope="session")
def bare_dovecot(pki: Authority) -> Iterator[Dovecot]:
    """A Dovecot that announces only what no operation can do without, with everything below INBOX."""
    least = dovecot_settings.offering("UIDPLUS", "NAMESPACE")
    with Dovecot(pki, **least, **dovecot_settings.DOTS) as shared:
        shared.lacks = frozenset({Lack.MOVE, Lack.SORT, Lack.SPECIAL_USE, Lack.PUSH})
        yield shared


@pytest.fixture(scope="session")
def cyrus(pki: Authority) -> Iterator[Cyrus]:
    """The shared Cyrus; skipped where its packages cannot be had."""
    with Cyrus(pki) as shared:
        yield shared


@pytest.fixture(scope="session")
def courier() -> Iterator[Courier]:
    """The shared Courier; skipped where its packages cannot be had."""
    with Courier() as shared:
        yield shared


@pytest.fixture(scope="session")
def pymap(pki: Authority) -> Iterator[Pymap]:
    """The shared pymap, in this process."""
    with Pymap(pki) as shared:
        yield shared


@pytest.fixture(scope="session", params=["dovecot", "bare_dovecot", "cyrus", "courier", "pymap"])
def mail_server(request: pytest.FixtureRequest) -> MailServerUnderTest:
    """Runs the test once on each server that keeps mail."""
    server: MailServerUnderTest = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """The shared Postfix; it delivers to the shared Dovecot, domains `x.test` and `mail.test`."""
    with Postfix(dovecot) as shared:
        yield shared


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A sink of the test's own that keeps what it gets. For faults: `with SmtpSink("-r", "rcpt") as sink`."""
    with SmtpSink(keeps_mail=True) as sink:
        yield sink


@pytest.fixture(scope="session")
def postal_mime() -> Iterator[PostalMime]:
    """A parser of mails that is not written in Python; skipped where Node.js or the package is missing."""
    with PostalMime() as running:
        yield running


@pytest.fixture(scope="session")
def ical() -> Iterator[Ical]:
    """A parser of calendars that is not written in Python; skipped where Node.js or the package is missing."""
    with Ical() as running:
        yield running


@pytest.fixture(scope="session", name="mailpit")
def shared_mailpit() -> Iterator[Mailpit]:
    """Mailpit in Docker; skipped where no engine answers."""
    with mailpit() as shared:
        yield shared
