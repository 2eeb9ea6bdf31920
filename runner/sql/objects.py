"""Objects of a database, and what statements do to them, as values.

Objects of the target schema have an empty `schema`, whether a statement names that schema or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from runner.sql.quoting import identifier
from runner.wording import shown

PRESENT = "present"
PROCEDURE = "procedure ()"
"""What is known of a procedure by its statement, which is a function otherwise."""
INHERITS = "table inherits ("
"""What begins that which is known of a table with parents by its statement."""
VALID = "valid"
NOT_VALIDATED = "not validated"
NO_DATA = "with no data"
"""What a materialized view is that nobody has filled, or that its statement does not fill."""
BY_ITSELF = "by itself"
"""The value of what is taken though no statement says so."""
ANY_ARGUMENTS = "(…)"
"""Ends the name of a function that a statement names without its arguments."""
RESERVED = "_runner_"
"""What the names begin with of the objects that a repair needs for a while."""
DETACHED = f"{RESERVED}detached"
"""The declared name of the CHECK that a table may have because it was detached CONCURRENTLY."""
_COMMENT_ON = "comment on "
_OF_VALUES = ("cast", "transform", "language", "access method")
PUBLICATION_MEMBERS = ("publication table", "publication schema")
FOREIGN_TABLE = "foreign table"
SUBSCRIPTION = "subscription"
FOREIGN = ("foreign-data wrapper", "server", "user mapping")
DATABASE_WIDE = (*_OF_VALUES, "event trigger", "publication", *PUBLICATION_MEMBERS, SUBSCRIPTION, *FOREIGN)
"""Kinds of objects of the whole database: they are read off the statements that make them.

That there are others than the declared ones is no concern of a project.
"""
DEFINED = (
    "aggregate", "operator", "operator family", "operator class", "collation", "conversion", "text search parser",
    "text search template", "text search dictionary", "text search configuration", *_OF_VALUES,
)  # fmt: skip
"""Kinds of objects that say how values are compared, converted, collected and searched."""
OF_A_METHOD = ("operator class", "operator family")
OF_TYPES = ("aggregate", "operator", *OF_A_METHOD, "cast", "transform")
"""Kinds whose names or definitions have types in them."""
_TABLESPACE_OF = "tablespace of "
_ACCESS = ("owner of ", "privileges of ")
_LABEL_OF = "security label of "
NEW = "new "
IN_SCHEMA = " in schema"
"""What the kinds of things that default privileges are about begin with, and end with where they are in one schema."""
_ATTACHED = (_COMMENT_ON, *_ACCESS, _TABLESPACE_OF, _LABEL_OF)
WITH_PARTS = ("table", "view", "materialized view", "type", "domain")
"""Kinds of objects that others belong to: columns, constraints, indexes, triggers."""

OWN_NAMES = ("index", "statistics")
"""Kinds of objects of a table that statements name without it."""


EffectKind = Literal["create", "set", "change", "drop", "rename", "move", "take", "grant", "revoke"]


class Object(NamedTuple):
    """The identity of an object; `table` is set for what belongs to a table.

    An unnamed constraint is named by its definition: `primary key (id)`, `unique (a)`, `foreign key (a) references t`.
    A function is named with the types of its arguments: `add(integer, text)`. A comment is an object too, and so are an
    owner and the privileges of a role: `comment on table`, `owner of table`, `privileges of app on table`.
    """

    kind: str
    name: str
    table: str = ""
    schema: str = ""

    def __str__(self) -> str:
        if self.subject.kind.startswith(NEW):
            of = f"{self.kind.removesuffix(IN_SCHEMA)} of {shown(self.name)}"
            within = f"{IN_SCHEMA} {shown(self.schema)}" if self.schema else " in the target schema"
            return of + (within if self.kind.endswith(IN_SCHEMA) else "")
        names = (self.schema, without_table(self).table, self.name)
        return f"{self.kind} {'.'.join(shown(name) for name in names if name)}"

    @property
    def word(self) -> str:
        """Its name alone: without arguments, and without its access method."""
        name = self.name.rpartition(" using ")[0] if self.subject.kind in OF_A_METHOD else self.name
        return name.partition("(")[0]

    @property
    def is_comment(self) -> bool:
        """Whether it is the comment on another object."""
        return self.kind.startswith(_COMMENT_ON)

    @property
    def comment(self) -> Object:
        """The comment on it; that on an index or on statistics names no table."""
        return without_table(self)._replace(kind=_COMMENT_ON + self.kind)

    @property
    def is_attached(self) -> bool:
        """Whether it is the comment on another object, its owner, tablespace or label, or what a role may do."""
        return self.kind.startswith(_ATTACHED)

    @property
    def is_access(self) -> bool:
        """Whether it is an owner, or what a role may do."""
        return self.kind.startswith(_ACCESS)

    @property
    def is_tablespace(self) -> bool:
        """Whether it is the tablespace of another object."""
        return self.kind.startswith(_TABLESPACE_OF)

    @property
    def is_label(self) -> bool:
        """Whether it is the label that a provider of security labels gives another object."""
        return self.kind.startswith(_LABEL_OF)

    @property
    def provider(self) -> str:
        """The provider of a security label."""
        return self.kind.removeprefix(_LABEL_OF).removesuffix(f" on {self.subject.kind}")

    def label(self, provider: str) -> Object:
        """Return the security label that a provider gives it; that of an index names no table."""
        return without_table(self)._replace(kind=f"{_LABEL_OF}{provider} on {self.kind}")

    @property
    def tablespace(self) -> Object:
        """Where its rows are; that of an index names no table."""
        return without_table(self)._replace(kind=_TABLESPACE_OF + self.kind)

    @property
    def subject(self) -> Object:
        """What something is attached to, an index without its table; the object itself when it is not attached."""
        if not self.kind.startswith(_ATTACHED):
            return self
        if self.kind.startswith(("privileges of ", _LABEL_OF)):
            return self._replace(kind=self.kind.rpartition(" on ")[2])
        begin = next(begin for begin in _ATTACHED if self.kind.startswith(begin))
        return self._replace(kind=self.kind.removeprefix(begin))

    def attached_to(self, subject: Object) -> Object:
        """Return what it is called when it is attached to another object."""
        return without_table(subject)._replace(kind=self.kind.removesuffix(self.subject.kind) + subject.kind)


class Effect(NamedTuple):
    """What happens to one object; `value` is its state afterwards, its new name for `rename`, its schema for `move`.

    `create` does nothing to an object that is there already, `set` gives it a state, `change` another definition. With
    `take` it becomes a part of `other`: an index of a constraint or of a partitioned index, a sequence of a column. For
    `grant` and `revoke` the value is the privileges that are given or taken.
    """

    action: EffectKind
    object: Object
    value: str = PRESENT
    columns: tuple[str, ...] = ()
    """The columns that a constraint or an index goes with when they are dropped; the sequence of a serial column."""
    other: Object | None = None
    """What takes it; the constraint by which a column is NOT NULL."""

    @property
    def becomes(self) -> Object:
        """The object as it is called after `rename` and `move`; statistics apart from their table name none."""
        if self.action == "rename":
            return self.object._replace(name=self.value)
        return _in_schema(self.object, self.value)


def _in_schema(item: Object, schema: str) -> Object:
    is_apart = item.kind == "statistics" and schema != item.schema
    return item._replace(schema=schema, table="" if is_apart else item.table)


class Element(NamedTuple):
    """A column or a constraint of CREATE or ALTER TABLE, and the SQL that adds just it to the table."""

    object: Object
    same_as: Object | None
    """The same constraint without its name."""
    sql: str


class Declaration(NamedTuple):
    """The effects of a statement, and what else a plan has to know of it."""

    effects: tuple[Effect, ...] = ()
    guarded: bool = False
    """It is not needed when its objects are there: IF NOT EXISTS, COMMENT, ADD CONSTRAINT, VALIDATE CONSTRAINT."""
    replaces: bool = False
    """OR REPLACE: it gives an object that is there the definition that it declares."""
    opaque: bool = False
    """It may do more to the objects of the database than its effects say."""
    nameless: bool = False
    """It makes an object without a name, which cannot be found again: another one with each run."""
    moves: bool = False
    """It changes rows or a counter, which no definition tells: USING, RESTART."""
    restarts: bool = False
    """It sets a counter: RESTART."""
    unmanaged: tuple[str, ...] = ()
    """The roles whose privileges or objects it is about, and that the manifest does not name as managed."""
    gives_access: bool = False
    """It is about privileges or an owner alone."""
    has_more_parts: bool = False
    """It makes a table with parts that its text does not name: LIKE, OF, AS."""
    elements: tuple[Element, ...] = ()
    clauses: tuple[Declaration, ...] = ()
    """What each clause of an ALTER TABLE declares that has several, in the order in which PostgreSQL does them.

    The effects are theirs, in this order.
    """
    number: int = 0
    """Where it is among the clauses as they are written."""
    relation: Object | None = None
    """What it is about that has to be there, called a table."""

    @property
    def declares(self) -> tuple[Effect, ...]:
        """The effects that leave something behind."""
        return tuple(effect for effect in self.effects if effect.action in ("create", "set", "change", "grant"))


NOTHING = Declaration()
"""What a statement declares that makes no object; one for all of them, because there may be very many."""


def qualified_name(relation: Object) -> str:
    """Return the name of a relation as SQL writes it."""
    return ".".join(identifier(name) for name in (relation.schema, relation.name) if name)


def stands_in(item: Object) -> bool:
    """Return whether an object is one that a repair needs for a while; where nobody needs it, it was left."""
    return item.kind in ("index", "constraint") and item.name.startswith(RESERVED)


Facts = Mapping[Object, str]
"""Objects with their definitions; PRESENT stands for a definition that it is unknown."""


def without_table(item: Object) -> Object:
    """Return the identity of an object as its comment, or its renaming, has it: some kinds need no table."""
    return item._replace(table="") if item.kind in OWN_NAMES else item


MOST_COLUMNS = 1_600
"""What a PostgreSQL table can have, dropped columns included."""
