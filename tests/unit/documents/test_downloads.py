"""Which URLs are fetched: those that the operator lists, from addresses that are allowed, whatever a server says."""

from __future__ import annotations

import itertools
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.web_server import Answer, WebServer
from tests.unit.documents.reading import content
from zeebe_mail.app import sources
from zeebe_mail.demo.pki import Authority
from zeebe_mail.documents.downloads import Downloads, Url, UrlPattern
from zeebe_mail.egress import EgressPolicy
from zeebe_mail.errors import DownloadFailed, DownloadRefused, Retry, UrlNotAllowed
from zeebe_mail.settings import Settings, SettingsError

ANYWHERE = ("https://*/*", "http://*/*")
HERE = "127.0.0.0/8 ::1"


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as web:
        yield web


@pytest.fixture
def forbidden() -> Iterator[WebServer]:
    """A server that the worker reaches and a process must not."""
    with WebServer() as web:
        web.give("/secret", b"secret")
        yield web


def downloads(*urls: str, private: str = HERE, deadline_s: float = 10, **settings: Any) -> Downloads:
    return sources(
        Settings(urls=" ".join(urls), url_private_hosts=private, download_timeout=deadline_s, **settings)
    ).downloads


async def refused(urls: Downloads, url: str) -> UrlNotAllowed:
    with pytest.raises(UrlNotAllowed) as caught:
        await content(urls.open(url))
    return caught.value


# ── fetching ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_is_fetched_with_what_the_server_says_of_it(web: WebServer) -> None:
    url = web.give("/report", b"a;b", Content_Type="text/csv; charset=utf-8",
                   Content_Disposition="attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe.csv")  # fmt: skip
    async with downloads(f"{web.url}/*").open(f"{url}?token=sesame") as opened:
        assert (opened.name, opened.content_type, opened.size) == ("größe.csv", "text/csv; charset=utf-8", 3)
        assert b"".join([chunk async for chunk in opened.chunks]) == b"a;b"
    assert web.asked == [("/report?token=sesame", web.url.removeprefix("http://"))]


async def test_without_a_name_it_is_the_last_part_of_the_path(web: WebServer) -> None:
    async with downloads(f"{web.url}/*").open(web.give("/a/gr%C3%B6%C3%9Fe.pdf", b"x")) as opened:
        assert opened.name == "größe.pdf"


async def test_the_size_may_be_unknown(web: WebServer) -> None:
    web.answers["/a"] = Answer(iter([b"x" * 300_000, b"y"]))
    async with downloads(f"{web.url}/*").open(f"{web.url}/a") as opened:
        assert opened.size is None
        assert b"".join([chunk async for chunk in opened.chunks]) == b"x" * 300_000 + b"y"


async def test_the_certificate_must_be_for_the_name_and_from_a_known_authority(pki: Authority) -> None:
    named, other = pki.issue("web", hosts=["localhost"]), pki.issue("other", hosts=["files.test", "127.0.0.1"])
    with WebServer(named) as web, WebServer(other) as wrong, WebServer(pki.issue_self_signed()) as stranger:
        web.give("/a", b"x")
        listed = (f"{web.url}/*", f"{wrong.url}/*", f"{stranger.url}/*")
        allowed = downloads(*listed, private=f"{HERE} localhost", ca_file=pki.ca_file)
        assert await content(allowed.open(f"{web.url}/a")) == b"x"
        assert web.asked == [("/a", f"localhost:{web.port}")]
        for url, trusting in (
            (f"{wrong.url}/a", allowed),
            (f"{stranger.url}/a", allowed),
            (f"{web.url}/a", downloads(*listed, private=f"{HERE} localhost")),
        ):
            with pytest.raises(DownloadFailed, match="certificate is not trusted"):
                await content(trusting.open(url))


@pytest.mark.parametrize(
    ("status", "retry"), [(404, Retry.NEVER), (403, Retry.NEVER), (429, Retry.LATER), (503, Retry.LATER)]
)
async def test_what_a_server_refuses_for_good_is_not_tried_again(web: WebServer, status: int, retry: Retry) -> None:
    with pytest.raises((DownloadFailed, DownloadRefused), match=f"HTTP {status}") as caught:
        await content(downloads(f"{web.url}/*").open(web.give("/a", status=status) + "?sig=sesame"))
    assert caught.value.retry is retry
    assert "sesame" not in str(caught.value)


async def test_a_server_that_is_away_or_stands_still_or_breaks_off_is_tried_again(web: WebServer) -> None:
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        await content(downloads("http://127.0.0.1:1").open("http://127.0.0.1:1/"))
    web.stalls.add("/slow")
    with pytest.raises(DownloadFailed, match="not fetched within 1 s"):
        await content(downloads(f"{web.url}/*", deadline_s=1).open(web.give("/slow", b"x")))
    web.answers["/short"] = Answer(b"123", headers={"Content-Length": "5"}, tells_length=False)
    with pytest.raises(DownloadFailed, match="broke off"):
        await content(downloads(f"{web.url}/*").open(f"{web.url}/short"))


async def test_what_comes_compressed_is_refused(web: WebServer) -> None:
    with pytest.raises(DownloadRefused, match="compressed"):
        await content(downloads(f"{web.url}/*").open(web.give("/bomb", b"\x1f\x8b", Content_Encoding="gzip")))


# ── what is allowed ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pattern", "url", "allowed"),
    [
        ("files.test", "https://files.test/a", True),
        ("files.test", "http://files.test/a", False),
        ("files.test", "https://files.test:8443/a", False),
        ("files.test:8443", "https://files.test:8443/a", True),
        ("http://files.test", "http://files.test/a", True),
        ("https://files.test/reports/*", "https://files.test/reports/2026/a.pdf?x=1", True),
        ("https://files.test/reports/*", "https://files.test/report", False),
        ("https://files.test/reports/*", "https://FILES.test/%72eports/a", True),
        ("https://files.test/a b/*", "https://files.test/a%20b/c", None),
        ("https://files.test/a%20b/*", "https://files.test/a%20b/c", True),
        ("*.files.test", "https://a.files.test/", True),
        ("*.files.test", "https://files.test/", False),
        ("*.files.test", "https://evilfiles.test/", False),
        ("files.test", "https://files.test.evil.test/", False),
        ("https://bücher.test/*", "https://xn--bcher-kva.test/a", True),
        ("https://10.0.0.0", "https://10.0.0.0/", True),
        ("https://[fd00::1]:8443/*", "https://[FD00:0::1]:8443/a", True),
        ("https://files.test/a.c", "https://files.test/abc", False),
    ],
)
def test_a_pattern_means_what_it_says(pattern: str, url: str, allowed: bool | None) -> None:
    if allowed is None:
        with pytest.raises(ValueError, match="no pattern"):
            UrlPattern.of(pattern)
    else:
        assert UrlPattern.of(pattern).matches(Url.of(url)) is allowed


@pytest.mark.parametrize("pattern", ["ftp://files.test", "https://u@files.test", "https://", "10.*", "https://a..b/x"])
def test_a_broken_pattern_ends_the_worker_at_its_start(pattern: str) -> None:
    with pytest.raises(SettingsError, match="ZEEBE_MAIL_URLS"):
        sources(Settings(urls=pattern))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://files.test/", "file:///etc/passwd", "gopher://files.test/", "javascript:alert(1)", "//files.test/a", "",
        "https://", "https:///a", "https://user@files.test/", "https://user:pw@files.test/",
        "https://files.test@evil.test/",
        "https://@files.test/", "https://files.test\\@evil.test/", "https://files.test/ a",
        "https://files.test/a\r\nX: y",
        "https://files.test/\0", "https://files.test/a/../b", "https://files.test/%2e%2e/b", "https://files.test/a/%2E./b",
        "https://files.test/a%2f..%2fb", "https://files.test/%252e%252e/b", "https://files.test/./b",
        "https://files.test/a/..;/b", "https://files.test/a/..;x=y/b", "https://files.test/a/.;/b",
        "https://files.test/a/%2e%2e%3b/b", "https://files.test/a/..%253b/b", "https://files.test/a/..;",
        "https://files.test:99999/", "https://files.test:x/", "https://[::1", "https://a b/", "https://" + "a" * 3000,
    ],
)  # fmt: skip
def test_a_url_that_can_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        Url.of(url)


async def test_without_a_setting_nothing_is_fetched(web: WebServer) -> None:
    assert "not in ZEEBE_MAIL_URLS" in (await refused(Downloads(), web.give("/a", b"x"))).message
    assert not web.asked


async def test_a_listed_host_is_not_fetched_from_a_private_address(web: WebServer) -> None:
    error = await refused(downloads(f"http://localhost:{web.port}/*", private=""), f"http://localhost:{web.port}/a")
    assert "web server localhost (127.0.0.1)" in error.message or "web server localhost (::1)" in error.message
    assert "ZEEBE_MAIL_URL_PRIVATE_HOSTS" in error.message
    assert not web.asked


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[::127.0.0.1]", "0.0.0.0", "[::]", "169.254.169.254", "[fe80::1]",
     "[fd00:ec2::254]", "10.0.0.1"],
)  # fmt: skip
async def test_no_way_to_write_a_private_address_gets_past(web: WebServer, host: str) -> None:
    await refused(downloads(*(f"{one.replace('*/', f'*:{web.port}/', 1)}" for one in ANYWHERE), private=""),
                  f"http://{host}:{web.port}/a")  # fmt: skip
    assert not web.asked


async def test_metadata_addresses_are_refused_even_where_private_ones_are_allowed() -> None:
    for host in ("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "0.0.0.0"):
        error = await refused(downloads(*ANYWHERE, private="*"), f"http://{host}/latest/meta-data")
        assert "metadata" in error.message


async def test_a_denied_host_is_denied_here_too(web: WebServer) -> None:
    error = await refused(downloads(*ANYWHERE, denied_hosts="*.internal"), "https://a.internal/")
    assert "ZEEBE_MAIL_DENIED_HOSTS" in error.message


# ── redirects ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_what_is_allowed_is_followed(web: WebServer, status: int) -> None:
    web.give("/files/b", b"b")
    async with downloads(f"{web.url}/files/*").open(web.redirect("/files/a", "b", status)) as opened:
        assert b"".join([chunk async for chunk in opened.chunks]) == b"b"
        assert opened.name == "b"


async def test_a_redirect_to_what_is_not_allowed_is_not_followed(web: WebServer, forbidden: WebServer) -> None:
    allowed = downloads(f"{web.url}/files/*")
    for place in (f"{forbidden.url}/secret", "/secret", "//evil.test/", "https://files.test/", "../secret"):
        assert "not in ZEEBE_MAIL_URLS" in (await refused(allowed, web.redirect("/files/a", place))).message
    assert not forbidden.asked
    assert {path for path, _ in web.asked} == {"/files/a"}


async def test_a_redirect_out_of_the_allowed_folder_is_not_followed(web: WebServer) -> None:
    with pytest.raises(DownloadRefused, match=r"must not contain `.` or `..`"):
        await content(downloads(f"{web.url}/files/*").open(web.redirect("/files/a", "/files/x/..;/secret")))
    assert {path for path, _ in web.asked} == {"/files/a"}


async def test_a_redirect_to_a_forbidden_address_is_not_followed(web: WebServer, forbidden: WebServer) -> None:
    """Both URLs are allowed; the second one's host turns out to be private."""
    allowed = downloads(*(f"http://*:{one.port}/*" for one in (web, forbidden)), private="127.0.0.1")
    for place in (f"http://[::1]:{forbidden.port}/secret", f"http://127.0.0.2:{forbidden.port}/secret"):
        error = await refused(allowed, web.redirect("/a", place))
        assert "is private" in error.message
    assert not forbidden.asked


async def test_a_redirect_to_nowhere_or_in_circles_ends(web: WebServer) -> None:
    allowed = downloads(f"{web.url}/*")
    for place in ("", "ftp://files.test/", "https://u:p@files.test/", "https://a\r\nb/"):
        with pytest.raises((DownloadRefused, DownloadFailed)):
            await content(allowed.open(web.redirect("/a", place)))
    web.asked.clear()
    with pytest.raises(DownloadRefused, match="more than 5 times"):
        await content(allowed.open(web.redirect("/circle", "/circle")))
    assert len(web.asked) == 6


# ── looking up ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_name_that_changes_its_address_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer is a server that may be used, every later one the machine that may not (DNS rebinding)."""
    with WebServer(host="127.0.0.2") as good, WebServer(port=good.port) as bad:
        good.give("/a", b"good")
        bad.give("/a", b"bad")
        answers = itertools.chain(["127.0.0.2"], itertools.repeat("127.0.0.1"))

        def rebinding(*_: Any, **__: Any) -> Any:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), good.port))]

        allowed = downloads(f"http://rebind.test:{good.port}/*", private="127.0.0.2")
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        assert await content(allowed.open(f"http://rebind.test:{good.port}/a")) == b"good"
        assert good.asked == [("/a", f"rebind.test:{good.port}")]
        assert "is private" in (await refused(allowed, f"http://rebind.test:{good.port}/a")).message
        assert not bad.asked


async def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("192.0.2.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    error = await refused(downloads(*ANYWHERE, private=""), "https://files.test/")
    assert error.details == {"host": "files.test", "address": "10.0.0.1"}


async def test_an_address_that_does_not_answer_does_not_hide_the_next(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = web.give("/a", b"x").replace("127.0.0.1", "files.test")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, web.port)) for one in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert await content(downloads(*(f"http://*:{web.port}/*",)).open(url)) == b"x"


async def test_a_name_without_an_address_is_told() -> None:
    with pytest.raises(DownloadFailed, match=r"no-such-host\.invalid has no address"):
        await content(downloads(*ANYWHERE).open("https://no-such-host.invalid/"))


async def test_a_proxy_of_the_environment_is_not_used(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert await content(downloads(f"{web.url}/*").open(web.give("/a", b"x"))) == b"x"


def test_the_default_is_the_strictest() -> None:
    assert Downloads()._egress.denies_private
    assert isinstance(Downloads()._trust(), ssl.SSLContext)
    assert EgressPolicy().kind == "mail server"
