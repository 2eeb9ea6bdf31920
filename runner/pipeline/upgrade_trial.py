"""One earlier release is upgraded: what has to hold before, afterwards, and once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from runner.errors import ConnectError, DatabaseError, InterruptError
from runner.execution.listener import Listener
from runner.pipeline.apply import ApplyResult, Request
from runner.pipeline.end_state import (
    EndState,
    NewDatabase,
    changed_state,
    read_dump,
    read_state,
    table_name,
    unlike_dump,
    unlike_new,
)
from runner.pipeline.run import run
from runner.pipeline.upgraded import Deviation, Note, Outcome, Proof
from runner.planning.model import Options
from runner.postgres.cancellation import Cancellation
from runner.postgres.errors import statement_error
from runner.postgres.opener import Opener
from runner.postgres.settings import session_settings
from runner.project.earlier import Choice, Earlier
from runner.rows.kept import Fate, find_fates, same_in
from runner.rows.made_up import make_rows
from runner.rows.tables import Contents, read_contents
from runner.sql.lock_rules import HAZARDS
from runner.verification.finding import Finding, finding_lines, finding_text

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.planning.model import Plan
    from runner.project.loading import Project
    from runner.rows.tables import Table
    from runner.sql.statements import Script

_MOST_FINDINGS = 20


class Wanted(Struct, frozen=True):
    """What is asked for: the rows, else they are made up, and tables and columns that the upgrade may change."""

    choice: Choice = Choice()
    rows: Script | None = None
    may_change: tuple[str, ...] = ()


class Trial:
    """The test of one earlier release, `old`, on a database of its own."""

    def __init__(
        self,
        opener: Opener,
        old: Project,
        loaded: Project,
        new: NewDatabase,
        wanted: Wanted,
        stage: Callable[[str], None],
    ) -> None:
        self.opener, self.old, self.loaded, self.new, self.wanted, self.stage = opener, old, loaded, new, wanted, stage
        self.old_opener = replace(opener, manifest=old.project.manifest)
        self.proofs: list[Proof] = []
        self.deviations: list[Deviation] = []
        self.notes: list[Note] = []

    def outcome(self, earlier: Earlier) -> Outcome:
        """Return what came of it."""
        self.stage("making the earlier release")
        if reason := self.make_release():
            return Outcome(earlier, reason)
        then, rows = self.fill(), 0
        if then:
            rows = sum(len(then.rows[table.oid]) for table in then.tables.values() if not self.is_passed(table))
            if self.upgrade(then):
                self.unmoved("again", self.opener, self.loaded)
                self.run_older()
        return Outcome(earlier, "", rows, tuple(self.proofs), tuple(self.deviations), tuple(self.notes))

    def is_passed(self, table: Table) -> bool:
        """Return whether the rows of a table are those of another, or the runner's own."""
        return table.is_partition or self.is_own(table)

    def is_own(self, table: Table) -> bool:
        """Return whether a table is that of a history."""
        manifests = (self.old.project.manifest, self.loaded.project.manifest)
        return any(
            table.schema == manifest.project.schema
            and table.name in (manifest.run.history_table, manifest.run.release_table)
            for manifest in manifests
        )

    def make_release(self) -> str:
        """Make a database of the earlier release; return why that is not possible."""
        try:
            result = apply_to(self.old_opener, self.old)
        except (ConnectError, InterruptError):
            raise
        except DatabaseError as error:
            return f"cannot be made: {str(error).splitlines()[0]}"
        return "" if result.verification.ok else f"cannot be made: {findings_text(result)[0].splitlines()[0]}"

    def fill(self) -> Contents | None:
        """Put rows in, and return all of them; None when those of the file cannot be put in."""
        self.stage("filling tables")
        self.proofs.append("upgrade")
        reasons: dict[int, str] = {}
        with self.old_opener.connect() as connection:
            for setting in session_settings(self.old.project.manifest, local=False):
                connection.execute(setting.encode())
            if self.wanted.rows:
                try:
                    put_in(connection, self.wanted.rows)
                except DatabaseError as error:
                    self.deviations.append(
                        Deviation("upgrade", "error", self.wanted.rows.rendered.path, None, str(error))
                    )
                    return None
            else:
                own = [table.oid for table in read_contents(connection).tables.values() if self.is_own(table)]
                reasons = {empty.table.oid: empty.reason for empty in make_rows(connection, own)}
            contents = read_contents(connection)
        self.notes += [
            Note("no rows", f"table {table_name(table, self.loaded)}", reasons.get(oid, ""))
            for oid, table in contents.tables.items()
            if not contents.rows[oid] and not self.is_passed(table)
        ]
        return contents

    def upgrade(self, then: Contents) -> bool:
        """Apply the files as they are now, and compare; return whether they could be applied."""
        result = self.attempt("upgrade", self.opener, self.loaded)
        if result is None:
            return False
        self.proofs += ["new", "rows"]
        with self.opener.connect() as connection:
            state = read_state(connection, self.loaded)
            fates = list(find_fates(then, state.contents, same_in(connection), self.is_own))
        self.deviations += _deviations(result.verification.findings)
        self.compare(state)
        for fate in fates:
            self.take(fate)
        return not any(deviation.proof == "upgrade" for deviation in self.deviations)

    def compare(self, state: EndState) -> None:
        """Compare the end with a new database: where the catalogs do not differ, pg_dump may know more."""
        if self.deviations:
            return
        differences = list(unlike_new(self.new, state))
        dump = read_dump(self.opener, self.loaded)
        if reason := dump.reason or self.new.dump.reason:
            self.notes.append(Note("no dump", "pg_dump", reason))
        self.deviations += differences or unlike_dump(self.new, state, dump)

    def take(self, fate: Fate) -> None:
        """Keep what became of rows: as a deviation where it must not be."""
        table = table_name(fate.table, self.loaded)
        names = {table, f"{table}.{fate.column.name}"} if fate.column else {table}
        name = f"column {table}.{fate.column.name}" if fate.column else f"table {table}"
        shown = f"{name}, now {fate.now_called}" if fate.now_called else name
        if fate.kind in ("gone", "filled", "not compared"):
            self.notes.append(Note(fate.kind, shown, rows=fate.rows))
        elif names & {*self.wanted.may_change} or fate.now_called in self.wanted.may_change:
            self.notes.append(Note("may change", shown, rows=fate.rows))
        else:
            self.deviations.append(Deviation("rows", fate.kind, shown, fate.then, fate.now, fate.rows))

    def run_older(self) -> None:
        """Prove that the files of the earlier release change nothing now."""
        if self.old.project.manifest.run.older == "apply":
            self.notes.append(Note("older", "older files", 'they say [run] older = "apply", and are applied'))
            return
        self.unmoved("older", self.old_opener, self.old)

    def unmoved(self, proof: Proof, opener: Opener, loaded: Project) -> None:
        """Apply a project where nothing is to be done, and keep what was done all the same."""
        self.proofs.append(proof)
        before = self.state()
        result = self.attempt(proof, opener, loaded)
        if result is None:
            return
        for script in result.scripts:
            if script.status != "unchanged":
                self.deviations.append(Deviation(proof, "sent", script.plan.script.path, "unchanged", script.status))
        if proof == "older":
            self.take_older(result.plan)
        after = self.state()
        names = {t.oid: table_name(t, self.loaded) for s in (before, after) for t in s.contents.tables.values()}
        self.deviations += changed_state(proof, before, after, names)

    def take_older(self, plan: Plan) -> None:
        """Keep what the earlier files lack, and whether they are recognized as older."""
        if plan.older:
            self.notes += [Note("lacking", f"{lack.kind}: {lack.object}") for lack in plan.older.lacks]
            self.notes += [Note("lacking", "data statements that differ")] if plan.older.has_other_data else []
        elif plan.release:
            self.deviations.append(Deviation("older", "not older", self.old.project.file))

    def state(self) -> EndState:
        """Return all that is in the database now."""
        with self.opener.connect() as connection:
            return read_state(connection, self.loaded)

    def attempt(self, proof: Proof, opener: Opener, loaded: Project) -> ApplyResult | None:
        """Apply a project, and keep why that cannot be done."""
        self.stage(_STAGES[proof])
        try:
            return apply_to(opener, loaded)
        except (ConnectError, InterruptError):
            raise
        except DatabaseError as error:
            self.deviations.append(Deviation(proof, "error", "apply", None, str(error)))
            return None


_STAGES: dict[Proof, str] = {
    "upgrade": "applying the files as they are now",
    "again": "applying them again",
    "older": "applying the earlier files again",
}


def apply_to(opener: Opener, loaded: Project) -> ApplyResult:
    """Apply a project to a database, and verify it."""
    everything = Request(Options(allow_hazards=HAZARDS))  # the database is there for nothing else
    return run(opener.connect, loaded, everything, Listener(), Cancellation())


def put_in(connection: Connection[Any], rows: Script) -> None:
    """Run the statements that put rows in. Raise DatabaseError."""
    for statement in rows.statements:
        try:
            connection.execute(statement.sql.encode())
        except psycopg.Error as error:
            if connection.closed:
                raise
            raise statement_error(error, rows, statement) from error


def _deviations(findings: Sequence[Finding]) -> Iterator[Deviation]:
    """Return what the verification after an upgrade found, a script that has failed among it."""
    for finding in _scripts_first(findings):
        if finding.kind == "script":
            yield Deviation("upgrade", "error", str(finding.object), None, finding_text(finding))
        else:
            yield Deviation("new", "finding", finding_text(finding))


def findings_text(result: ApplyResult) -> tuple[str, ...]:
    """Return what the verification after a run found, as far as it fits an error."""
    found = _scripts_first(result.verification.findings)[:_MOST_FINDINGS]
    return tuple(line for finding in found for line in finding_lines(finding))


def _scripts_first(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings with the scripts that have failed before what is missing because of them."""
    return sorted(findings, key=lambda finding: finding.kind != "script")
