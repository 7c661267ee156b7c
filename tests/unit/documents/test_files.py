"""Which files of this machine a mail may carry: those in the allowed folders, whatever way they are named."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from tests.unit.documents.reading import content
from zeebe_mail.documents.files import Files, local_path
from zeebe_mail.errors import FileMissing, FileNotAllowed

SECRET = b"root:x:0:0"


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_bytes(b"allowed")
    (tmp_path / "secret.txt").write_bytes(SECRET)
    return folder


async def read(folder: Path, path: Path | str) -> bytes:
    return await content(Files([folder]).open(local_path(str(path))))


async def test_a_file_is_read_with_its_name_and_size(allowed: Path) -> None:
    async with Files([allowed]).open(str(allowed / "sub" / "a.txt")) as opened:
        assert (opened.name, opened.size) == ("a.txt", 7)
    assert await read(allowed, allowed / "sub" / "a.txt") == b"allowed"


async def test_a_large_file_comes_whole(allowed: Path) -> None:
    data = os.urandom(1_000_003)
    (allowed / "large").write_bytes(data)
    assert await read(allowed, allowed / "large") == data


async def test_without_allowed_folders_there_are_no_files(allowed: Path) -> None:
    with pytest.raises(FileNotAllowed, match="reads no files"):
        await content(Files().open(str(allowed / "sub" / "a.txt")))


async def test_a_file_outside_is_refused_whether_it_is_there_or_not(allowed: Path) -> None:
    for outside in (allowed.parent / "secret.txt", allowed.parent / "none", Path("/etc/passwd"), allowed.parent):
        with pytest.raises(FileNotAllowed, match="none of the allowed folders"):
            await read(allowed, outside)


async def test_a_folder_whose_name_begins_alike_is_another(allowed: Path) -> None:
    neighbour = allowed.with_name("allowed-not")
    neighbour.mkdir()
    (neighbour / "a.txt").write_bytes(SECRET)
    with pytest.raises(FileNotAllowed):
        await read(allowed, neighbour / "a.txt")


async def test_a_link_inside_leads_on_inside_and_not_out(allowed: Path) -> None:
    (allowed / "inside").symlink_to("sub/a.txt")
    (allowed / "outside").symlink_to("../secret.txt")
    (allowed / "absolute").symlink_to("/etc/passwd")
    (allowed / "folder").symlink_to("..")
    (allowed / "loop").symlink_to("loop")
    assert await read(allowed, allowed / "inside") == b"allowed"
    for way in ("outside", "absolute", "folder/secret.txt", "loop"):
        with pytest.raises(FileNotAllowed):
            await read(allowed, allowed / way)


async def test_what_is_missing_or_not_readable_is_told(allowed: Path) -> None:
    with pytest.raises(FileMissing, match="There is no file"):
        await read(allowed, allowed / "sub" / "none.txt")
    with pytest.raises(FileMissing, match="There is no file"):
        await read(allowed, allowed / "none" / "a.txt")
    if os.geteuid():
        (allowed / "closed").write_bytes(b"")
        (allowed / "closed").chmod(0)
        with pytest.raises(FileMissing, match="cannot be read"):
            await read(allowed, allowed / "closed")


async def test_what_is_no_file_is_refused_and_never_waited_for(allowed: Path) -> None:
    os.mkfifo(allowed / "fifo")
    names = ["fifo", "sub", "."]
    if not os.geteuid():
        os.mknod(allowed / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        names.append("zero")
    for name in names:
        with pytest.raises(FileNotAllowed):
            await read(allowed, allowed / name)
    with pytest.raises(FileNotAllowed):
        await read(allowed, allowed / "sub" / "a.txt" / "below")


async def test_a_folder_that_is_swapped_for_a_link_gains_nothing(allowed: Path) -> None:
    """Somebody swaps a folder for a link that leads out, and back, while files below it are read."""
    outside = allowed.parent / "outside"
    outside.mkdir()
    (outside / "a.txt").write_bytes(SECRET)
    way, link, folder = allowed / "way", allowed / "link", allowed / "folder"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"allowed")
    link.symlink_to(outside)
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for other in (folder, link):
                other.rename(way)
                way.rename(other)

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen: set[bytes | str] = set()
    try:
        for _ in range(3000):
            try:
                seen.add(await read(allowed, way / "a.txt"))
            except (FileNotAllowed, FileMissing) as refused:
                seen.add(refused.code)
    finally:
        ended.set()
        swapping.join()
    assert SECRET not in seen
    assert "FILE_NOT_ALLOWED" in seen


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/srv/a.pdf", "/srv/a.pdf"),
        ("file:///srv/a%20b.pdf", "/srv/a b.pdf"),
        ("file:/srv/a.pdf", "/srv/a.pdf"),
        ("FILE://localhost/srv/gr%C3%B6%C3%9Fe.pdf", "/srv/größe.pdf"),
        ("/srv/%2e%2e/a.pdf", "/srv/%2e%2e/a.pdf"),
    ],
)
def test_a_path_and_a_file_uri_are_the_same(written: str, path: str) -> None:
    assert local_path(written) == path


@pytest.mark.parametrize(
    "written",
    [
        "a.pdf", "./a.pdf", "../a.pdf", "/srv/../etc/passwd", "/srv/..", "file:///srv/%2e%2e/etc/passwd",
        "file:///srv/%2E./etc/passwd", "file:///srv%2f..%2fetc/passwd", "//host/share/a", "file:////host/share/a",
        "file://host/share/a", r"\\host\share\a", r"C:\a.pdf", "/srv/a\0.pdf", "/srv/a\n.pdf", "file:///srv/a%00.pdf",
        "file:///srv/a%0a.pdf", "file:///srv/a?b", "file:///srv/a#b", "file:a", "", "~/a.pdf", "file:///srv/%ff",
    ],
)  # fmt: skip
def test_what_is_no_path_of_this_machine_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"must|codec"):
        local_path(written)
