"""What a person can do about a finding: the SQL, why no run did it, and the rows that are in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from runner.catalog.diff import Difference
from runner.catalog.table_definitions import enum_values
from runner.repair.proposal import Proposal
from runner.repair.propose import Proposals
from runner.sql.objects import ANY_ARGUMENTS, Object, qualified_name, without_table
from runner.sql.spelling import spelled
from runner.sql.statements import Script, Statement
from runner.verification.finding import Remedy

_REPLACED = ("view", "function", "trigger")


class Remedies(Struct, frozen=True):
    """Knows what repairs a difference: by a proposal, or by the statement that declares the object."""

    proposals: Proposals
    makers: Mapping[Object, Statement]
    not_done: str
    """Why what a run would do is not done."""

    def of(self, item: Difference) -> Remedy:
        """Return what can be done about a difference."""
        if item.kind == "not compared":
            pid = (item.actual or "").rpartition(" ")[2]
            query = f"select * from pg_stat_activity where pid = {pid};"  # noqa: S608
            return Remedy(query, "the lock has to end first")
        if item.kind == "undeclared":
            return Remedy(f"drop {spelled(item.object)};", f"no repair drops a {item.object.kind}")
        proposals = self.proposals.get(item.object, ())
        if proposals:
            return self.proposed([proposal for proposal in proposals if proposal.blocked_by] or proposals)
        statement = self.makers.get(item.object) or self.makers.get(_any_arguments(item.object))
        written = f"{statement.sql};" if statement else f"-- no script of this run makes {item.object}"
        if commented := self.missing_below(item.object):
            return Remedy(written, f"{commented} is missing")
        if item.kind == "missing" or item.object.is_comment:
            return Remedy(written, self.not_done)
        if item.object.kind in _REPLACED:
            return Remedy(
                f"drop {spelled(item.object)};\n{written}", "only CREATE OR REPLACE gives it another definition"
            )
        if values := _added_values(item):
            return Remedy(values, "a value of an enum type cannot be taken back")
        return Remedy(f"-- it is declared so:\n{written}", f"no repair is known for a {item.object.kind}")

    def missing_below(self, comment: Object) -> Object | None:
        """Return what a comment is on, when that is missing itself."""
        if not comment.is_comment:
            return None
        own = (item for item in self.proposals if without_table(item) == comment.subject)
        return next((item for item in own if self.proposals[item][0].problem == "missing"), None)

    def proposed(self, proposals: Sequence[Proposal]) -> Remedy:
        """Return what one or more proposals say."""
        reasons = [_reason(proposal, alone=len(proposals) == 1) for proposal in proposals if proposal.blocked_by]
        rows = tuple(row for proposal in proposals for row in proposal.rows)
        return Remedy("\n".join(proposal.sql for proposal in proposals), "; ".join(reasons) or self.not_done, rows)


def makers(scripts: Sequence[Script]) -> Mapping[Object, Statement]:
    """Return the last statement that makes or changes each object."""
    return {
        effect.object: statement
        for script in scripts
        for statement in script.statements
        for effect in statement.declaration.declares
    }


def _reason(proposal: Proposal, *, alone: bool) -> str:
    return proposal.blocked_by if alone or not proposal.detail else f"{proposal.detail}: {proposal.blocked_by}"


def _any_arguments(item: Object) -> Object:
    return item._replace(name=item.name.partition("(")[0] + ANY_ARGUMENTS) if item.kind == "function" else item


def _added_values(item: Difference) -> str:
    """Return the statements that add the values which an enum type lacks at its end."""
    declared, actual = enum_values(item.declared or ""), enum_values(item.actual or "")
    if declared is None or actual is None:
        return ""
    lacking = [value for value in declared if value not in actual]
    return "\n".join(f"alter type {qualified_name(item.object)} add value {value};" for value in lacking)
