"""Where a database comes from: this project made it, nothing did yet, or something that left no history."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from msgspec.structs import replace

from runner.catalog.diff import holds, is_as_declared
from runner.catalog.snapshot import Snapshot
from runner.errors import DatabaseError, Hint, InputError
from runner.planning.aims import Aim, known_facts
from runner.planning.due import Due
from runner.planning.model import Options
from runner.planning.outlook import look_back
from runner.planning.past import Past
from runner.planning.program import DueScript, Flow
from runner.planning.reasons import Reason, ReasonCode
from runner.planning.situation import Situation
from runner.sql.objects import Facts, Object, without_table

Origin = Literal["new", "known", "unknown"]


_NOT_OWN = ("schema", "extension")
_MOST_SHOWN = 3


def origin_of(past: Past, named: Collection[Object], actual: Snapshot) -> Origin:
    """Return where a database comes from; `named` is what the scripts make, by each name that it ever has."""
    if past.is_known:
        return "known"
    there = (without_table(item) for item in actual.facts if item.kind not in _NOT_OWN and not item.is_attached)
    return "unknown" if any(item in named for item in there) else "new"


def judged(
    scripts: Sequence[DueScript], origin: Origin, flows: Sequence[Flow], situation: Situation, options: Options
) -> list[DueScript]:
    """Return the scripts with what a database of that origin needs of them. Raise DatabaseError when it is unknown.

    A new one needs no upgrade. In a known one, a script that is run on a change is run again when what it makes is
    missing: somebody, or an upgrade, has dropped it. In one without a history what is run once is done when all is as
    declared, or all that the script itself makes; it is not when something of that is missing.
    """
    first = _first_upgrade(scripts, options.upgrade_from) if options.upgrade_from else None
    if origin == "new":
        return [_unneeded(script) for script in scripts]
    if options.baseline:
        return list(scripts)
    if origin == "known":
        return _due_for_what_is_missing(scripts, flows, situation)
    if is_as_declared(situation.declared, situation.actual):
        return [_reached(script, "reached") for script in scripts]
    wanted = _wanted(flows, situation)
    _require_none_unknown(scripts, wanted, from_upgrade=first is not None)
    return [
        _before_first(script, scripts, first or 0)
        if script.entry.run == "upgrade"
        else script
        if wanted.get(script.entry.path, True)
        else _reached(script, "made already")
        for script in scripts
    ]


def _due_for_what_is_missing(
    scripts: Sequence[DueScript], flows: Sequence[Flow], situation: Situation
) -> list[DueScript]:
    """Return the scripts, those due that are run on a change, and of which something is missing that they make."""
    missing: dict[str, list[Object]] = {}
    there = known_facts(situation.actual, situation.declared)
    for flow in flows:
        if flow.script.entry.run == "on_change" and not flow.script.due.is_due:
            made = (effect.object for effect in flow.effects if effect.action == "create")
            lacking = [item for item in made if item in situation.declared and item not in there]
            missing.setdefault(flow.script.entry.path, []).extend(lacking)
    return [
        replace(script, due=Due(is_due=True, reason=Reason("missing", tuple(lost))), skipped=False)
        if (lost := missing.get(script.entry.path))
        else script
        for script in scripts
    ]


def _wanted(flows: Sequence[Flow], situation: Situation) -> dict[str, bool]:
    """Return, for each script that changes rows and makes something, whether anything of that is missing."""
    found: dict[str, bool] = {}
    for place in look_back(flows, situation.declared, situation.actual).places:
        script = place.flow.script
        if script.entry.run == "once" and _changes_rows(script) and place.aims:
            path = script.entry.path
            found[path] = found.get(path, False) or any(_is_missing(aim, situation.actual.facts) for aim in place.aims)
    return found


def _is_missing(aim: Aim, there: Facts) -> bool:
    item = aim.effect.object
    if aim.is_due:
        return item in there
    return aim.definition is not None and not holds(aim.definition, there.get(item))


def _unneeded(script: DueScript) -> DueScript:
    if script.entry.run != "upgrade" or not script.due.is_due:
        return script
    return _recorded(replace(script, due=replace(script.due, is_due=False)), "not needed")


def _reached(script: DueScript, code: ReasonCode) -> DueScript:
    if script.entry.run not in ("once", "upgrade") or not script.due.is_due or script.due.stuck or script.due.failed:
        return script
    return _recorded(script, code)


def _recorded(script: DueScript, code: ReasonCode) -> DueScript:
    """Return a script that is recorded at once: when only some of them were, the rest would seem due."""
    return replace(
        script, due=replace(script.due, reason=Reason(code), only_recorded=True, in_setup=True), skipped=True
    )


def _first_upgrade(scripts: Sequence[DueScript], path: str) -> int:
    """Return the place of the first upgrade that is needed. Raise InputError when there is none of that path."""
    upgrades = [script.entry.path for script in scripts if script.entry.run == "upgrade"]
    if path not in upgrades:
        known = f"the upgrades are: {', '.join(upgrades)}" if upgrades else 'no script has run = "upgrade"'
        raise InputError(f"{path!r} is not an upgrade of the manifest", place="--upgrade-from", notes=(Hint(known),))
    return next(place for place, script in enumerate(scripts) if script.entry.path == path)


def _before_first(script: DueScript, scripts: Sequence[DueScript], first: int) -> DueScript:
    if scripts.index(script) >= first or not script.due.is_due:
        return script
    return _recorded(script, "baseline")


def _require_none_unknown(scripts: Sequence[DueScript], wanted: Collection[str], *, from_upgrade: bool) -> None:
    """Raise DatabaseError when it cannot be found out whether a script was applied."""
    upgrades = [script.entry.path for script in scripts if script.entry.run == "upgrade" and script.due.is_due]
    unknown = [
        script.entry.path
        for script in scripts
        if script.entry.run == "once" and script.due.is_due and _changes_rows(script)
    ]
    unknown = [path for path in unknown if path not in wanted] + ([] if from_upgrade else upgrades)
    if not unknown:
        return
    shown = ", ".join(unknown[:_MOST_SHOWN]) + (", …" if len(unknown) > _MOST_SHOWN else "")
    hints = ["apply with --baseline when all of it was applied: it is recorded as it is"]
    if upgrades and not from_upgrade:
        hints.append("apply with --upgrade-from PATH when it is older: PATH is the first upgrade that it still needs")
    raise DatabaseError(
        f"the database has tables of this project and no history of it: it is unknown whether {shown} was applied",
        notes=tuple(map(Hint, hints)),
    )


def _changes_rows(script: DueScript) -> bool:
    return any(statement.changes_rows for statement in script.parsed.statements)
