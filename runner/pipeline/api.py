"""The stages for programs: load, plan, apply, verify. Nothing here prints, exits, or takes a signal.

Each function makes a connection of its own, and closes it: a run needs a session to itself, for its lock, its role and
its settings, a second one that sees whom it waits for, and new ones when a connection is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from runner.errors import ConnectError, DatabaseError, InputError, RunnerError, StatementError
from runner.execution.listener import Listener
from runner.execution.results import LateResult, ScriptResult
from runner.pipeline.apply import ApplyResult, Request
from runner.pipeline.plan import plan_database
from runner.pipeline.run import Connect, run
from runner.pipeline.verify import verify_database
from runner.planning.model import LateRepair, Options, Plan, ScriptPlan, Step
from runner.planning.reasons import Reason
from runner.postgres.cancellation import Cancellation
from runner.postgres.opener import Opener
from runner.postgres.target import find_target
from runner.project.loading import Project
from runner.project.loading import load as load_files
from runner.verification.finding import Finding, finding_lines
from runner.verification.findings import Verification
from runner.verification.older_files import ROLLBACK, ahead
from runner.wording import count

__all__ = [
    "ApplyResult",
    "ConnectError",
    "DatabaseError",
    "Finding",
    "FindingsError",
    "InputError",
    "LateRepair",
    "LateResult",
    "Options",
    "Plan",
    "Project",
    "Reason",
    "RunnerError",
    "ScriptPlan",
    "ScriptResult",
    "StatementError",
    "Step",
    "Verification",
    "apply",
    "load",
    "plan",
    "verify",
]

MOST_TOLD = 20
"""How many findings the text of an error names."""

Say = Callable[[str], None]
"""Is told, in a line, what a person who waits would like to know."""


class FindingsError(DatabaseError):
    """A run has ended, and the database is not as declared; `result` tells what was done and what was found."""

    def __init__(self, result: ApplyResult) -> None:
        findings = result.verification.findings
        notes = [line for finding in findings[:MOST_TOLD] for line in finding_lines(finding)]
        notes += [f"… and {len(findings) - MOST_TOLD} more"] if len(findings) > MOST_TOLD else []
        older = result.plan.older
        notes += [ROLLBACK] if older else []
        why = f"{ahead(older)}, and lacks what these files declare" if older else "not as declared"
        super().__init__(f"{why}: {count(len(findings), 'finding')}", notes=tuple(notes))
        self.result = result


def load(
    manifest: str | Path,
    variables: Mapping[str, object] | None = None,
    profiles: Sequence[str] = (),
    release: int | None = None,
) -> Project:
    """Read, render and parse the manifest and what it names, with other values for some of its variables.

    A script with profiles is included when one of its own is among `profiles`; `release` is another number than the
    manifest's. No server is asked. What is returned never changes, and serves any number of databases. Raise
    InputError.
    """
    return load_files(Path(manifest), variables or {}, tuple(profiles)).numbered(release)


def plan(
    loaded: Project,
    dsn: str | None = None,
    *,
    options: Options = Options(),  # noqa: B008  frozen
    wait: float = 30,
    say: Say = lambda _: None,
) -> Plan:
    """Return what `apply` would do, statement by statement. Change nothing. Raise DatabaseError, InputError for `dsn`.

    `dsn` says which database, and without it the environment; `wait`, for how many seconds a server may be starting.
    """
    with _connector(loaded, dsn, wait, say) as connect, connect() as connection:
        return plan_database(connection, loaded, say, options).plan


def apply(
    loaded: Project,
    dsn: str | None = None,
    *,
    options: Options = Options(),  # noqa: B008  frozen
    expect: str | None = None,
    wait: float = 30,
    lock_wait: float = 60,
    say: Say = lambda _: None,
) -> ApplyResult:
    """Apply what the database lacks, and verify it. Raise FindingsError when it is not as declared afterwards.

    `expect` is the hash of the only plan that may be run; `lock_wait` says for how many seconds another run may go on;
    the rest is as in `plan`. Raise DatabaseError when the run cannot begin or go on, InputError for `dsn`.
    """
    with _connector(loaded, dsn, wait, say) as connect:
        result = run(connect, loaded, Request(options, expect, lock_wait), Listener(say=say), Cancellation())
    if not result.verification.ok:
        raise FindingsError(result)
    return result


def verify(loaded: Project, dsn: str | None = None, *, wait: float = 30, say: Say = lambda _: None) -> Verification:
    """Compare the database with what is declared, and run the checks. Change nothing. Raise as `plan` does."""
    with _connector(loaded, dsn, wait, say) as connect, connect() as connection:
        return verify_database(connection, loaded, say)


@contextmanager
def _connector(loaded: Project, dsn: str | None, wait: float, say: Say) -> Iterator[Connect]:
    """Yield what connects to the database."""
    project = loaded.project
    with find_target(dsn, project.folder, say, origin="dsn") as target:
        yield Opener(target, project.manifest, wait, say).connect
