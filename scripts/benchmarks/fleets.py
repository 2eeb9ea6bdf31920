"""Many databases at once: apply on all of them, new and again, against psql run by xargs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from benchmarks.psql import psql_command, rendered_script
from tests.support.servers import Server, environment

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASES, JOBS = 200, 16


def measure(server: Server, folder: Path) -> None:
    """Print how many databases a second are done, and the ratio to psql; `folder` has a project and its lock."""
    script = rendered_script(folder)
    rates: dict[str, float] = {}
    with _databases(server) as names:
        targets = folder / "targets.txt"
        targets.write_text("\n".join(names), encoding="utf-8")
        program = [sys.executable, "-m", "runner"]
        options = ["--quiet", "--targets", str(targets), "--jobs", str(JOBS)]
        for run in ("new", "second run"):
            rates[f"apply, {run}"] = _rate([*program, "apply", *options], folder)
        rates["verify"] = _rate([*program, "verify", *options], folder)
    with _databases(server) as names:
        psql = psql_command("{}", str(script))
        for run in ("new", "second run"):
            rates[f"psql, {run}"] = _rate(["xargs", "-P", str(JOBS), "-I", "{}", *psql], folder, "\n".join(names))
    print(f"{DATABASES} databases, {JOBS} at a time, on {os.cpu_count()} processors")
    for name, rate in rates.items():
        print(f"  {name:<18} {rate:>6.1f} a second")
    for run in ("new", "second run"):
        print(f"  {run}: {rates[f'apply, {run}'] / rates[f'psql, {run}']:.2f} x what xargs with psql reaches")
    print(flush=True)


def _rate(command: Sequence[str], folder: Path, text: str = "") -> float:
    begin = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        input=text,
        encoding="utf-8",
        stdout=subprocess.DEVNULL,
        env=environment(PYTHONPATH=str(ROOT), PGOPTIONS="-c client_min_messages=warning"),
    )
    return DATABASES / (time.perf_counter() - begin)


@contextmanager
def _databases(server: Server) -> Iterator[list[str]]:
    with ExitStack() as stack:
        yield [_url(stack.enter_context(server.database())) for _ in range(DATABASES)]


def _url(dsn: str) -> str:
    """Return a connection string without white space and quotes, which xargs would take for its own."""
    parts = conninfo_to_dict(dsn)
    user = f"{parts['user']}:{parts['password']}" if parts.get("password") else parts["user"]
    host = str(parts["host"]).replace("/", "%2F")
    return f"postgresql://{user}@{host}:{parts.get('port', 5432)}/{parts['dbname']}"
