"""The demo's screen belongs to the demo: what clients do to its mail server does not appear on it."""

import asyncio
import ssl

import pytest

from tests.live.host import until
from zeebe_mail.demo.mailserver import MailServer
from zeebe_mail.demo.pki import Authority


async def test_a_client_that_does_not_trust_the_certificate_leaves_no_traceback(
    pki: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with MailServer({"alice": "secret"}, pki.issue("untrusted")) as server:
        for port in (server.ports.smtps, server.ports.imaps, server.ports.pop3s):
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.open_connection("localhost", port, ssl=ssl.create_default_context())
        reader, writer = await asyncio.open_connection("localhost", server.ports.smtp)
        await reader.readline()
        writer.write(b"EHLO me\r\n")
        while (await reader.readline())[3:4] == b"-":
            pass
        writer.write(b"STARTTLS\r\n")
        assert (await reader.readline()).startswith(b"220")
        with pytest.raises(ssl.SSLCertVerificationError):
            await writer.start_tls(ssl.create_default_context(), server_hostname="localhost")
        writer.close()
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()}, what="the server is done with its clients")
    assert caplog.records == []
