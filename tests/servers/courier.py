"""Courier 5.0 as IMAP and POP3 server, from unpacked packages. Root only.

It has neither MOVE, SPECIAL-USE, LITERAL+ nor ESEARCH.
"""

import pwd
from pathlib import Path
from typing import Self

from tests.servers.daemon import Daemon
from tests.servers.mailboxes import ACCOUNTS, PASSWORD, Lack, MailServerUnderTest
from tests.servers.unpacked import over_system, unpacked
from zeebe_mail.demo.engine import free_ports

NOBODY = pwd.getpwnam("nobody").pw_uid  # a user without a name would make gamin wait 1.2 s at every login
PACKAGES = ("courier-imap", "courier-pop", "courier-authlib-userdb")

START = """
directory=$1 root=$2 imap=$3 pop3=$4 uid=$5 password=$6
shift 6
mkdir /run/courier /run/courier/authdaemon
cp -R /etc/courier/. "$directory/etc"
mount --bind "$directory/etc" /etc/courier
hash=$(echo "$password" | userdbpw)
for user; do
    home="$directory/home/$user"
    [ -d "$home" ] || mkdir -p "$home/Maildir/cur" "$home/Maildir/new" "$home/Maildir/tmp"
    printf '%s\\tuid=%s|gid=%s|home=%s|mail=%s|systempw=%s\\n' "$user" "$uid" "$uid" "$home" "$home/Maildir" "$hash"
done >/etc/courier/userdb
chown -R "$uid:$uid" "$directory/home"
chmod 600 /etc/courier/userdb
makeuserdb
cat >/etc/courier/authdaemonrc <<END
authmodulelist="authuserdb"
authmodulelistorig="authuserdb"
daemons=2
authdaemonvar=/run/courier/authdaemon
DEBUG_LOGIN=0
DEFAULTOPTIONS=""
LOGGEROPTS=""
END
/usr/lib/courier/courier-authlib/authdaemond &
until [ -S /run/courier/authdaemon/socket ]; do sleep .01; done
set -a
serve() {
    program=$1 port=$2
    shift 2
    . "/etc/courier/$program"
    exec couriertcpd -address=127.0.0.1 -maxprocs=100 -maxperip=100 -nodnslookup -noidentlookup "$port" "$@" Maildir
}
POP3AUTH='' AUTHMODULES=authdaemon
(serve pop3d "$pop3" /usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d) &
# Locks would make every change of a mailbox take 1.2 s.
printf '%s\\n' IMAPACCESSFILE= IMAP_EMPTYTRASH= PROTOCOL=IMAP IMAP_ACL=0 IMAP_STARTTLS=NO IMAP_TLS_REQUIRED=0 \\
    IMAP_USELOCKS=0 >>/etc/courier/imapd
serve imapd "$imap" /usr/lib/courier/courier/imaplogin /usr/bin/imapd
"""


def needs_courier() -> Path:
    """Where Courier's packages are unpacked, fetched if need be; skips the test where they cannot be had."""
    return unpacked("courier", PACKAGES)


class Courier(Daemon, MailServerUnderTest):
    """One instance with the namespace `INBOX.` and `.` between levels, plain text only."""

    lacks = frozenset({Lack.TLS, Lack.SPECIAL_USE, Lack.MOVE, Lack.PUSH, Lack.LAST_UID})

    def __init__(self) -> None:
        self._root = needs_courier()
        super().__init__("co-")
        self.imap, self.pop3 = free_ports(2)
        (self.directory / "etc").mkdir()

    def start(self) -> Self:
        where = [str(self.directory), str(self._root), str(self.imap), str(self.pop3)]
        return self.launch(over_system(self._root, START, *where, str(NOBODY), PASSWORD, *ACCOUNTS), self.imap)
