"""``zeebe-mail deploy``: processes into the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zeebe_mail.ending import run


def deploy(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="BPMN, DMN or form files.")],
) -> None:
    """Deploy files to the cluster, all or none."""
    from zeebe_mail.app import gateway_options
    from zeebe_mail.settings import SettingsError, load
    from zeebe_mail.zeebe.client import Deployed, connect
    from zeebe_mail.zeebe.gateway import GatewayUnavailable, Rejected

    options = gateway_options(load())

    async def send() -> list[Deployed]:
        async with connect(options) as client:
            return await client.deploy(files)

    try:
        for one in run(send()):
            typer.echo(f"{one.process_id}: version {one.version} from {one.resource}")
    except GatewayUnavailable as error:
        raise SettingsError(f"The gateway at {options.address} cannot be used: {error}") from error
    except Rejected as error:
        raise SettingsError(f"The engine refused the files: {error}") from error
