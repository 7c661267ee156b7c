"""An SMTP server that takes everything: TLS from the first byte, AUTH PLAIN, PIPELINING. One process, little CPU.

``python sink.py CERT KEY`` prints the SMTP port and a control port; each connection to the latter gets one JSON line
with the number of mails taken and the time of the first and the last one, and starts the count anew.
"""

import asyncio
import json
import ssl
import sys
import time

GREETING = b"220 sink ESMTP\r\n"
EHLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 50000000\r\n250 AUTH PLAIN\r\n"
REPLIES = {
    b"MAIL": b"250 ok\r\n",
    b"RCPT": b"250 ok\r\n",
    b"RSET": b"250 ok\r\n",
    b"NOOP": b"250 ok\r\n",
    b"AUTH": b"235 ok\r\n",
}


class Count:
    """Mails taken since the last look."""

    def __init__(self) -> None:
        self.mails, self.first, self.last = 0, 0.0, 0.0

    def one_more(self) -> None:
        self.last = time.time()
        self.first = self.first or self.last
        self.mails += 1


class Session(asyncio.Protocol):
    """One client."""

    def __init__(self, count: Count) -> None:
        self.count, self.buffer, self.in_data = count, bytearray(), False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        known = max(len(self.buffer) - 4, 0)  # where an end mark cannot begin
        self.buffer += data
        answers = []
        while True:
            if self.in_data:
                end = self.buffer.find(b"\r\n.\r\n", known)
                known = 0
                if end < 0:
                    break
                del self.buffer[: end + 5]
                self.in_data = False
                self.count.one_more()
                answers.append(b"250 2.0.0 taken\r\n")
                continue
            end = self.buffer.find(b"\r\n")
            if end < 0:
                break
            verb = bytes(self.buffer[:4]).upper()
            del self.buffer[: end + 2]
            known = 0
            answers.append(self.answer(verb))
        if answers:
            self.transport.write(b"".join(answers))

    def answer(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            return EHLO
        if verb == b"DATA":
            self.in_data = True
            # The body may begin right behind; put the line end back that the end mark starts with.
            self.buffer[:0] = b"\r\n"
            return b"354 go on\r\n"
        if verb == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
            return b""
        return REPLIES.get(verb, b"500 what\r\n")


async def main(cert: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    count = Count()

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps(vars(count)).encode() + b"\n")
        count.__init__()
        writer.close()

    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: Session(count), "127.0.0.1", 0, ssl=context, backlog=1000)
    control = await asyncio.start_server(tell, "127.0.0.1", 0)
    print(smtp.sockets[0].getsockname()[1], control.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
