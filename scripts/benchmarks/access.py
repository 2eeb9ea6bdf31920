"""How much longer `verify` takes where roles may do something with each of 1,000 tables."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import projects
from tests.support.projects import runner_environment
from tests.support.servers import Server, temporary_folder

ROLES = 5
GRANTS = ("select", "select, insert", "select, insert, update, delete", "all", "select (id, c0), update (c1)")
"""What each of the roles may do with each table."""


def measure(server: Server, repeats: int) -> None:
    """Print what `verify` costs without grants and with them, with a fresh lock file."""
    tables = projects.SCRIPTS * projects.TABLES
    print(f"verify of {tables:,} tables, without grants and with those of {ROLES} roles")
    with server.roles(ROLES, "bench_") as roles:
        without, with_grants = (_seconds(server, granted, repeats) for granted in ((), roles))
    print(f"  without {without:>8.3f} s\n  with    {with_grants:>8.3f} s: {with_grants / without:.2f} x\n", flush=True)


def _seconds(server: Server, roles: Sequence[str], repeats: int) -> float:
    """Return the median time of `verify` by the clock."""
    with temporary_folder() as folder, server.database() as dsn:
        projects.large(folder)
        if roles:
            _grant(folder, roles)
        for command in ("lock", "apply"):
            _run(folder, command, dsn)
        return median(_run(folder, "verify", dsn) for _ in range(repeats))


def _grant(folder: Path, roles: Sequence[str]) -> None:
    """Let the roles do something with all tables of a project."""
    for path in sorted(folder.glob("sql/*.sql")):
        names = [line.split()[5] for line in path.read_text(encoding="utf-8").splitlines() if "create table" in line]
        given = (
            f"grant {what} on {name} to {role};\n" for name in names for role, what in zip(roles, GRANTS, strict=True)
        )
        path.write_text(path.read_text(encoding="utf-8") + "".join(given), encoding="utf-8")
    manifest = folder / "manifest.toml"
    manifest.write_text(f'{manifest.read_text(encoding="utf-8")}\n[roles]\nmanaged = ["bench_*"]\n', encoding="utf-8")


def _run(folder: Path, command: str, dsn: str) -> float:
    begin = time.perf_counter()
    arguments = [sys.executable, "-m", "runner", command, "--quiet", "--dsn", dsn]
    ended = subprocess.run(arguments, cwd=folder, env=runner_environment(), check=False, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{command}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return time.perf_counter() - begin
