"""Dovecot 2.3 as IMAP, POP3, LMTP and submission server, as root or as any user."""

import grp
import itertools
import os
import pwd
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Self

from tests.servers.daemon import Daemon, binary, fill
from tests.servers.mailboxes import MANY_ACCOUNTS, MailServerUnderTest
from zeebe_mail.demo.engine import free_ports
from zeebe_mail.demo.pki import Authority, Certificate

CONFIGURATION = r"""
base_dir = @D@/run
state_dir = @D@/state
log_path = @D@/dovecot.log
instance_name = t@imap@
protocols = imap pop3 lmtp submission
listen = @listen@
default_internal_user = @internal_user@
default_internal_group = @internal_group@
default_login_user = @login_user@
default_process_limit = 200
default_client_limit = 2000
mail_uid = @uid@
mail_gid = @gid@
first_valid_uid = @uid_min@
mail_home = @D@/home/%n
mail_location = @mail_location@
mail_fsync = never
mail_max_userip_connections = @max_conn@
mail_plugins = @mail_plugins@
auth_mechanisms = @mechanisms@
auth_username_format = %Ln
auth_failure_delay = 0
disable_plaintext_auth = @disable_plain@
hostname = mail.test
ssl = @ssl@
ssl_cert = <@chain@
ssl_key = <@key@
ssl_min_protocol = @tls_min@
@tls_extra@
@token_passdb@
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%n @D@/users
}
userdb {
  driver = passwd-file
  args = username_format=%n @D@/users
}
namespace inbox {
  inbox = yes
  separator = @sep@
  prefix = @prefix@
  mailbox Sent {
    special_use = \Sent
    auto = subscribe
  }
  mailbox Drafts {
    special_use = \Drafts
    auto = subscribe
  }
  mailbox Trash {
    special_use = \Trash
    auto = subscribe
  }
  mailbox Archive {
    special_use = \Archive
    auto = create
  }
}
service imap-login {
  chroot = @login_chroot@
  service_count = 0
  process_min_avail = 1
  client_limit = 1000
  inet_listener imap {
    port = @imap@
  }
  inet_listener imaps {
    port = @imaps@
    ssl = yes
  }
}
service pop3-login {
  chroot = @login_chroot@
  service_count = 0
  client_limit = 1000
  inet_listener pop3 {
    port = @pop3@
  }
  inet_listener pop3s {
    port = @pop3s@
    ssl = yes
  }
}
service submission-login {
  chroot = @login_chroot@
  service_count = 0
  inet_listener submission {
    port = @submission@
  }
  inet_listener submissions {
    port = @submissions@
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = @lmtp@
  }
}
service auth {
  unix_listener auth-sasl {
    mode = 0666
  }
}
service anvil {
  chroot = @anvil_chroot@
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
  unix_listener stats-writer {
    mode = 0666
  }
}
protocol imap {
  mail_plugins = $mail_plugins @imap_plugins@
  @imap_extra@
}
protocol pop3 {
  @pop3_extra@
}
protocol lmtp {
  postmaster_address = postmaster@mail.test
}
submission_relay_host = 127.0.0.1
submission_relay_port = @relay_port@
submission_max_mail_size = @submission_size@
@extra@
"""

PORTS = ("imap", "imaps", "pop3", "pop3s", "lmtp", "submission", "submissions")
BATCH = 1000  # messages in one MULTIAPPEND
MAIL_UID = 10001  # needs no entry in the password file

SETTINGS: Mapping[str, object] = {
    "listen": "127.0.0.1",
    "mail_location": "maildir:~/Maildir",
    "sep": "/",
    "prefix": "",
    "ssl": "yes",
    "disable_plain": "no",
    "tls_min": "TLSv1.2",
    "tls_extra": "",
    "imap_plugins": "",
    "mail_plugins": "",
    "mechanisms": "plain login cram-md5",
    "token_passdb": "",
    "imap_extra": "",
    "pop3_extra": "",
    "extra": "",
    "max_conn": 500,
    "relay_port": 1,
    "submission_size": "10M",
    "introspection_url": "",
}

# Bundles of settings: `Dovecot(pki, **DOTS)`.
FAST = {"mail_location": "mdbox:~/mdbox"}
"""Storage for mailboxes of many thousand messages."""
DOTS = {"sep": ".", "prefix": "INBOX."}
"""All mailboxes below INBOX, `.` between their levels."""
LOGIN_AFTER_TLS = {"listen": "127.0.0.1, 127.0.0.2", "disable_plain": "yes"}
"""LOGINDISABLED until STARTTLS, on 127.0.0.2 (Dovecot takes a connection between equal addresses for secure)."""
ONE_POP3_SESSION = {"pop3_extra": "pop3_lock_session = yes"}
"""A mailbox that one client has open by POP3 is locked for the next, who is told after 10 s."""
QUOTA = {
    "mail_plugins": "quota",
    "imap_plugins": "imap_quota",
    "extra": "plugin {\n  quota = count:User\n  quota_vsizes = yes\n  quota_rule = *:storage=20K\n}",
}
"""20 kB a user."""
READ_ONLY_MAILBOXES = {
    "mail_plugins": "acl",
    "imap_plugins": "imap_acl",
    "extra": "plugin {\n  acl = vfile\n}",
}
"""For `make_read_only`."""


def offering(*capabilities: str) -> dict[str, object]:
    """An IMAP server that announces only these, beside IMAP4rev1; the commands of the others still work."""
    return {"imap_extra": f"imap_capability = {' '.join(['IMAP4rev1', *capabilities])}"}


def with_mechanisms(*names: str) -> dict[str, object]:
    """Only these SASL mechanisms, for example `plain`, `login`, `cram-md5`, `scram-sha-256`, `apop`."""
    return {"mechanisms": " ".join(names)}


def with_tokens(introspection_url: str, *mechanisms: str) -> dict[str, object]:
    """Bearer tokens that this server vouches for, by `xoauth2` and `oauthbearer` or one of them, beside PLAIN."""
    offered = " ".join(mechanisms or ("xoauth2", "oauthbearer"))
    passdb = f"passdb {{\n  driver = oauth2\n  mechanisms = {offered}\n  args = @D@/oauth2.conf\n}}"
    return {"mechanisms": f"plain {offered}", "token_passdb": passdb, "introspection_url": introspection_url}


TOKENS = """introspection_mode = post
introspection_url = @introspection_url@
username_attribute = username
active_attribute = active
active_value = true
timeout_msecs = 2000
"""


class Dovecot(Daemon, MailServerUnderTest):
    """One instance on ports of its own: `imap`, `imaps`, `pop3`, `pop3s`, `lmtp`, `submission`, `submissions`.

    `users`, beside the accounts that every server has, maps a name to its password. `settings` replaces entries of
    `SETTINGS`, alone or by the bundles above: for example `relay_port=sink.port` makes `submission` (offers STARTTLS,
    wants AUTH) hand its mail to that sink.
    """

    accounts = MANY_ACCOUNTS

    imap: int
    imaps: int
    pop3: int
    pop3s: int
    lmtp: int
    submission: int
    submissions: int

    def __init__(
        self,
        authority: Authority,
        *,
        users: Mapping[str, str] | None = None,
        certificate: Certificate | None = None,
        **settings: object,
    ) -> None:
        program = binary("dovecot", "dovecot-core dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-submissiond")
        super().__init__("dc-")
        self.program = program
        self.authority = authority
        self.certificate = certificate or authority.issue("dovecot")
        self.ca_file = authority.ca_file
        self.users = dict(users or {"alice": "secret"})
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        for name, port in ports.items():
            setattr(self, name, port)
        if unknown := settings.keys() - SETTINGS.keys():
            raise TypeError(f"Dovecot has no such setting here: {', '.join(sorted(unknown))}")
        self._write_files(SETTINGS | _identity() | ports | settings)

    def start(self) -> Self:
        return self.launch([self.program, "-F", "-c", str(self.directory / "dovecot.conf")], self.imap)

    def make_read_only(self, user: str, mailbox: str) -> None:
        """Leave the user only the rights to see and read an existing mailbox; with `READ_ONLY_MAILBOXES`."""
        maildir = self.directory / "home" / user / "Maildir"
        folder = maildir if mailbox == "INBOX" else maildir / f".{mailbox.replace('/', '.')}"
        (folder / "dovecot-acl").write_text("owner lr\n")

    def fill_mailbox(self, user: str, messages: Iterable[tuple[bytes, datetime]], mailbox: str = "INBOX") -> None:
        """Put many messages, each with when it came, into a mailbox by MULTIAPPEND: with `FAST`, 50,000 in 5 s."""
        with self.client(user) as client:
            rest = iter(messages)
            while batch := list(itertools.islice(rest, BATCH)):
                client.multiappend(mailbox, [{"msg": message, "date": received} for message, received in batch])

    def _write_files(self, values: Mapping[str, object]) -> None:
        own = {"D": self.directory, "chain": self.certificate.chain, "key": self.certificate.key}
        (self.directory / "home").mkdir()
        if os.geteuid() == 0:
            os.chown(self.directory / "home", MAIL_UID, MAIL_UID)
        accounts = [f"{user}:{{PLAIN}}{password}::::::\n" for user, password in {**self.accounts, **self.users}.items()]
        (self.directory / "users").write_text("".join(accounts))
        (self.directory / "dovecot.conf").write_text(fill(CONFIGURATION, {**values, **own}))
        (self.directory / "oauth2.conf").write_text(fill(TOKENS, values))


def _identity() -> dict[str, object]:
    if os.geteuid() == 0:
        return {
            "uid": MAIL_UID,
            "gid": MAIL_UID,
            "uid_min": 1,
            "internal_user": "dovecot",
            "internal_group": "dovecot",
            "login_user": "dovenull",
            "login_chroot": "login",
            "anvil_chroot": "empty",
        }
    me = pwd.getpwuid(os.geteuid())
    return {
        "uid": me.pw_uid,
        "gid": me.pw_gid,
        "uid_min": me.pw_uid,
        "internal_user": me.pw_name,
        "internal_group": grp.getgrgid(me.pw_gid).gr_name,
        "login_user": me.pw_name,
        "login_chroot": "",
        "anvil_chroot": "",
    }
