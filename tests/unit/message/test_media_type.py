"""Content types: read strictly, and told by names."""

from __future__ import annotations

import pytest

from zeebe_mail.message.media_type import MediaType, by_name, extension, media_type


@pytest.mark.parametrize(
    ("text", "value", "charset"),
    [
        ("application/pdf", "application/pdf", None),
        ("Text/CSV; charset=ISO-8859-1", "text/csv", "ISO-8859-1"),
        ('text/plain; format=flowed; charset="utf-8"', "text/plain", "utf-8"),
        ("text/plain; charset=klingon", "text/plain", None),
        ("application/vnd.ms-excel", "application/vnd.ms-excel", None),
        ("image/svg+xml", "image/svg+xml", None),
        ("message/rfc822", "message/rfc822", None),
    ],
)
def test_a_type_is_read(text: str, value: str, charset: str | None) -> None:
    assert media_type(text) == MediaType(value, charset)


@pytest.mark.parametrize(
    "text",
    ["", "pdf", "/pdf", "application/", "application", "a/b/c", 'application/pdf name="x"', "text/pläin", "text/(x)",
     "application/pdf\r\nX-Injected: yes", "application/pdf; a=b\r\nX: y", "a/b\0", "multipart/mixed",
     "message/delivery-status", "message/external-body; access-type=local-file"],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        media_type(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a.pdf", "application/pdf"),
        ("A.PDF", "application/pdf"),
        ("a.b.csv", "text/csv"),
        ("a.tar.gz", "application/gzip"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.js", "text/javascript"),
        ("mail.eml", "message/rfc822"),
        ("a.unknown", "application/octet-stream"),
        ("pdf", "application/octet-stream"),
        (".pdf", "application/octet-stream"),
        (None, "application/octet-stream"),
    ],
)
def test_a_name_tells_the_type(name: str | None, value: str) -> None:
    assert by_name(name) == value


@pytest.mark.parametrize(
    ("value", "usual"),
    [("text/plain", ".txt"), ("image/jpeg", ".jpg"), ("message/rfc822", ".eml"), ("application/pdf", ".pdf"),
     ("application/xml", ".xml"), ("application/octet-stream", ".bin"), ("x-no/such", ".bin")],
)  # fmt: skip
def test_a_type_has_a_usual_extension(value: str, usual: str) -> None:
    assert extension(value) == usual
