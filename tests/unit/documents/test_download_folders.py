"""Where tasks may write files: into the allowed folders, never over another file, and never through a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeebe_mail.documents.download_folders import DownloadFolders
from zeebe_mail.errors import DocumentNotStored, FileNotAllowed


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    return folder


async def save(folder: Path, where: Path, content: bytes = b"one", name: str = "a.eml") -> str:
    return await DownloadFolders([folder]).save(str(where), name, content)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


async def test_folders_that_are_missing_are_made(allowed: Path) -> None:
    assert await save(allowed, allowed / "2026" / "01") == str(allowed / "2026" / "01" / "a.eml")
    assert await save(allowed, allowed) == str(allowed / "a.eml")
    assert contents(allowed) == {"2026/01/a.eml": b"one", "a.eml": b"one"}


async def test_another_file_keeps_its_name_and_the_same_one_is_not_written_twice(allowed: Path) -> None:
    paths = [await save(allowed, allowed, content) for content in (b"one", b"two", b"one", b"two", b"three")]
    assert [Path(path).name for path in paths] == ["a.eml", "a (2).eml", "a.eml", "a (2).eml", "a (3).eml"]
    assert contents(allowed) == {"a.eml": b"one", "a (2).eml": b"two", "a (3).eml": b"three"}


async def test_a_name_without_extension_gets_its_number_too(allowed: Path) -> None:
    await save(allowed, allowed, b"one", "a")
    assert await save(allowed, allowed, b"two", "a") == str(allowed / "a (2)")


async def test_nothing_is_written_elsewhere(allowed: Path, tmp_path: Path) -> None:
    (allowed / "out").symlink_to(tmp_path)
    for where in (tmp_path, tmp_path / "allowed-not", allowed / "out", allowed / "out" / "deeper"):
        with pytest.raises(FileNotAllowed, match="ZEEBE_MAIL_DOWNLOAD_DIRS"):
            await save(allowed, where)
    with pytest.raises(FileNotAllowed, match="writes no files"):
        await DownloadFolders().save(str(allowed), "a.eml", b"one")
    assert contents(tmp_path) == {}


async def test_a_link_inside_the_folder_may_lead_to_another_place_inside(allowed: Path) -> None:
    (allowed / "real").mkdir()
    (allowed / "link").symlink_to(allowed / "real")
    assert await save(allowed, allowed / "link") == str(allowed / "real" / "a.eml")


async def test_links_and_folders_in_the_place_of_the_file_are_left_alone(allowed: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"one")
    (allowed / "a.eml").symlink_to(tmp_path / "secret")
    (allowed / "a (2).eml").mkdir()
    assert await save(allowed, allowed) == str(allowed / "a (3).eml")
    assert (tmp_path / "secret").read_bytes() == b"one"


async def test_a_file_in_the_way_is_no_folder(allowed: Path) -> None:
    (allowed / "file").write_bytes(b"")
    with pytest.raises(FileNotAllowed, match="leads through a link or a file"):
        await save(allowed, allowed / "file" / "deeper")


async def test_what_cannot_be_written_leaves_nothing_behind(allowed: Path) -> None:
    with pytest.raises(DocumentNotStored, match="was not written"):
        await save(allowed, allowed, name="n" * 300)
    assert contents(allowed) == {}
