"""Cyrus 3.6 as IMAP and POP3 server, from unpacked packages. Root only."""

import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.servers.daemon import Daemon, fill
from tests.servers.mailboxes import ACCOUNTS, PASSWORD, Lack, MailServerUnderTest
from tests.servers.unpacked import over_system, unpacked
from zeebe_mail.demo.engine import free_ports
from zeebe_mail.demo.pki import Authority

PACKAGES = ("cyrus-imapd", "cyrus-pop3d", "sasl2-bin")
BINARIES = "/usr/lib/cyrus/bin"

IMAPD = """configdirectory: @D@/conf
partition-default: @D@/spool
defaultpartition: default
cyrus_user: nobody
admins: cyrus
allowplaintext: yes
failedloginpause: 0
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: @D@/sasldb2
sasl_mech_list: PLAIN LOGIN
servername: mail.test
virtdomains: off
unixhierarchysep: no
altnamespace: no
autocreate_quota: 0
autocreate_post: yes
autocreate_inbox_folders: Sent|Drafts|Trash|Archive
autocreate_subscribe_folders: Sent|Drafts|Trash|Archive
xlist-sent: Sent
xlist-drafts: Drafts
xlist-trash: Trash
xlist-archive: Archive
tls_server_cert: @D@/server.pem
tls_server_key: @D@/server.key
tls_versions: tls1_2 tls1_3
duplicatesuppression: no
idlesocket: @D@/conf/socket/idle
proc_path: @D@/conf/proc
mboxname_lockpath: @D@/conf/lock
@extra@
"""

SERVICES = """START {
  recover cmd="@B@/ctl_cyrusdb -C @D@/imapd.conf -r"
  idled cmd="@B@/idled -C @D@/imapd.conf"
}
SERVICES {
  imap  cmd="@B@/imapd -C @D@/imapd.conf -U 30" listen="127.0.0.1:@imap@" prefork=1
  imaps cmd="@B@/imapd -C @D@/imapd.conf -s -U 30" listen="127.0.0.1:@imaps@" prefork=0
  pop3  cmd="@B@/pop3d -C @D@/imapd.conf -U 30" listen="127.0.0.1:@pop3@" prefork=0
  pop3s cmd="@B@/pop3d -C @D@/imapd.conf -s -U 30" listen="127.0.0.1:@pop3s@" prefork=0
}
EVENTS {
  checkpoint cmd="@B@/ctl_cyrusdb -C @D@/imapd.conf -c" period=30
}
"""
STATE = ("socket", "proc", "db", "log", "msg", "lock", "user", "quota", "backup")
PORTS = ("imap", "imaps", "pop3", "pop3s")
START = f'exec {BINARIES}/master -C "$1/imapd.conf" -M "$1/cyrus.conf" -p "$1/pid" -D'
ADD_USERS = """
password=$1 file=$2
shift 2
for user; do printf %s "$password" | saslpasswd2 -p -c -f "$file" -u mail.test "$user"; done
"""


def needs_cyrus() -> Path:
    """Where Cyrus's packages are unpacked, fetched if need be; skips the test where they cannot be had."""
    return unpacked("cyrus", PACKAGES)


class Cyrus(Daemon, MailServerUnderTest):
    """One instance with the namespace `INBOX.` and `.` between levels.

    `suppress` hides capabilities, for example `suppress="MOVE SORT UIDPLUS"`; the commands stay.
    """

    lacks = frozenset({Lack.QUOTES_IN_NAMES, Lack.DELETE_ABOVE, Lack.REPEATED_HEADERS, Lack.OLD_SUBSCRIPTIONS})

    def __init__(self, authority: Authority, *, suppress: str = "") -> None:
        self._root = needs_cyrus()
        super().__init__("cy-")
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.imap, self.imaps, self.pop3, self.pop3s = ports.values()
        self.ca_file = authority.ca_file
        extra = f"suppress_capabilities: {suppress}" if suppress else ""  # an empty value ends it without a word
        values = {"D": self.directory, "B": BINARIES, "extra": extra, **ports}
        (self.directory / "imapd.conf").write_text(fill(IMAPD, values))
        (self.directory / "cyrus.conf").write_text(fill(SERVICES, values))
        certificate = authority.issue("cyrus")
        shutil.copy(certificate.chain, self.directory / "server.pem")
        shutil.copy(certificate.key, self.directory / "server.key")
        for name in (
            "spool",
            *(f"conf/{name}" for name in ["socket", "proc", "db", "log", "msg", "lock", "user", "quota", "backup"]),
        ):
            (self.directory / name).mkdir(parents=True)
        add_users = over_system(self._root, ADD_USERS, PASSWORD, str(self.directory / "sasldb2"), *ACCOUNTS)
        subprocess.run(add_users, check=True)
        nobody = pwd.getpwnam("nobody")
        subprocess.run(["chown", "-R", f"{nobody.pw_uid}:{nobody.pw_gid}", self.directory], check=True)

    def start(self) -> Self:
        environment = {"CYRUS_USER": "nobody"}
        return self.launch(over_system(self._root, START, str(self.directory)), self.imap, environment)
