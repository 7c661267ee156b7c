"""Starts the worker for the conformance bench: its variables become ordinary settings of ours."""

import os
import sys
import tempfile


def settings() -> dict[str, str]:
    """The environment of the worker; every secret is in it already, with the prefix that is our default."""
    return os.environ | {
        "ZEEBE_ADDRESS": os.environ["CONFORMANCE_GRPC"],
        "ZEEBE_MAIL_COMPAT": "camunda",
        "ZEEBE_MAIL_CONNECT_TIMEOUT": "3",  # several servers of the bench say nothing, and are to be given up soon
        "ZEEBE_MAIL_CA_FILE": os.environ["CONFORMANCE_CA"],
        "ZEEBE_MAIL_HTTP_PORT": "0",
        "ZEEBE_MAIL_LEDGER": f"{tempfile.mkdtemp()}/ledger.db",
        "CAMUNDA_REST_ADDRESS": os.environ["CONFORMANCE_REST"],
        "ZEEBE_MAIL_URLS": f"{os.environ['CONFORMANCE_REST']}/files/*",
        "ZEEBE_MAIL_URL_PRIVATE_HOSTS": "127.0.0.1",
    }


if __name__ == "__main__":
    os.execve(sys.executable, [sys.executable, "-m", "zeebe_mail", "run"], settings())
