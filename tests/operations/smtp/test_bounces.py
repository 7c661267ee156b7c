"""The way of an address from its first bounce onto the suppression list, with the expressions of the documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.feel.conformance import ROOT
from tests.operations.smtp.correspondence import People, imap_at
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed, tasks
from zeebe_mail.cli.feel import feel

pytestmark = pytest.mark.live

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
BOUNCES = PAGE.partition("\n## Bounces and who gets no more mail\n")[2].partition("\n## ")[0]
TO_BOUNCE_ADDRESS, TO_RECIPIENT = re.findall(r"```feel\n(.*?)\n```", BOUNCES, re.DOTALL)


def evaluated(expression: str, context: dict[str, Any], file: Path) -> Any:
    """What `zeebe-mail feel` prints."""
    app = typer.Typer()
    app.command()(feel)
    file.write_text(json.dumps(context), "utf-8")
    result = CliRunner().invoke(app, [expression, "--context", str(file)])
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    "recipient",
    ["bob@x.test", "jane+news@mail.example.org", "a=b@x.test", "o'neil@x.test", "b.c+d=e@xn--bcher-kva.test"],
)
def test_a_bounce_address_tells_its_recipient(tmp_path: Path, recipient: str) -> None:
    address = evaluated(TO_BOUNCE_ADDRESS, {"recipient": recipient}, tmp_path / "context")
    bounce = {"mail": {"to": [{"name": None, "address": address}]}}
    assert evaluated(TO_RECIPIENT, bounce, tmp_path / "context") == recipient


async def test_an_address_that_bounced_gets_no_more_mail(dovecot: Dovecot, relay: Postfix, tmp_path: Path) -> None:
    suppressed = tmp_path / "suppressed"
    suppressed.touch()
    gone = "moved+away=far@x.test"
    async with tasks(dovecot, "nobody", denied_recipients_file=suppressed) as room:
        me = People(room, dovecot, relay).new()

        def here(expression: str, **context: Any) -> Any:
            mine = expression.replace("bounces", me.user).replace("example", "x").replace(r"\\.org", r"\\.test")
            return evaluated(mine.replace(".org", ".test"), context, tmp_path / "context")

        mail = {"from": me.address, "to": gone, "subject": "Hi", "text": "Hello"}
        await me.run("smtp-send", **mail, envelopeFrom=here(TO_BOUNCE_ADDRESS, recipient=gone))
        await me.receives()
        inbox = me.tasks.at(imap_at(dovecot)).with_inputs()
        found = await inbox.run("imap-wait", criteria={"all": True}, ifMissing="error")
        bounce = await inbox.run("imap-read", messageId=found["messages"][0]["messageId"])
        assert bounce["bounce"]["recipients"][0]["address"] == gone
        address = here(TO_RECIPIENT, mail=bounce)
        assert address == gone

        with suppressed.open("a", encoding="utf-8") as appended:
            appended.write(f"{address}\n")
        with pytest.raises(TaskFailed, match="RECIPIENT_NOT_ALLOWED"):
            await me.run("smtp-send", **mail)
        told = await me.run("smtp-send", **{**mail, "to": [gone, me.address]}, requiredRecipients="any")
        assert [one["address"] for one in told["rejected"]] == [gone]
