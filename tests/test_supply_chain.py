"""What is installed and run is what was looked at: packages by hash, actions by commit, images by version."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import Page
from tests.support.projects import ROOT

REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_packages_have_versions_and_hashes(path: Path) -> None:
    """Each requirement is one version, with the hashes of its files."""
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE).strip())
    assert len(entries) > 5
    assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+( ; .+)? \\\n +--hash=sha256:", entry)] == []


def test_installations_ask_for_hashes() -> None:
    """What installs packages for the image, the scripts and a project of one's own takes no other."""
    for name in ("Dockerfile", "README.md", "scripts/environment.py"):
        assert "--require-hashes" in (ROOT / name).read_text(), name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """A tag may be moved; the version is beside the commit, for people."""
    used = re.findall(r"uses: *(.+)", path.read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[0-9.]+", each)] == []


def test_images_are_pinned_by_version() -> None:
    """None is the newest, whatever that is."""
    text = "".join((ROOT / name).read_text() for name in ("Dockerfile", "compose.yaml", "docs/kubernetes.yaml"))
    images = re.findall(r"(?:^ARG BASE=|image: |:-)([\w./-]+(?::[\w.-]+)?)", text, re.MULTILINE)
    assert {"python:3.13-slim", "postgres:18"} <= set(images)
    own = "jira-sync-database"
    assert [image for image in images if image != own and not re.search(r":[0-9][\w.-]*$", image)] == []


def test_the_example_checks_who_the_server_is() -> None:
    """Its connection string asks for a certificate of a known authority and for the name of the host."""
    text = (ROOT / "docs" / "kubernetes.yaml").read_text()
    assert "sslmode=verify-full&sslrootcert=/etc/postgresql-ca/ca.crt" in text
    assert text.count("mountPath: /etc/postgresql-ca") == text.count("valueFrom:")


def test_the_tests_of_each_guarantee_are_there() -> None:
    """SECURITY.md names test files that exist."""
    named = [text for text in Page(ROOT / "SECURITY.md").inline if text.startswith("tests/")]
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_a_path_that_cannot_work_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    """The virtual environment cannot be in a path with a colon, nor the embedded server in one that a shell reads."""
    folder = tmp_path / "a$b"
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("benchmarks", "__pycache__"))
    ended = subprocess.run([sys.executable, folder / "scripts" / "run"], check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert (
        ended.stderr == f"error: {folder}: move the project to a path without '$', which venv or PostgreSQL misreads\n"
    )
    assert [path.name for path in folder.iterdir()] == ["scripts"]
