"""Objects with their definitions at one time: found by what they belong to, and followed when they get other names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from runner.sql.chosen_names import chosen_name
from runner.sql.lists import list_in
from runner.sql.objects import (
    ANY_ARGUMENTS,
    INHERITS,
    NEW,
    OWN_NAMES,
    PUBLICATION_MEMBERS,
    WITH_PARTS,
    Effect,
    Facts,
    Object,
    qualified_name,
)
from runner.sql.privileges import RUNNING, after, default_text, of_new, privileges_of
from runner.sql.quoting import identifier
from runner.sql.respelling import renamed, respelled, words

_OWNERS = (*WITH_PARTS, "schema")


class Inventory(Mapping[Object, str]):
    """Objects with their definitions, in the order in which they came."""

    def __init__(self, facts: Facts | None = None) -> None:
        """Begin with some facts."""
        self._facts: dict[Object, str] = {}
        self._near: dict[tuple[str, str], dict[Object, None]] = {}
        """By schema and name of the table, or of an object without one; indexes and constraints by their own too."""
        self._mentioned: dict[str, dict[Object, None]] | None = None
        """By the words of definitions, from the first renaming on."""
        self._defaults: dict[Object, None] = {}
        """The default privileges among them."""
        self._heirs: dict[Object, None] = {}
        """The tables that inherit from others, where statements tell."""
        self._columns: dict[Object, tuple[str, ...]] = {}
        """The columns that a constraint or an index goes with, where statements tell."""
        for item, definition in (facts or {}).items():
            self[item] = definition

    def __getitem__(self, item: Object) -> str:
        return self._facts[item]

    def __iter__(self) -> Iterator[Object]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __contains__(self, item: object) -> bool:
        return item in self._facts

    def __setitem__(self, item: Object, definition: str) -> None:
        before = self._facts.get(item)
        if before is None:
            for key in _keys(item):
                self._near.setdefault(key, {})[item] = None
            if item.is_access and item.subject.kind.startswith(NEW):
                self._defaults[item] = None
            if item.kind == "table" and definition.startswith(INHERITS):
                self._heirs[item] = None
        elif self._mentioned is not None and before != definition:
            self._mention(item, before, present=False)
        self._facts[item] = definition
        if self._mentioned is not None and before != definition:
            self._mention(item, definition, present=True)

    def pop(self, item: Object) -> str | None:
        """Remove an object; return its definition, None when it was not there."""
        definition = self._facts.pop(item, None)
        if definition is not None:
            for key in _keys(item):
                self._near[key].pop(item, None)
            self._defaults.pop(item, None)
            self._heirs.pop(item, None)
            if self._mentioned is not None:
                self._mention(item, definition, present=False)
        return definition

    def near(self, schema: str, word: str) -> Collection[Object]:
        """Return what may belong to a name: the parts of a table, functions of it, indexes and constraints of it."""
        return self._near.get((schema, word), ())

    def columns(self, item: Object) -> tuple[str, ...]:
        """Return the columns that a constraint or an index goes with, as far as statements tell."""
        return self._columns.get(item, ())

    def heirs(self, table: Object) -> Iterator[Object]:
        """Yield the tables that inherit from a table, as far as statements tell, those of these among them."""
        name = qualified_name(table)
        for heir in self._heirs:
            if name in list_in(self._facts[heir].removeprefix(INHERITS))[0]:
                yield heir
                yield from self.heirs(heir)

    def below(self, owner: Object) -> list[Object]:
        """Return an object with its parts and their comments, as far as they are there."""
        if owner.kind == "schema":
            found = [item for item in self._facts if belongs_to(item, owner)]
        else:
            keys = [(owner.schema, owner.table or _word(owner.name)), (owner.schema, owner.name)]
            candidates = {item: None for key in keys[: 1 + (owner.kind in OWN_NAMES)] for item in self.near(*key)}
            found = [item for item in candidates if belongs_to(item, owner)]
        comments = (item.comment for item in found if item.kind in OWN_NAMES)
        return list(dict.fromkeys((*found, *(item for item in comments if item in self._facts))))

    def going_with(self, dropped: Object) -> list[Object]:
        """Return what PostgreSQL drops with a column, and an unnamed constraint that it knows by a name."""
        own = self.near(dropped.schema, dropped.table) if dropped.table else ()
        return [item for item in own if item.table == dropped.table and self._goes_with(item, dropped)]

    def _goes_with(self, item: Object, dropped: Object) -> bool:
        if dropped.kind == "constraint":
            return dropped.name == automatic_name(item)
        if dropped.kind != "column" or item.kind not in ("constraint", "index", "statistics"):
            return False
        return dropped.name in self._columns.get(item, ()) or identifier(dropped.name) in words(self._facts[item])

    def apply(self, effect: Effect) -> None:
        """Take in what a statement does, as far as its text tells."""
        item = effect.object
        match effect.action:
            case "create" | "change":
                if item not in self._facts:
                    self[item] = effect.value
                    self._give_defaults(effect)
                if effect.columns:
                    self._columns[item] = effect.columns
            case "set":
                self._take_from_owner(item, effect.value)
                self[item] = effect.value
            case "grant" | "revoke":
                self._give(effect)
            case "drop":
                self.drop(item)
            case "rename" | "move":
                self.rename(item, effect.becomes)
            case "take":
                for part in self.below(item):
                    self.pop(part)

    def _give(self, effect: Effect) -> None:
        """Take in GRANT and REVOKE."""
        item = effect.object
        text = after(effect, self._facts.get(item))
        if text == default_text(item):
            self.pop(item)
        else:
            self[item] = text

    def _take_from_owner(self, item: Object, new: str) -> None:
        """Let what the owner until now may do go with what it owns."""
        old = self._facts.get(item) if item.is_access else None
        if old is None or old == new:
            return
        for other in self.access_of(old, item.subject):
            self.pop(other)

    def access_of(self, role: str, subject: Object) -> list[Object]:
        """Return what a role may do with an object, and with the columns of a relation."""
        kinds = {privileges_of(role, Object(kind, "")).kind for kind in ("column", subject.kind)}
        own = self.near(subject.schema, subject.name)
        return [item for item in own if item.kind in kinds and (item.subject == subject or item.table == subject.name)]

    def _give_defaults(self, effect: Effect) -> None:
        """Take in what the default privileges give on what is made; a column may have a sequence."""
        if not self._defaults or effect.action != "create" or effect.object.is_attached:
            return
        made = [effect.object]
        if effect.object.kind == "column":
            made = [Object("sequence", name, "", effect.object.schema) for name in effect.columns]
        defaults = [(item, self._facts[item]) for item in self._defaults if item.subject.name == RUNNING]
        for privileges, text in (pair for item in made for pair in of_new(item, defaults)):
            self[privileges] = text

    def drop(self, item: Object) -> list[Object]:
        """Remove an object with its parts and what goes with it; return all of that."""
        gone = self.below(item)
        for other in self.going_with(item):
            gone += self.below(other)
        for other in gone:
            self.pop(other)
        return gone

    def rename(self, old: Object, new: Object) -> dict[Object, Object]:
        """Give an object another name or schema, in its parts and in definitions too; return what is called what."""
        if self._mentioned is None:
            self._mentioned = {}
            for item, definition in self._facts.items():
                self._mention(item, definition, present=True)
        affected = dict.fromkeys(self.below(old))
        if old.kind != "schema":
            affected |= dict.fromkeys(self._mentioned.get(identifier(old.word), ()))
        else:
            affected = dict.fromkeys(self._facts)
        changed = []
        for item in affected:
            definition = self._facts[item]
            becomes = renamed(item, old, new), respelled(item, definition, old, new)
            if becomes != (item, definition):
                changed.append((item, *becomes))
        columns = {item: self._columns.pop(before) for before, item, _ in changed if before in self._columns}
        if old.kind == "column":
            columns = {i: tuple(new.name if c == old.name else c for c in own) for i, own in columns.items()}
        for before, _, _ in changed:
            self.pop(before)
        for _, item, definition in changed:
            self[item] = definition
        self._columns |= columns
        return {before: item for before, item, _ in changed}

    def _mention(self, item: Object, definition: str, *, present: bool) -> None:
        mentioned = self._mentioned if self._mentioned is not None else {}
        for word in words(definition) | words(item.name):
            items = mentioned.setdefault(word, {})
            if present:
                items[item] = None
            else:
                items.pop(item, None)


def belongs_to(item: Object, owner: Object) -> bool:
    """Return whether `item` is `owner`, its comment, or a part of it."""
    if owner.kind == "schema":
        return item.schema == owner.name or owner == item.subject
    if owner.kind == "publication":
        return item.name == owner.name and item.subject.kind.startswith("publication")
    if item.schema != owner.schema:
        return False
    name = _word(item.name) + ANY_ARGUMENTS if owner.name.endswith(ANY_ARGUMENTS) else item.name
    same = name == owner.name and owner.kind in (item.kind, item.subject.kind)
    if owner.kind in OWN_NAMES:
        return same
    return (owner.kind in WITH_PARTS and item.table == owner.name) or (same and item.table == owner.table)


def automatic_name(item: Object) -> str:
    """Return the name that PostgreSQL gives a constraint that is known by its definition."""
    what, columns = item.name.partition(" (")[0], "_".join(columns_of(item))
    labels = {"primary key": "pkey", "unique": "key", "foreign key": "fkey", "check": "check"}
    if item.kind != "constraint" or what not in labels:
        return ""
    has_no_columns = what == "primary key" or (what == "check" and len(columns_of(item)) > 1)
    return chosen_name(item.table, "" if has_no_columns else columns, labels[what])


def columns_of(item: Object) -> list[str]:
    """Return the columns of a constraint that is known by its definition."""
    _, bracket, rest = item.name.partition(" (")
    return rest.partition(")")[0].split(", ") if item.kind == "constraint" and bracket else []


def _word(name: str) -> str:
    return name.partition("(")[0]


def _keys(item: Object) -> Iterator[tuple[str, str]]:
    yield item.schema, item.table or _word(item.name)
    if item.kind in OWN_NAMES and item.table != item.name:
        yield item.schema, item.name
    if item.kind in PUBLICATION_MEMBERS and (item.schema or item.table):
        yield "", item.name
    if item.kind == "constraint" and (name := automatic_name(item) or item.name) != item.table:
        yield item.schema, name
