"""The same demo on a newer cluster: Camunda's image, run by the docker command line."""

import shutil
import subprocess
import uuid
from typing import Self

from zeebe_mail.demo.engine import LOOPBACK, free_ports
from zeebe_mail.demo.error import DemoError
from zeebe_mail.ending import let_through

IMAGE = "camunda/camunda:8.9.19"
GATEWAY_PORT = 26500
PULL_LIMIT_S = 1800
ENVIRONMENT = {
    "SPRING_PROFILES_ACTIVE": "broker",
    "CAMUNDA_DATA_SECONDARYSTORAGE_TYPE": "none",
    # Covers REST; the gRPC gateway checks authorizations itself, hence the second one.
    "CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI": "true",
    "CAMUNDA_SECURITY_AUTHORIZATIONS_ENABLED": "false",
}


class DockerBroker:
    """A container on loopback. `start` returns when it runs; ask the topology whether it is ready."""

    def __init__(self) -> None:
        (self._port,) = free_ports(1)
        self._name = f"zeebe-mail-demo-{uuid.uuid4().hex[:8]}"

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Run the image, pulling it when it is not there (docker shows its own progress).

        Raises:
            DemoError: there is no docker command, no engine answers it, or the image cannot be run.
        """
        needs_docker()
        settings = [part for name, value in ENVIRONMENT.items() for part in ("-e", f"{name}={value}")]
        published = ["-p", f"{LOOPBACK}:{self._port}:{GATEWAY_PORT}"]
        command = ["docker", "run", "--rm", "--detach", "--name", self._name, *published, *settings, IMAGE]
        try:
            with let_through():
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=PULL_LIMIT_S)  # noqa: S603
        except subprocess.SubprocessError as error:
            self.close()
            raise DemoError(f"{IMAGE} could not be run ({error}).", "See what docker says above.") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the container and its data."""
        command = ["docker", "rm", "--force", self._name]
        # A session of its own: the next Ctrl-C is not for it.
        subprocess.run(command, check=False, capture_output=True, start_new_session=True)  # noqa: S603


def needs_docker() -> None:
    """Make sure that a Docker engine answers.

    Raises:
        DemoError: it does not.
    """
    if shutil.which("docker") is None:
        raise DemoError("There is no docker command on the PATH.", "Install Docker, or leave out --engine docker.")
    try:
        command = ["docker", "version", "--format", "{{.Server.Version}}"]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)  # noqa: S603
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip() or "it said nothing"
        raise DemoError(f"No Docker engine answers ({said}).", "Start it, or leave out --engine docker.") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise DemoError(f"docker does not run ({error}).", "Mend it, or leave out --engine docker.") from error
