"""Postfix as a real mail transfer agent in front of a Dovecot: TLS, AUTH, delivery, bounces. Root only."""

import grp
import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.servers.daemon import Daemon, binary, fill, needs_root
from tests.servers.dovecot import Dovecot
from zeebe_mail.demo.engine import free_ports
from zeebe_mail.demo.pki import Certificate

MAIN = """compatibility_level = 3.6
queue_directory = @D@/spool
data_directory = @D@/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = @D@/postfix.log
maillog_file_prefixes = @D@
myhostname = mail.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
alias_maps =
local_transport = error:no local delivery
default_transport = error:5.7.1 no outside delivery
relay_transport = error:5.7.1 no outside delivery
virtual_mailbox_domains = x.test, mail.test
virtual_mailbox_maps = inline:{ @vmap@ }
virtual_transport = lmtp:inet:127.0.0.1:@lmtp@
smtpd_tls_cert_file = @chain@
smtpd_tls_key_file = @key@
smtpd_sasl_type = dovecot
smtpd_sasl_path = @sasl@
smtpd_sasl_auth_enable = yes
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
message_size_limit = @size@
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
smtp_host_lookup = native
in_flow_delay = 0
@extra@
"""

MASTER = """@smtp@ inet n - n - - smtpd
  -o smtpd_tls_security_level=may
@submission@ inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
@submissions@ inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

DOMAINS = ("x.test", "mail.test")
QUEUES = [
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "private",
    "saved",
    "trace",
    "maildrop",
    "public",
    "pid",
]
MODES = {"maildrop": 0o730, "public": 0o710, "pid": 0o755}


class Postfix(Daemon):
    """One instance on ports of its own: `smtp` (opportunistic TLS, no relaying), `submission` (STARTTLS and AUTH
    required) and `submissions` (implicit TLS, AUTH required). Mail for Dovecot's users lands in its mailboxes.

    `extra` is more of `main.cf`, for example refusals made to order:
    `smtpd_recipient_restrictions = check_recipient_access inline:{ { grey@x.test = 450 4.2.0 Greylisted } }`
    (whom it names must be among `users`).
    """

    greeting = b"220"
    farewell = b"QUIT\r\n"

    def __init__(
        self,
        dovecot: Dovecot,
        *,
        users: Sequence[str] | None = None,
        certificate: Certificate | None = None,
        max_size_bytes: int = 10 * 1024 * 1024,
        extra: str = "",
    ) -> None:
        needs_root("Postfix")
        self.programs = _program_directory()
        super().__init__("pf-")
        self.smtp, self.submission, self.submissions = free_ports(3)
        certificate = certificate or dovecot.authority.issue("postfix")
        known = [f"{user}@{domain}" for user in users or dovecot.users for domain in DOMAINS]
        self._make_queue()
        self._write_files(
            {
                "smtp": self.smtp,
                "submission": self.submission,
                "submissions": self.submissions,
                "D": self.directory,
                "chain": certificate.chain,
                "key": certificate.key,
                "lmtp": dovecot.lmtp,
                "sasl": dovecot.directory / "run/auth-sasl",
                "size": max_size_bytes,
                "vmap": ", ".join(f"{{ {address} = 1 }}" for address in known),
                "extra": extra,
            }
        )

    def start(self) -> Self:
        return self.launch([str(self.programs / "master"), "-c", str(self.directory / "conf"), "-d"], self.smtp)

    def _make_queue(self) -> None:
        owner, group = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
        (self.directory / "data").mkdir()
        os.chown(self.directory / "data", owner, -1)
        for name in QUEUES:
            queue = self.directory / "spool" / name
            queue.mkdir(parents=True)
            queue.chmod(MODES.get(name, 0o700))
            if name != "pid":
                os.chown(queue, owner, group if name in ("maildrop", "public") else -1)

    def _write_files(self, values: dict[str, object]) -> None:
        (self.directory / "conf").mkdir()
        for name, template in (("main.cf", MAIN), ("master.cf", MASTER)):
            file = self.directory / "conf" / name
            file.write_text(fill(template, values))
            os.utime(file, (1, 1))  # every daemon naps 0.3 s again and again over a main.cf younger than 2 s


def _program_directory() -> Path:
    postconf = binary("postconf", "postfix libsasl2-modules")
    answer = subprocess.run([postconf, "-d", "-h", "daemon_directory"], capture_output=True, text=True, check=True)
    return Path(answer.stdout.strip())
