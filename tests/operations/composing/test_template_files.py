"""The files that a mail template brings: which go with a mail, beside which of the task's, and none from outside."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.desks import desk
from zeebe_mail import errors
from zeebe_mail.auth.models import NoAuth
from zeebe_mail.documents.sources import Limits, Sources
from zeebe_mail.documents.template_files import TemplateFiles
from zeebe_mail.jobs.validate import validate
from zeebe_mail.message.content import Attachment
from zeebe_mail.message.renderer import Renderer
from zeebe_mail.operations.base import Desk
from zeebe_mail.operations.composing.letter import LetterRequest, letter

SECRET = b"hunter2"
FILES = {
    "text.txt.j2": b"Hi",
    "html.html.j2": b'<img src="cid:logo.png">',
    "attachments/terms.pdf": b"%PDF terms",
    "attachments/hints.txt": b"hints",
    "attachments/.DS_Store": b"x",
    "inline/logo.png": b"logo",
    "inline/other.png": b"other",
    "de/text.txt.j2": b"Hallo",
    "de/attachments/terms.pdf": b"%PDF AGB",
    "de/attachments/Widerruf.txt": b"Widerruf",
    "de/html.html.j2": b'<img src="cid:logo.png"><img src="cid:flag.png">',
    "de/inline/flag.png": b"black red gold",
    "de-AT/inline/flag.png": b"red white red",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with one template, and a secret beside it."""
    root = tmp_path / "templates"
    for name, content in FILES.items():
        file = root / "order" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    return root


@pytest.fixture
async def here(root: Path) -> AsyncIterator[Desk]:
    """A worker with that directory."""
    renderer = Renderer(root, children=1)
    yield desk(renderer=renderer, sources=Sources(template_files=TemplateFiles(root)))
    await renderer.aclose()


async def parts(at: Desk, *attachments: Any, locale: str | None = None, **request: Any) -> list[Attachment]:
    """What a mail of the template carries."""
    asked = validate(
        LetterRequest,
        {
            "from": "shop@example.org",
            "to": "bob@example.org",
            "template": {"name": "order", "locale": locale},
            "attachments": list(attachments),
            **request,
        },
    )
    try:
        async with letter(asked, NoAuth(), at, token="1") as message:
            return list(message.draft.attachments)
    finally:
        assert at.sources.budget.held == 0


async def named(at: Desk, *attachments: Any, **request: Any) -> list[tuple[str, bytes]]:
    return [(part.name, part.data) for part in await parts(at, *attachments, **request)]


LOGO = ("logo.png", b"logo")
HINTS = ("hints.txt", b"hints")
TERMS = ("terms.pdf", b"%PDF terms")


async def test_the_files_of_a_template_come_after_those_of_the_task_and_a_clash_keeps_both(here: Desk) -> None:
    own = {"name": "terms.pdf", "text": "of the task"}
    assert await named(here, own) == [("terms.pdf", b"of the task"), LOGO, HINTS, TERMS]


async def test_they_are_what_their_names_say(here: Desk) -> None:
    logo, hints, terms = await parts(here)
    assert (logo.content_type, logo.content_id, logo.inline) == ("image/png", "logo.png", True)
    assert (hints.content_type, hints.content_id, hints.inline) == ("text/plain", None, False)
    assert (terms.content_type, terms.inline) == ("application/pdf", False)


@pytest.mark.parametrize(("locale", "flag"), [("de", b"black red gold"), ("de-AT", b"red white red")])
async def test_each_is_looked_for_in_the_locale_first(here: Desk, locale: str, flag: bytes) -> None:
    assert await named(here, locale=locale) == [
        ("flag.png", flag),
        LOGO,
        ("Widerruf.txt", b"Widerruf"),
        HINTS,
        ("terms.pdf", b"%PDF AGB"),
    ]


async def test_a_picture_goes_only_where_the_templates_html_shows_it(here: Desk) -> None:
    assert LOGO not in await named(here, html="<p>Own</p>")
    assert ("flag.png", b"black red gold") not in await named(here)
    with pytest.raises(errors.InlinePartMissing):
        await parts(here, html='<img src="cid:logo.png">')


async def test_a_file_that_only_has_the_name_of_a_picture_does_not_replace_it(here: Desk) -> None:
    own, logo, *_ = await parts(here, {"name": "logo.png", "text": "a customer's"})
    assert (own.data, own.inline, own.content_id) == (b"a customer's", False, None)
    assert (logo.data, logo.inline, logo.content_id) == (b"logo", True, "logo.png")


async def test_a_file_with_the_content_id_of_a_picture_does(here: Desk) -> None:
    own, *others = await parts(here, {"name": "new.png", "text": "new", "contentId": "logo.png"})
    assert (own.data, own.inline) == (b"new", True)
    assert [part.name for part in others] == ["hints.txt", "terms.pdf"]


async def test_the_same_limits_hold(here: Desk) -> None:
    for limits, setting in ((Limits(9, 100), "ATTACHMENT_LIMIT"), (Limits(50, 19), "ATTACHMENTS_LIMIT")):
        at = replace(here, sources=replace(here.sources, limits=limits))
        with pytest.raises(errors.AttachmentTooLarge, match=rf'"terms.pdf".*ZEEBE_MAIL_{setting}_BYTES'):
            await parts(at, {"name": "a.txt", "text": "a"})


async def test_room_for_them_is_taken_until_the_mail_is_sent(here: Desk) -> None:
    asked = validate(LetterRequest, {"from": "a@x.org", "to": "b@x.org", "template": {"name": "order"}})
    async with letter(asked, NoAuth(), here, token="1"):
        assert here.sources.budget.held == len(b"logo" + b"hints" + b"%PDF terms")


async def test_a_task_names_none_itself(here: Desk) -> None:
    for own in ({"path": "order/attachments/terms.pdf"}, {"text": "a", "path": "order/attachments/terms.pdf"}):
        with pytest.raises(errors.InputError):
            await parts(here, own)


async def test_links_within_the_directory_are_followed(here: Desk, root: Path) -> None:
    """Also that of Kubernetes, which mounts a ConfigMap so."""
    (root / "shared").mkdir()
    (root / "shared" / "logo.png").write_bytes(b"of all")
    (root / "order" / "inline" / "logo.png").unlink()
    (root / "order" / "inline" / "logo.png").symlink_to("../../shared/logo.png")
    assert ("logo.png", b"of all") in await named(here)
    (root / "..1").mkdir()
    (root / "order").rename(root / "..1" / "order")
    (root / "..data").symlink_to("..1")
    (root / "order").symlink_to("..data/order")
    (root / "..1" / "shared").symlink_to("../shared")
    assert await named(here) == [("logo.png", b"of all"), HINTS, TERMS]


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("../../../secret.txt", errors.FileNotAllowed),
        ("/etc/passwd", errors.FileNotAllowed),
        ("..", errors.FileNotAllowed),
        ("loop", errors.FileNotAllowed),
        ("nowhere", errors.FileMissing),
        (None, errors.FileNotAllowed),
    ],
)
async def test_no_file_leads_out_of_the_directory(
    here: Desk, root: Path, target: str | None, error: type[errors.WorkerError]
) -> None:
    """``None`` is a pipe, for which nobody waits."""
    file = root / "order" / "attachments" / "loop"
    if target is None:
        os.mkfifo(file)
    else:
        file.symlink_to(target)
    with pytest.raises(error) as caught:
        await parts(here)
    assert '"order/attachments/loop"' in caught.value.message
    assert "ZEEBE_MAIL_TEMPLATES_DIR" in caught.value.next_step
    assert str(root) not in str(caught.value)


async def test_no_folder_leads_out_of_the_directory(here: Desk, root: Path) -> None:
    (root / "order" / "inline").rename(root / "order" / "kept")
    (root / "order" / "inline").symlink_to("../..")
    (root.parent / "logo.png").write_bytes(SECRET)
    with pytest.raises(errors.FileNotAllowed, match=r"order/inline/logo\.png"):
        await parts(here)


async def test_a_folder_that_cannot_be_read_is_no_empty_one(here: Desk, root: Path) -> None:
    (root / "order" / "de-AT" / "attachments").symlink_to("nowhere")
    with pytest.raises(errors.TemplateFailed, match="order/de-AT/attachments"):
        await parts(here, locale="de-AT")


async def test_a_picture_whose_name_no_mail_can_have_says_so(here: Desk, root: Path) -> None:
    (root / "order" / "inline" / "new logo.png").write_bytes(b"x")
    assert LOGO in await named(here)
    (root / "order" / "html.html.j2").write_bytes(b'<img src="cid:new%20logo.png">')
    with pytest.raises(errors.TemplateFailed, match=r"order/inline/new logo\.png.*no spaces"):
        await parts(here)


async def test_a_template_of_the_task_brings_none(here: Desk) -> None:
    assert await parts(here, template={"text": "Hi", "html": "Hi"}) == []


async def test_a_file_may_have_any_name_and_gets_a_safe_one(here: Desk, root: Path) -> None:
    for name in (b"AGB (2026), gr\xc3\xbcn.pdf", b"latin\xfc.txt", b"line\nend.txt"):
        (root / "order" / "attachments" / os.fsdecode(name)).write_bytes(b"x")
    assert [name for name, _ in await named(here)] == [
        "logo.png", "AGB (2026), grün.pdf", "hints.txt", "latin_.txt", "line_end.txt", "terms.pdf",
    ]  # fmt: skip
