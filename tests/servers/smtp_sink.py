"""Postfix's smtp-sink: swallows mail at 20,000 messages a second, or fails where it is told to. No TLS, no AUTH.

For TLS put `tests.servers.tcp_proxy.TcpProxy` in front, for TLS and AUTH a Dovecot with `relay_port=sink.port`.
"""

import os
from typing import Self

from tests.servers.daemon import Daemon, binary
from zeebe_mail.demo.engine import free_ports

BACKLOG = "1000"


class SmtpSink(Daemon):
    """One sink on `port`. `flags` are smtp-sink's own, for example:

    * `-r rcpt|data|.|connect`: 450 at that command, `-f` the same: 500
    * `-q data|.`: the connection is dropped at that command, `-Q mail`: 421 and closed
    * `-w 1`: the answer to DATA comes a second late
    * `-8`: no 8BITMIME, `-e`: no ESMTP
    """

    greeting = b"220"
    farewell = b"QUIT\r\n"

    def __init__(self, *flags: str, keeps_mail: bool = False) -> None:
        """
        Args:
            keeps_mail: Write every message to a file; `messages` returns them, with lines X-Mail-Args and
                X-Rcpt-Args that show the envelope.
        """
        program = binary("smtp-sink", "postfix")
        super().__init__("sink-")
        (self.port,) = free_ports(1)
        self._mail = self.directory / "mail"
        self._mail.mkdir()
        self._mail.chmod(0o777)
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        keep = ["-d", f"{self._mail}/%M."] if keeps_mail else []
        self._command = [program, *as_nobody, *keep, *flags, f"127.0.0.1:{self.port}", BACKLOG]

    def start(self) -> Self:
        if "connect" in self._command:  # then there is no greeting to wait for
            self.greeting = b""
        return self.launch(self._command, self.port)

    def messages(self) -> list[bytes]:
        """All messages kept so far, oldest first. The probes of `start` are not among them."""
        return [file.read_bytes() for file in sorted(self._mail.iterdir(), key=lambda file: file.stat().st_mtime_ns)]
