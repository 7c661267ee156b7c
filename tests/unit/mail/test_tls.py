"""Where a job's client certificate is put so that OpenSSL can read it."""

import os
import ssl
import tempfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from zeebe_mail.demo.pki import Authority
from zeebe_mail.errors import InputError
from zeebe_mail.mail.server import TlsOptions
from zeebe_mail.mail.tls import TlsPolicy, context


def no_memory(*_: Any) -> int:
    raise PermissionError(1, "Operation not permitted")


def no_folder(*_: Any, **__: Any) -> Any:
    raise FileNotFoundError(2, "No usable temporary directory found")


@pytest.fixture
def options(pki: Authority) -> TlsOptions:
    mine = pki.issue("job-client", for_client=True)
    return TlsOptions(client_certificate=mine.chain.read_text(), client_key=SecretStr(mine.key.read_text()))


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    context.cache_clear()


def test_a_client_certificate_needs_no_writable_folder(options: TlsOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", no_folder)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    assert isinstance(context(TlsPolicy(), options), ssl.SSLContext)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_without_files_in_memory_a_temporary_one_does(options: TlsOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "memfd_create", no_memory, raising=False)
    assert isinstance(context(TlsPolicy(), options), ssl.SSLContext)


def test_without_either_the_job_says_what_is_missing(options: TlsOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "memfd_create", no_memory, raising=False)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", no_folder)
    with pytest.raises(InputError, match=r"no place for server\.tls\.clientCertificate") as told:
        context(TlsPolicy(), options)
    assert "writable /tmp" in told.value.next_step
