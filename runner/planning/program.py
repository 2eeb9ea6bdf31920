"""The scripts as one program: every statement with its effects, on the objects as they are called at its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.snapshot import Snapshot
from runner.planning.due import Due
from runner.planning.partition_parts import PartitionParts
from runner.project.manifest import ScriptEntry
from runner.sql.inventory import Inventory
from runner.sql.objects import ANY_ARGUMENTS, OWN_NAMES, Effect, Facts, Object, without_table
from runner.sql.respelling import names_in
from runner.sql.simulation import numbered, of_each, resolved
from runner.sql.statements import Script, Statement


class DueScript(Struct, frozen=True, dict=True):
    """A script, and when it is due; with `skipped`, nothing of it is run, whether it is recorded or not."""

    entry: ScriptEntry
    parsed: Script
    due: Due
    skipped: bool

    @property
    def is_ahead(self) -> bool:
        """Whether nothing else can be planned before it: it will be run, or a person has to look at it first."""
        return not self.skipped or self.due.stuck

    @property
    def runs_always(self) -> bool:
        """Whether it is run each time."""
        return self.entry.run == "always"

    @cached_property
    def words_of_data(self) -> frozenset[str]:
        """The names and words in its statements that read or write rows."""
        data = (statement.sql for statement in self.parsed.statements if statement.is_data)
        return frozenset(word for sql in data for word in names_in(sql))


class Flow(Struct, frozen=True, gc=False):
    """A statement at its place in the program.

    `made` tells of each effect whether a statement before it makes the object, `untold` whether it is taken to be there
    though nothing tells.
    """

    script: DueScript
    statement: Statement
    effects: tuple[Effect, ...]
    made: tuple[bool, ...]
    untold: tuple[bool, ...]

    @property
    def runs(self) -> bool:
        """Whether it belongs to a script that is run."""
        return not self.script.skipped


def follow(scripts: Sequence[DueScript], declared: Facts, actual: Snapshot) -> tuple[Flow, ...]:
    """Return the statements of all scripts, with their effects resolved."""
    return tuple(_Follower(scripts, declared, actual).flows(scripts))


def with_scripts(flows: Sequence[Flow], scripts: Sequence[DueScript]) -> tuple[Flow, ...]:
    """Return the flows with the scripts as they are by now."""
    known = {script.entry.path: script for script in scripts}
    pairs = ((flow, known[flow.script.entry.path]) for flow in flows)
    return tuple(flow if flow.script is script else replace(flow, script=script) for flow, script in pairs)


class _Follower:
    def __init__(self, scripts: Sequence[DueScript], declared: Facts, actual: Snapshot) -> None:
        self.program = Inventory()
        """What the statements before have made, as it is called by now."""
        self.known = (self.program, Inventory(actual.facts), Inventory(declared))
        self.untold = Inventory()
        """The tables among it that have parts which no statement names."""
        self.not_null: dict[Object, Object] = {}
        """The columns that constraints with a name keep from being NULL."""
        self.parts = PartitionParts(declared, _dropped(scripts))
        self.owners: dict[tuple[str, str], Object] = {}
        """What indexes of partitions, and keys, are parts of by now: by schema and name."""
        self.functions = {
            effect.object
            for script in scripts
            for statement in script.parsed.statements
            for effect in statement.declaration.effects
            if effect.object.kind == "function"
        }

    def flows(self, scripts: Sequence[DueScript]) -> Iterator[Flow]:
        for script in scripts:
            for statement in script.parsed.statements:
                yield self.flow(script, statement)

    def flow(self, script: DueScript, statement: Statement) -> Flow:
        effects, made, untold = [], [], []
        for written in self.written(statement):
            effect = self.resolved(written, is_chosen=statement.declaration.nameless)
            effects.append(effect)
            made.append(effect.object in self.program)
            untold.append(self.is_untold(script, effect))
            self.apply(effect)
            if statement.declaration.has_more_parts or effect.action in ("drop", "rename", "move"):
                self.untold.apply(effect)
        for effect in [*self.parts.taken(statement, effects, self.program)]:
            effects.append(effect)
            made.append(True)
            untold.append(False)
            self.apply(effect)
        return Flow(script, statement, tuple(effects), tuple(made), tuple(untold))

    def written(self, statement: Statement) -> Iterator[Effect]:
        """Yield the effects, those on all objects of a schema one by one."""
        for effect in statement.declaration.effects:
            yield from of_each(effect, self.program)

    def apply(self, effect: Effect) -> None:
        """Take in what a statement does."""
        self.program.apply(effect)
        if effect.action == "take" and effect.other and effect.other.kind in ("index", "constraint"):
            self.owners[effect.object.schema, effect.object.name] = effect.other

    def is_untold(self, script: DueScript, effect: Effect) -> bool:
        """Return whether what is dropped or renamed may be there, though nothing tells.

        That is a part of a table that is yet to be made, and what no other statement names that is run from the
        beginning in its order, unlike upgrades.
        """
        item, (_, there, _) = effect.object, self.known
        if effect.action not in ("drop", "rename") or item in self.program or item in there:
            return False
        table = Object("table", item.table, "", item.schema)
        is_part = table in self.untold and table not in there
        return is_part or (effect.action == "rename" and script.entry.run in ("once", "on_change"))

    def resolved(self, effect: Effect, *, is_chosen: bool) -> Effect:
        """Return the effect on the object that is meant; `is_chosen` when PostgreSQL chooses its name."""
        item = effect.object
        if effect.action == "create":
            if item.name.endswith(ANY_ARGUMENTS):
                return effect._replace(object=self.function(item))
            return numbered(effect, self.program) if is_chosen and item.kind in OWN_NAMES else effect
        if effect.other and effect.action == "change":
            self.not_null[effect.other] = item
        if effect.action == "set" and (column := self.not_null.get(item)):
            return Effect("change", column)
        if item.name.endswith(ANY_ARGUMENTS):
            effect = effect._replace(object=self.function(item))
        if item.kind == "constraint" and any(item in known for known in self.known):
            return effect  # by its own name, though statements may have made it without one
        found = next((found for known in self.known if (found := resolved(effect, known))), effect)
        if found.action == "take" and found.other and found.other.kind == "index":
            owner = self.resolved(Effect("change", found.other), is_chosen=False).object
            return found._replace(other=owner)
        part = found.object
        if found.action == "change" and part.kind == "index" and (part.schema, part.name) in self.owners:
            return found._replace(object=self.owners[part.schema, part.name])
        return found

    def function(self, item: Object) -> Object:
        """Return the one function of a name that no statement names with its arguments."""
        name = item.name.removesuffix(ANY_ARGUMENTS)
        for known in (self.known[2], self.known[1]):
            own = [o for o in known.near(item.schema, name) if o.kind == "function" and o not in self.functions]
            if own:
                return item._replace(name=own[0].name) if len(own) == 1 else item
        return item


def _dropped(scripts: Sequence[DueScript]) -> frozenset[Object]:
    """Return the parts of tables, and the indexes, that statements drop."""
    effects = (e for script in scripts for statement in script.parsed.statements for e in statement.declaration.effects)
    return frozenset(effect.object for effect in effects if effect.action == "drop")


def all_names(flows: Sequence[Flow]) -> frozenset[Object]:
    """Return what any script makes, drops or renames, by each of its names, and functions by their names alone.

    An index has no table here. A function without arguments stands for one that is dropped or renamed.
    """
    named: set[Object] = set()
    for effect in (effect for flow in flows for effect in flow.effects):
        if effect.action in ("create", "drop", "rename", "move"):
            item, name = without_table(effect.object), effect.object.name.partition("(")[0]
            is_made = effect.action == "create"
            named.add(item._replace(name=name if is_made else name + ANY_ARGUMENTS))
            if not is_made or not item.name.endswith(ANY_ARGUMENTS):
                named.add(item)
        if effect.action in ("rename", "move"):
            named.add(without_table(effect.becomes))
    return frozenset(named)
