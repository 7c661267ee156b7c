"""The commands as people type them: what they print, and how they end, for good and bad input."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.worker import SOURCES, mail
from tests.servers.dovecot import Dovecot
from tests.servers.stalling_smtp import StallingSmtp
from zeebe_mail.demo.engine import free_ports
from zeebe_mail.telemetry.metrics import Metrics
from zeebe_mail.telemetry.probes import Probes

ROOT = SOURCES.parent
EXAMPLE = ROOT / "bpmn-examples" / "send-mail.bpmn"


class Ended:
    """A command that has ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def all(self) -> str:
        return self.out + self.err


def typed(*arguments: str, **settings: str) -> Ended:
    """Run a command in a process of its own; a traceback is never an answer."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "COLUMNS": "200", **settings}
    command = [sys.executable, "-m", "zeebe_mail", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    ended = Ended(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in ended.all, ended.all
    return ended


async def meanwhile(*arguments: str, **settings: str) -> Ended:
    """The same while servers of this process answer."""
    return await asyncio.to_thread(lambda: typed(*arguments, **settings))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], str]:
    """Writes something as a JSON file, text as it is."""

    def written(content: Any) -> str:
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(file)

    return written


@pytest.fixture
async def smtp() -> AsyncIterator[StallingSmtp]:
    async with StallingSmtp() as server:
        yield server


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    (port,) = free_ports(1)
    return f"127.0.0.1:{port}"


@pytest.fixture
def chatterbox() -> Iterator[int]:
    """A port where something answers that is neither HTTP nor SMTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"SSH-2.0-nothing for you\r\n")
                    connection.recv(1000)

        threading.Thread(target=talk, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


# ── exec ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_exec_sends_a_mail_and_prints_the_outcome(smtp: StallingSmtp, write: Callable[[Any], str]) -> None:
    files = ("--variables", write(mail(smtp.port)), "--headers", write({"resultVariable": "sent"}))
    ended = await meanwhile("exec", "mail:smtp-send:1", *files)
    assert ended.code == 0, ended.all
    outcome = json.loads(ended.out)
    assert outcome["outcome"] == "Complete"
    assert outcome["variables"]["sent"]["accepted"] == ["b@x.test"]
    assert len(smtp.mails) == 1


async def test_exec_shows_the_whole_result_where_no_headers_are_given(
    smtp: StallingSmtp, write: Callable[[Any], str]
) -> None:
    ended = await meanwhile("exec", "mail:smtp-send:1", "--variables", write(mail(smtp.port)))
    assert json.loads(ended.out)["variables"]["result"]["accepted"] == ["b@x.test"]


async def test_exec_shows_the_whole_settlement_of_a_real_job_and_of_a_trial_alike(
    smtp: StallingSmtp, write: Callable[[Any], str]
) -> None:
    expressions = {"resultExpression": "={to: accepted, id: mesageId}", "errorExpression": '=bpmnError("X", to[1])'}
    headers = ("--headers", write(expressions))
    real = await meanwhile("exec", "mail:smtp-send:1", "--variables", write(mail(smtp.port)), *headers)
    trial = typed("exec", "--response", write({"accepted": ["b@x.test"]}), *headers)
    assert len(smtp.mails) == 1
    for ended in (real, trial):
        assert ended.code == 1, ended.all
        shown = json.loads(ended.out)
        assert (shown["outcome"], shown["code"], shown["message"]) == ("ThrowError", "X", "b@x.test")
        assert shown["resultMapping"] == {"to": ["b@x.test"], "id": None}
        assert shown["errorMapping"] == {"errorType": "bpmnError", "errorCode": "X", "errorMessage": "b@x.test"}
        assert len(shown["warnings"]) == 1
        assert "mesageId" in shown["warnings"][0]
    assert json.loads(real.out).keys() == json.loads(trial.out).keys()


async def test_a_password_that_is_a_common_word_breaks_no_address(write: Callable[[Any], str]) -> None:
    async with StallingSmtp(password="test", echoes=True) as server:
        job = mail(server.port, auth={"type": "password", "username": "test@x.test", "password": "test"})
        job["request"] |= {"from": "test@x.test"}
        files = ("--variables", write(job), "--headers", write({"resultVariable": "sent"}))
        ended = await meanwhile("exec", "mail:smtp-send:1", *files)
    assert ended.code == 0, ended.all
    sent = json.loads(ended.out)["variables"]["sent"]
    assert sent["envelope"] == {"from": "test@x.test", "to": ["b@x.test"]}
    assert sent["messageId"].endswith("@x.test>")
    assert "from *** who said" in sent["response"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "is missing"),
        ({"server": {"host": "h", "port": True}}, '"Port" (server.port) must be a number'),
        ({"request": {"headers": {"X-A\r\nBcc": "x"}}}, "X-A\\\\r\\\\nBcc"),
        ({"auth": {"type": "password", "username": "u", "password": "{{secret.X}}"}}, "malformed reference"),
    ],
)
def test_exec_says_what_is_wrong_with_a_job(write: Callable[[Any], str], variables: Any, said: str) -> None:
    ended = typed("exec", "mail:smtp-send:1", "--variables", write(variables))
    assert ended.code == 1
    assert json.loads(ended.out)["code"] == "INVALID_INPUT"
    assert said in json.dumps(json.loads(ended.out)["message"])[1:-1].replace('\\"', '"')


def test_exec_refuses_what_is_nested_too_deeply(write: Callable[[Any], str]) -> None:
    lists = "[" * 900 + "]" * 900
    ended = typed("exec", "mail:smtp-send:1", "--variables", write(f'{{"request": {{"text": {lists}}}}}'))
    assert (ended.code, json.loads(ended.out)["code"]) == (1, "INVALID_INPUT")
    assert "nested too deeply" in json.loads(ended.out)["message"]
    assert len(ended.all) < 3000
    ended = typed("exec", "mail:smtp-send:1", "--variables", write('{"a":' + "[" * 5000 + "]" * 5000 + "}"))
    assert ended.code == 2
    assert "nested too deeply" in ended.err


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        *((option, None, "No such file") for option in ("--variables", "--headers", "--response")),
        *((option, "{oops", "is not JSON") for option in ("--variables", "--headers", "--response")),
        *((option, "[1]", "JSON object") for option in ("--variables", "--headers")),
    ],
)
def test_exec_names_a_file_that_it_cannot_use(
    write: Callable[[Any], str], option: str, content: str | None, said: str
) -> None:
    files = {"--variables": write({}), option: write(content) if content else "/nope"}
    ended = typed("exec", "mail:smtp-send:1", *(part for pair in files.items() for part in pair))
    assert ended.code == 2
    assert ended.err.startswith(f"zeebe-mail: {files[option]}")
    assert said in ended.err


def test_exec_without_mail_evaluates_expressions(write: Callable[[Any], str]) -> None:
    headers = write(
        {"resultExpression": "={id: messageId}", "errorExpression": "=bpmnError(error.code, error.message)"}
    )
    ended = typed("exec", "--headers", headers, "--error", "SERVER_BUSY")
    assert (ended.code, json.loads(ended.out)["code"]) == (1, "SERVER_BUSY")
    ended = typed(
        "exec", "--headers", write({"resultExpression": "={id: messageId}"}), "--response", write({"messageId": "<1>"})
    )
    assert (ended.code, json.loads(ended.out)["variables"]) == (0, {"id": "<1>"})


def test_exec_tries_expressions_with_retries_details_and_lists(write: Callable[[Any], str]) -> None:
    expression = '=bpmnError("R" + string(job.retries), string join(error.details.rejected, ","), {})'
    details = write({"rejected": ["a@x.test", "b@x.test"]})
    headers = write({"errorExpression": expression})
    ended = typed(
        "exec", "--headers", headers, "--error", "RECIPIENTS_REFUSED", "--error-details", details, "--retries", "7"
    )
    told = json.loads(ended.out)
    assert (told["outcome"], told["code"], told["message"]) == ("ThrowError", "R7", "a@x.test,b@x.test")
    slow = write({"resultExpression": "={n: count(response), m: count(for i in 1..100000 return i)}"})
    ended = typed("exec", "--headers", slow, "--response", write([1, 2]))
    assert json.loads(ended.out)["variables"] == {"n": 2, "m": 100_000}
    ended = typed("exec", "--headers", write({"bpmnErrors": True}), "--error", "SERVER_BUSY")
    assert json.loads(ended.out)["outcome"] == "ThrowError"
    assert typed("exec", "--error", "SERVER_BUSY", "--response", details).code == 2


def test_exec_names_what_is_not_known(write: Callable[[Any], str]) -> None:
    assert 'No task type matches "mail:nope:1"' in typed("exec", "mail:nope:1", "--variables", write({})).err
    assert "There is no error code NOPE" in typed("exec", "--error", "NOPE").err
    assert typed("exec").code == 2


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_check_says_when_nobody_is_there(nobody: str) -> None:
    ended = typed("check", ZEEBE_ADDRESS=nobody)
    assert ended.code == 1
    assert "✓ settings" in ended.out
    assert "✗ gateway" in ended.out
    assert "refused" in ended.out


def test_check_says_when_all_mail_is_redirected(nobody: str) -> None:
    ended = typed("check", ZEEBE_ADDRESS=nobody, ZEEBE_MAIL_REDIRECT_ALL_TO="qa@x.test, lead@x.test")
    assert "all mail goes to qa@x.test, lead@x.test instead" in ended.out
    assert "instead" not in typed("check", ZEEBE_ADDRESS=nobody).out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ZEEBE_MAIL_TLS_MINIMUM": "TLSv1.3", "ZEEBE_MAIL_TLS_MAXIMUM": "TLSv1.2"}, "must not be newer"),
        ({"ZEEBE_MAIL_SECRETS_DIR": "/nope"}, "ZEEBE_MAIL_SECRETS_DIR: must be the path of a folder"),
        ({"ZEEBE_MAIL_CA_FILE": __file__}, "ZEEBE_MAIL_CA_FILE, "),
        ({"ZEEBE_CA_CERTIFICATE_PATH": __file__}, "ZEEBE_CA_CERTIFICATE_PATH holds no certificates"),
        ({"ZEEBE_AUTHORIZATION_SERVER_URL": "https://[::::]/x"}, "ZEEBE_AUTHORIZATION_SERVER_URL: must be a URL"),
        ({"ZEEBE_ADDRESS": "zeebe:99999"}, "ZEEBE_ADDRESS: must be host:port"),
        ({"ZEEBE_MAIL_NOPE": "1"}, "ZEEBE_MAIL_NOPE: unknown setting"),
        ({"ZEEBE_MAIL_DENIED_RECIPIENTS": "x.test"}, 'ZEEBE_MAIL_DENIED_RECIPIENTS: "x.test" is no address'),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_check_and_run_stumble_over_the_same_settings(command: str, settings: dict[str, str], said: str) -> None:
    oauth = {"ZEEBE_CLIENT_ID": "me", "ZEEBE_CLIENT_SECRET": "s", "ZEEBE_AUTHORIZATION_SERVER_URL": "https://x.test/t"}
    ended = typed(command, **{"ZEEBE_ADDRESS": "https://127.0.0.1:1", **oauth, **settings})
    assert ended.code == 2, ended.all
    assert said in ended.err
    assert "✓ settings" not in ended.out


async def test_check_of_a_mail_server_without_encryption(smtp: StallingSmtp) -> None:
    ended = await meanwhile(
        "check", "--server", f"127.0.0.1:{smtp.port}", "--security", "NONE", ZEEBE_MAIL_HELO_NAME="worker.x.test"
    )
    assert ended.code == 0, ended.all
    assert [line[:14].split()[1] for line in ended.out.splitlines()] == ["DNS", "TCP", "capabilities"]
    assert b"EHLO worker.x.test\r\n" in smtp.seen


@pytest.mark.parametrize(("security", "failed"), [("STARTTLS", "capabilities"), ("SSL_TLS", "TLS")])
async def test_check_never_says_encrypted_when_nothing_is(chatterbox: int, security: str, failed: str) -> None:
    ended = await meanwhile("check", "--server", f"127.0.0.1:{chatterbox}", "--security", security)
    assert ended.code == 1
    assert f"✗ {failed}" in ended.out
    assert "✓ TLS" not in ended.out


async def test_check_blames_a_missing_starttls(smtp: StallingSmtp) -> None:
    ended = await meanwhile("check", "--server", f"smtp://127.0.0.1:{smtp.port}")
    assert ended.code == 1
    assert "✗ TLS" in ended.out
    assert "does not offer STARTTLS" in ended.out


def test_check_of_a_mail_server_blames_settings_and_not_the_connection(nobody: str) -> None:
    ended = typed("check", "--server", nobody, ZEEBE_MAIL_CA_FILE=__file__)
    assert ended.code == 2
    assert "ZEEBE_MAIL_CA_FILE" in ended.err
    assert "✗ TCP" not in ended.out


@pytest.fixture
def dovecot_settings(dovecot: Dovecot) -> dict[str, str]:
    return {"ZEEBE_MAIL_CA_FILE": str(dovecot.authority.ca_file), "SECRET_BOX": dovecot.users["alice"]}


@pytest.mark.live
@pytest.mark.parametrize("scheme", ["imap", "imaps"])
def test_check_of_an_imap_server_lists_its_mailboxes(
    dovecot: Dovecot, dovecot_settings: dict[str, str], scheme: str
) -> None:
    where = f"{scheme}://localhost:{getattr(dovecot, scheme)}"
    ended = typed("check", "--server", where, "--user", "alice", "--password-secret", "BOX", **dovecot_settings)
    assert ended.code == 0, ended.all
    steps = [line.split()[1] for line in ended.out.splitlines()]
    assert steps[:5] == ["DNS", "TCP", "TLS", "capabilities", "AUTH"]
    assert set(steps[5:]) == {"mailbox"}
    assert "certificate valid until" in ended.out
    assert "IMAP4REV1" in ended.out
    assert re.search(r"INBOX: \d+ message\(s\), \d+ unseen", ended.out)
    assert "Sent [sent]: 0 message(s)" in ended.out


@pytest.mark.live
@pytest.mark.parametrize("scheme", ["pop3", "pop3s"])
def test_check_of_a_pop3_server_counts_its_messages(
    dovecot: Dovecot, dovecot_settings: dict[str, str], scheme: str
) -> None:
    where = f"{scheme}://localhost:{getattr(dovecot, scheme)}"
    ended = typed("check", "--server", where, "--user", "alice", "--password-secret", "BOX", **dovecot_settings)
    assert ended.code == 0, ended.all
    assert [line.split()[1] for line in ended.out.splitlines()] == [
        "DNS",
        "TCP",
        "TLS",
        "capabilities",
        "AUTH",
        "mailbox",
    ]
    assert "UIDL" in ended.out
    assert re.search(r"\d+ message\(s\), \d+ bytes", ended.out)


@pytest.mark.live
@pytest.mark.parametrize("scheme", ["imaps", "pop3s"])
def test_check_without_a_user_stops_at_what_the_server_offers(
    dovecot: Dovecot, dovecot_settings: dict[str, str], scheme: str
) -> None:
    ended = typed("check", "--server", f"{scheme}://localhost:{getattr(dovecot, scheme)}", **dovecot_settings)
    assert ended.code == 0, ended.all
    assert [line.split()[1] for line in ended.out.splitlines()] == ["DNS", "TCP", "TLS", "capabilities"]


@pytest.mark.live
@pytest.mark.parametrize("scheme", ["imaps", "pop3s"])
def test_check_with_a_wrong_password_fails_at_the_login(
    dovecot: Dovecot, dovecot_settings: dict[str, str], scheme: str
) -> None:
    where = f"{scheme}://localhost:{getattr(dovecot, scheme)}"
    settings = dovecot_settings | {"SECRET_BOX": "wr0ng-passw0rd"}
    ended = typed("check", "--server", where, "--user", "alice", "--password-secret", "BOX", **settings)
    assert ended.code == 1
    assert "✗ AUTH" in ended.out
    assert "wr0ng" not in ended.all


def test_check_says_that_a_server_may_not_be_used(nobody: str) -> None:
    ended = typed("check", "--server", f"imap://{nobody}", ZEEBE_MAIL_DENIED_HOSTS="127.0.0.0/8")
    assert ended.code == 1
    assert "✗ DNS" in ended.out
    assert "ZEEBE_MAIL_DENIED_HOSTS" in ended.out


@pytest.mark.parametrize("server", ["http://mail.example.org", "nntp://mail.example.org:119"])
def test_check_knows_the_protocols_of_mail_only(server: str) -> None:
    ended = typed("check", "--server", server)
    assert ended.code == 2
    assert "imaps://host" in ended.err


def test_check_names_options_that_cannot_be(nobody: str) -> None:
    ended = typed("check", "--server", nobody, "--user", "a\nb")
    assert ended.code == 2
    assert "--user" in ended.err
    assert "control characters" in ended.err
    assert "--server" in typed("check", "--server", "host:0").err
    ended = typed("check", "--server", nobody, "--user", "me", "--password-secret", "NOPE")
    assert ended.code == 2
    assert 'Secret "NOPE" is not available' in ended.err


# ── deploy, health, generate ─────────────────────────────────────────────────────────────────────────────────────


def test_deploy_says_at_once_that_nobody_is_there(nobody: str) -> None:
    ended = typed("deploy", str(EXAMPLE), ZEEBE_ADDRESS=nobody)
    assert ended.code == 2
    assert f"The gateway at {nobody} cannot be used" in ended.err
    assert "refused" in ended.err


def test_deploy_names_a_file_that_is_not_there() -> None:
    ended = typed("deploy", "/nope.bpmn")
    assert ended.code == 2
    assert "/nope.bpmn" in ended.err


@pytest.mark.live
def test_check_and_deploy_with_a_broker(broker: Any, tmp_path: Path) -> None:
    ended = typed("check", ZEEBE_ADDRESS=broker.address)
    assert ended.code == 0, ended.all
    assert "✓ partitions" in ended.out
    ended = typed("deploy", str(EXAMPLE), ZEEBE_ADDRESS=broker.address)
    assert ended.code == 0, ended.all
    assert "version" in ended.out
    bad = tmp_path / "bad.bpmn"
    bad.write_text("<no/>")
    ended = typed("deploy", str(bad), ZEEBE_ADDRESS=broker.address)
    assert ended.code == 2
    assert "The engine refused the files" in ended.err


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_health_asks_the_worker_and_no_proxy(host: str, nobody: str) -> None:
    metrics = Metrics(lambda: {"leased": 0, "idle": 0, "waiting": 0})
    server = Probes(metrics).serve(host, 0)
    settings = {"ZEEBE_MAIL_HTTP_PORT": str(server.server_port), "ZEEBE_MAIL_HTTP_HOST": host}
    settings |= {"http_proxy": f"http://{nobody}"}
    try:
        assert typed("health", "--live", **settings).code == 0
        starting = typed("health", **settings)
        assert (starting.code, json.loads(starting.out)["status"]) == (1, "down")
        metrics.source_alive("poll t")
        ready = typed("health", **settings)
        assert (ready.code, json.loads(ready.out)["status"]) == (0, "up")
    finally:
        server.shutdown()
        server.server_close()


def test_health_says_when_no_worker_is_there(chatterbox: int, nobody: str) -> None:
    for port, why in ((nobody.rpartition(":")[2], "refused"), (str(chatterbox), "something else is there")):
        ended = typed("health", ZEEBE_MAIL_HTTP_PORT=port)
        assert ended.code == 1
        assert ended.out.startswith(f"No worker answers on port {port}")
        assert why in ended.out


def test_an_address_of_another_machine_is_blamed_and_not_the_port(nobody: str) -> None:
    for host in ("192.0.2.1", "nope.invalid"):
        ended = typed("run", ZEEBE_ADDRESS=nobody, ZEEBE_MAIL_HTTP_HOST=host)
        assert ended.code == 2
        assert "zeebe-mail: ZEEBE_MAIL_HTTP_HOST: is no address of this machine" in ended.err


def test_generated_pages_are_current_and_old_ones_are_named(tmp_path: Path) -> None:
    assert typed("generate", "--check", "--root", str(ROOT)).code == 0
    ended = typed("generate", "--check", "--root", str(tmp_path))
    assert ended.code == 1
    assert ended.out.startswith("not current: ")
    assert list(tmp_path.iterdir()) == []
    assert typed("generate", "--root", str(tmp_path)).code == 0
    assert typed("generate", "--check", "--root", str(tmp_path)).code == 0


def test_element_templates_are_those_of_the_repository_and_link_the_documentation_that_is_named(tmp_path: Path) -> None:
    assert typed("templates", "--out", str(tmp_path / "new")).code == 0
    written = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "new").iterdir()}
    assert written == {
        file.name: file.read_text(encoding="utf-8") for file in (ROOT / "element-templates").glob("*.json")
    }
    assert typed("templates", "--out", str(tmp_path), "--docs", "https://docs.example.org/mail/").code == 0
    linked = [json.loads(file.read_text(encoding="utf-8"))["documentationRef"] for file in tmp_path.glob("*.json")]
    assert "https://docs.example.org/mail/operations/smtp-send.md" in linked
    assert all((ROOT / "docs" / link.removeprefix("https://docs.example.org/mail/")).is_file() for link in linked)


def test_a_template_or_page_of_an_operation_that_is_no_more_is_named_and_removed(tmp_path: Path) -> None:
    old = tmp_path / "element-templates" / "fax-send.json"
    old.parent.mkdir()
    old.touch()
    assert f"not generated any more: {old}" in typed("generate", "--check", "--root", str(tmp_path)).out
    assert typed("generate", "--root", str(tmp_path)).code == 0
    assert not old.exists()
