"""What one writes first: pyzeebe with its defaults, and aiosmtplib's `send()`, a connection a mail.

``python -m benchmarks.stock_worker ADDRESS CA_FILE`` works until it is ended.
"""

import asyncio
import ssl
import sys
from email.message import EmailMessage
from typing import Any

import aiosmtplib
from pyzeebe import ZeebeWorker, create_insecure_channel


async def main(address: str, ca_file: str) -> None:
    worker = ZeebeWorker(create_insecure_channel(grpc_address=address))
    trust = ssl.create_default_context(cafile=ca_file)

    @worker.task(task_type="mail:smtp-send:1")
    async def send(server: dict[str, Any], auth: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = request["from"], request["to"], request["subject"]
        message.set_content(request["text"])
        _, response = await aiosmtplib.send(
            message,
            hostname=server["host"],
            port=server["port"],
            use_tls=True,
            tls_context=trust,
            username=auth["username"],
            password="bench-password",
        )
        return {"mail": {"response": response}}

    await worker.work()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
