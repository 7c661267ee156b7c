"""Getting in at a gateway: TLS, client certificates, OAuth tokens."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.live.host import Scripted, host, log_lines, text, until
from tests.servers.fake_gateway import FakeGateway, TokenServer
from zeebe_mail.demo.pki import Authority
from zeebe_mail.zeebe import tokens
from zeebe_mail.zeebe.client import connect
from zeebe_mail.zeebe.gateway import GatewayUnavailable
from zeebe_mail.zeebe.options import GatewayOptions, OAuthOptions
from zeebe_mail.zeebe.tokens import TokenSource, TokenUnavailable

SECRET = "client-canary-4711"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


def oauth(server: TokenServer, secret: str = SECRET) -> OAuthOptions:
    return OAuthOptions(token_url=server.url, client_id="me", client_secret=secret, audience="zeebe", scope="all")


async def test_jobs_are_done_over_tls(authority: Authority) -> None:
    async with FakeGateway(certificate=authority.issue()) as gateway:
        gateway.job(1)
        options = GatewayOptions(address=gateway.address, tls=True, ca_file=authority.ca_file)
        async with host(options, Scripted("t")) as running:
            await until(lambda: running.count("completed") == 1)


async def test_a_certificate_nobody_vouches_for_is_refused(authority: Authority) -> None:
    stranger = Authority(authority.directory / "stranger", "somebody else's CA")
    async with FakeGateway(certificate=stranger.issue()) as gateway:
        options = GatewayOptions(address=gateway.address, tls=True, ca_file=authority.ca_file)
        async with connect(options) as client:
            with pytest.raises(GatewayUnavailable):
                await client.topology(timeout_s=3)
    assert gateway.calls == []


async def test_a_certificate_for_another_name_is_refused_unless_that_name_is_expected(authority: Authority) -> None:
    async with FakeGateway(certificate=authority.issue(hosts=["zeebe.example"])) as gateway:
        options = GatewayOptions(address=gateway.address, tls=True, ca_file=authority.ca_file)
        async with connect(options) as client:
            with pytest.raises(GatewayUnavailable):
                await client.topology(timeout_s=3)
        named = GatewayOptions(
            address=gateway.address, tls=True, ca_file=authority.ca_file, override_authority="zeebe.example"
        )
        async with connect(named) as client:
            assert (await client.topology()).gateway_version == "fake"


async def test_a_client_certificate_lets_us_in_and_its_absence_does_not(authority: Authority) -> None:
    mine = authority.issue("me", for_client=True)
    async with FakeGateway(certificate=authority.issue(), client_ca=authority.ca_file.read_bytes()) as gateway:
        bare = GatewayOptions(address=gateway.address, tls=True, ca_file=authority.ca_file)
        async with connect(bare) as client:
            with pytest.raises(GatewayUnavailable):
                await client.topology(timeout_s=3)
        known = GatewayOptions(
            address=gateway.address,
            tls=True,
            ca_file=authority.ca_file,
            client_cert_file=mine.chain,
            client_key_file=mine.key,
        )
        async with connect(known) as client:
            assert (await client.topology()).gateway_version == "fake"


async def test_one_token_serves_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    async with TokenServer(secret=SECRET) as server, FakeGateway(wants_token=True, tokens={"token-1"}) as gateway:
        server.delay_s = 0.05
        for key in range(1, 51):
            gateway.job(key)
        options = GatewayOptions(address=gateway.address, oauth=oauth(server))
        async with host(options, Scripted("t", "u", "v")) as running:
            await until(lambda: running.count("completed") == 50)
    assert server.requests == [
        {
            "grant_type": "client_credentials",
            "client_id": "me",
            "client_secret": SECRET,
            "audience": "zeebe",
            "scope": "all",
        }
    ]


async def test_a_token_is_renewed_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(tokens.time, "monotonic", lambda: clock[0])
    async with TokenServer(secret=SECRET, lifetime_s=300) as server:
        source = TokenSource(oauth(server))
        assert await source.metadata() == (("authorization", "Bearer token-1"),)
        clock[0] += 269
        assert await source.metadata() == (("authorization", "Bearer token-1"),)
        clock[0] += 2
        assert await source.metadata() == (("authorization", "Bearer token-2"),)
        await source.aclose()


async def test_a_token_that_still_counts_is_used_while_the_authorization_server_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(tokens.time, "monotonic", lambda: clock[0])
    async with TokenServer(secret=SECRET, lifetime_s=300) as server:
        server.answers.extend([(200, {"access_token": "first", "expires_in": 300}), (503, {}), (503, {})])
        source = TokenSource(oauth(server))
        first = await source.metadata()
        clock[0] += 280
        assert await source.metadata() == first
        clock[0] += 25
        with pytest.raises(TokenUnavailable, match="HTTP 503"):
            await source.metadata()
        clock[0] += 60
        assert await source.metadata() == (("authorization", "Bearer token-1"),)
        await source.aclose()


async def test_a_revoked_token_is_replaced_and_the_call_repeated() -> None:
    async with (
        TokenServer(secret=SECRET) as server,
        FakeGateway(wants_token=True, tokens={"token-1"}) as gateway,
        connect(GatewayOptions(address=gateway.address, oauth=oauth(server))) as client,
    ):
        await client.topology()
        gateway.tokens = {"token-2"}
        await asyncio.gather(*(client.topology() for _ in range(20)))
    assert len(server.requests) == 2


async def test_a_gateway_that_accepts_no_token_does_not_make_us_storm_the_authorization_server() -> None:
    async with TokenServer(secret=SECRET) as server, FakeGateway(wants_token=True) as gateway:
        options = GatewayOptions(address=gateway.address, oauth=oauth(server))
        async with host(options, Scripted("t", "u", "v")):
            await until(lambda: len(gateway.calls) > 20)
    assert len(server.requests) == 2


async def test_a_wrong_secret_is_said_plainly_asked_rarely_and_shown_nowhere() -> None:
    """The server even repeats the secret; only its error code is passed on."""
    with log_lines() as lines:
        async with TokenServer(secret="another") as server, FakeGateway(wants_token=True) as gateway:
            options = GatewayOptions(address=gateway.address, oauth=oauth(server))
            async with host(options, Scripted("t", "u", "v")) as running:
                await until(lambda: any(line.get("action") == "gateway_lost" for line in lines))
                await asyncio.sleep(0.5)
                assert not running.metrics.connected
    assert len(server.requests) == 1
    assert "gave no token for client me: HTTP 401, invalid_client" in text(lines)
    assert SECRET not in text(lines)


@pytest.mark.parametrize(
    "answer",
    [(200, {"token": "x"}), (200, ["x"]), (500, {}), (200, {"access_token": 7})],
    ids=["no token", "no object", "500", "no text"],
)
async def test_an_answer_without_a_token_is_a_failure(answer: tuple[int, object]) -> None:
    async with TokenServer(secret=SECRET) as server:
        server.answers.append(answer)
        source = TokenSource(oauth(server))
        with pytest.raises(TokenUnavailable, match="gave no token"):
            await source.metadata()
        await source.aclose()


@pytest.mark.parametrize("lifetime", [None, "soon", "NaN", -5, 0])
async def test_a_lifetime_that_makes_no_sense_does_not_mean_a_request_a_call(lifetime: object) -> None:
    async with TokenServer(secret=SECRET) as server:
        server.answers.extend([(200, {"access_token": "x", "expires_in": lifetime})])
        source = TokenSource(oauth(server))
        for _ in range(5):
            await source.metadata()
        await source.aclose()
    assert len(server.requests) == 1


async def test_an_authorization_server_that_is_away_is_named() -> None:
    source = TokenSource(OAuthOptions(token_url="http://127.0.0.1:1/token", client_id="me", client_secret=SECRET))
    with pytest.raises(TokenUnavailable, match=r"http://127.0.0.1:1/token cannot be reached: ConnectError"):
        await source.metadata()
    await source.aclose()


async def test_a_broken_ca_file_or_address_for_tokens_is_no_token_and_no_bug(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate")
    options = OAuthOptions(token_url="https://127.0.0.1:1/t", client_id="me", client_secret=SECRET)
    for broken in (replace(options, ca_file=garbage), replace(options, token_url="https://[::::]/x")):
        source = TokenSource(broken)
        with pytest.raises(TokenUnavailable) as told:
            await source.metadata()
        assert SECRET not in str(told.value)
        await source.aclose()
