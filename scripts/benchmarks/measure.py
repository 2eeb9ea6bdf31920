"""Measure whole programs against each other, in one run on one server, and print ratios."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks import access, fleets, locks, projects, stalls
from benchmarks.proxy import Counts, proxy
from benchmarks.psql import psql_command, rendered_script
from tests.support.servers import Server, embedded_server, environment, temporary_folder

ROOT = Path(__file__).resolve().parent.parent.parent
DELAY = 0.010
BARE = str(ROOT / "scripts" / "benchmarks" / "bare.py")
RUNNER = ("-m", "runner")


@dataclass(frozen=True)
class Cost:
    """What a program cost: seconds by the clock, seconds of its own, megabytes at most, and what it sent."""

    wall: float
    user: float
    peak: float
    connections: int
    trips: int


def run(command: Sequence[str], folder: Path, counts: Counts) -> Cost:
    """Run a program to its end. Raise RuntimeError when it fails."""
    counts.clear()
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment(PYTHONPATH=path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}\n{said.decode()}")
    return Cost(wall, usage.ru_utime, usage.ru_maxrss / 1024, counts.connections, counts.trips)


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the run with the median time by the clock, with the median of the program's own time."""
    ordered = sorted(costs, key=lambda cost: cost.wall)
    found = ordered[len(ordered) // 2]
    return Cost(found.wall, median(c.user for c in costs), found.peak, found.connections, found.trips)


@contextmanager
def database(server: Server, delay: float) -> Iterator[tuple[str, Counts]]:
    """Make a database, and yield how it is reached through the proxy."""
    with server.database() as dsn:
        parts = conninfo_to_dict(dsn)
        host, port = str(parts.get("host") or "localhost"), int(parts.get("port") or 5432)
        at = (f"{host}/.s.PGSQL.{port}", 0) if host.startswith("/") else (host, port)
        with proxy(*at, delay) as (local, counts):
            yield make_conninfo(dsn, host="127.0.0.1", port=local, sslmode="disable", gssencmode="disable"), counts


def compare(server: Server, folder: Path, delay: float, repeats: int) -> None:
    """Print a table for one project and one delay: a new database, and a second run."""
    script = rendered_script(folder)
    new: dict[str, Callable[[str], list[str]]] = {
        "apply": lambda dsn: [sys.executable, *RUNNER, "apply", "--dsn", dsn],
        "psql -f": lambda dsn: psql_command(dsn, str(script)),
        "bare": lambda dsn: [sys.executable, BARE, dsn, str(folder / "rendered")],
    }
    bare_again: dict[str, Callable[[str], list[str]]] = {**new, "bare": lambda dsn: [sys.executable, BARE, dsn]}
    first: dict[str, list[Cost]] = {name: [] for name in new}
    second: dict[str, list[Cost]] = {name: [] for name in new}
    for _ in range(repeats):
        for name, command in new.items():
            with database(server, delay) as (dsn, counts):
                first[name].append(run(command(dsn), folder, counts))
                if name == "apply":
                    second["apply"].append(run(command(dsn), folder, counts))
                    second["bare"].append(run(bare_again["bare"](dsn), folder, counts))
                    second["psql -f"].append(run(bare_again["psql -f"](dsn), folder, counts))
    show("new database", {name: middle(costs) for name, costs in first.items()})
    show("second run", {name: middle(costs) for name, costs in second.items()})


def show(title: str, costs: dict[str, Cost]) -> None:
    """Print costs, and those of apply as ratios of the others."""
    print(f"  {title:<14} {'wall s':>8} {'user s':>8} {'peak MB':>8} {'conn':>5} {'trips':>6}")
    for name, cost in costs.items():
        numbers = f"{cost.wall:>8.3f} {cost.user:>8.3f} {cost.peak:>8.0f} {cost.connections:>5} {cost.trips:>6}"
        print(f"  {name:<14} {numbers}")
    wall = costs["apply"].wall
    ratios = ", ".join(f"{wall / cost.wall:.2f} x {name}" for name, cost in costs.items() if name != "apply")
    print(f"  apply takes {ratios}\n", flush=True)


def main(dsn: str | None, repeats: int, only: str | None) -> None:
    """Measure every project, over plain loopback, and this repository's with a delay."""
    compileall.compile_dir(ROOT / "runner", quiet=1)  # as pip does with the other packages, and the image with this one
    with embedded_server() if dsn is None else _given(dsn) as server:
        if only == "access":
            access.measure(server, repeats)
            return
        if only:
            with temporary_folder() as folder:
                stalls.measure(server, folder)
            return
        print(f"PostgreSQL {server.version}, medians of {repeats} runs\n")
        for make, delay in ((projects.own, 0.0), (projects.own, DELAY), (projects.wide, 0.0), (projects.large, 0.0)):
            with temporary_folder() as folder:
                make(folder)
                _lock(server, folder)
                print(f"{make.__name__} project, {delay * 1000:g} ms each way")
                compare(server, folder, delay, repeats)
        with temporary_folder() as folder:
            projects.long(folder)
            memory(server, folder)
        checks(repeats)
        access.measure(server, repeats)
        with temporary_folder() as folder:
            projects.own(folder)
            _lock(server, folder)
            fleets.measure(server, folder)
        with temporary_folder() as folder:
            stalls.measure(server, folder)
        with temporary_folder() as folder:
            seconds, longest = locks.measure(server, folder)
            print(f"repairs on {locks.ROWS:,} rows: {seconds:.1f} s, ACCESS EXCLUSIVE for {longest * 1000:.0f} ms")


def checks(repeats: int) -> None:
    """Print what `check` costs, with squawk where it is installed."""
    print("check")
    for tables in (1_000, 2_000, 5_000):
        with temporary_folder() as folder:
            projects.large(folder, tables // projects.TABLES)
            cost = middle([run([sys.executable, *RUNNER, "check"], folder, Counts()) for _ in range(repeats)])
            figures = f"{cost.wall:>8.3f} s, {cost.user:>8.3f} s of its own, {cost.peak:>6.0f} MB"
            print(f"  {tables:>5,} tables {figures}", flush=True)
    print()


def memory(server: Server, folder: Path) -> None:
    """Print how much memory a script of many statements takes at most."""
    size = sum(path.stat().st_size for path in folder.glob("sql/*.sql")) / 2**20
    print(f"{projects.STATEMENTS:,} statements in one script of {size:.1f} MB")
    with database(server, 0.0) as (dsn, counts):
        for title in ("new database", "without a lock", "second run"):
            cost = run([sys.executable, *RUNNER, "apply", "--quiet", "--dsn", dsn], folder, counts)
            ratio = (cost.peak - 60) / size
            print(f"  {title:<14} {cost.wall:>8.3f} s {cost.peak:>8.0f} MB: 60 MB + {ratio:.1f} x its size", flush=True)
            if title == "without a lock":
                _lock(server, folder)
    print()


@contextmanager
def _given(dsn: str) -> Iterator[Server]:
    yield Server(dsn)


def _lock(server: Server, folder: Path) -> None:
    with server.database() as dsn:
        command = [sys.executable, *RUNNER, "lock", "--quiet", "--dsn", dsn]
        subprocess.run(command, cwd=folder, check=True, env=environment(PYTHONPATH=str(ROOT)))
