"""What a person can do about a finding: the SQL, why no run did it, and the rows that are in the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from runner.catalog.diff import Difference
from runner.repair.proposal import Proposal
from runner.repair.propose import Proposals
from runner.sql.objects import ANY_ARGUMENTS, Object, without_table
from runner.sql.spelling import dropped
from runner.sql.statements import Script, Statement
from runner.verification.finding import Remedy


class Remedies(Struct, frozen=True):
    """Knows what repairs a difference: by a proposal, or by the statement that declares the object."""

    proposals: Proposals
    makers: Mapping[Object, Statement]
    not_done: str
    """Why what a run would do is not done."""
    done: Collection[str] = ()
    """The paths of scripts that are not run again."""

    def of(self, item: Difference) -> Remedy:
        """Return what can be done about a difference."""
        if item.kind == "not compared":
            pid = (item.actual or "").rpartition(" ")[2]
            query = f"select * from pg_stat_activity where pid = {pid};"  # noqa: S608
            return Remedy(query, "the lock has to end first")
        if item.kind in ("undeclared", "unmanaged") and not item.object.is_access:
            what = "what nobody declared" if item.kind == "unmanaged" else f"a {item.object.kind}"
            return Remedy(f"{dropped(item.object, item.actual or '')};", f"no repair drops {what}")
        if item.namesake:
            return Remedy("-- give one of the two another name", "no repair renames what somebody has made")
        proposals = self.proposals.get(item.object, ())
        if proposals:
            return self.proposed([proposal for proposal in proposals if proposal.blocked_by] or proposals)
        statement = self.makers.get(item.object) or self.makers.get(_any_arguments(item.object))
        written = f"{statement.sql};" if statement else f"-- no script of this run makes {item.object}"
        if commented := self.missing_below(item.object):
            return Remedy(written, f"{commented} is missing")
        if item.kind == "missing" or item.object.is_comment:
            return Remedy(written, self.left_by(item.object))
        if statement and statement.declaration.replaces:
            return Remedy(written, self.left_by(item.object))
        return Remedy(f"-- it is declared so:\n{written}", f"no repair is known for a {item.object.kind}")

    def left_by(self, item: Object) -> str:
        """Return why what a run would do for an object is not done."""
        statement = self.makers.get(item) or self.makers.get(Object("table", item.table, "", item.schema))
        if statement and statement.script in self.done:
            return f"{statement.script} was applied, and is not run again"
        return self.not_done

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
        return Remedy(
            "\n".join(proposal.sql for proposal in proposals),
            "; ".join(reasons) or self.left_by(proposals[0].object),
            rows,
        )


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
