"""A script as statements: what the parser makes of it, or what the lock file knows of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct

from runner.sql.objects import DATABASE_WIDE, NOTHING, Declaration, Effect, Object
from runner.sql.source_map import Rendered

_FIRST_WORD = re.compile(r"[\s(]*(\w+)")
_BY_FIRST_WORD = {
    "select": "select_stmt",
    "values": "select_stmt",
    "table": "select_stmt",
    "with": "select_stmt",
    "insert": "insert_stmt",
    "update": "update_stmt",
    "delete": "delete_stmt",
    "merge": "merge_stmt",
}
"""The nodes of statements that read or write rows, as far as the first word tells them."""
DATA_NODES = frozenset(_BY_FIRST_WORD.values())
_CHANGES_ROWS = frozenset(
    "insert_stmt update_stmt delete_stmt merge_stmt truncate_stmt copy_stmt select_into_stmt".split()
)
UNREAD = "unread_stmt"
"""The node of a statement that is nested too deeply for its tree to be read, and is none of those."""
_BUILDABLE = frozenset(
    """
    create_schema_stmt create_extension_stmt create_stmt index_stmt alter_table_stmt comment_stmt drop_stmt rename_stmt
    alter_object_schema_stmt view_stmt create_table_as_stmt create_seq_stmt alter_seq_stmt create_function_stmt
    alter_function_stmt create_trig_stmt create_enum_stmt alter_enum_stmt create_domain_stmt alter_domain_stmt
    composite_type_stmt create_range_stmt define_stmt create_op_class_stmt create_op_family_stmt create_cast_stmt
    alter_op_family_stmt alter_operator_stmt alter_tsconfiguration_stmt alter_tsdictionary_stmt create_conversion_stmt
    rule_stmt create_policy_stmt alter_policy_stmt create_stats_stmt alter_stats_stmt create_foreign_table_stmt
    """.split()
)
_DATABASE_WIDE = frozenset(
    """
    create_transform_stmt create_plang_stmt create_am_stmt create_event_trig_stmt alter_event_trig_stmt
    create_publication_stmt alter_publication_stmt create_fdw_stmt alter_fdw_stmt create_foreign_server_stmt
    alter_foreign_server_stmt create_user_mapping_stmt alter_user_mapping_stmt drop_user_mapping_stmt
    alter_extension_stmt sec_label_stmt create_subscription_stmt alter_subscription_stmt drop_subscription_stmt
    """.split()
)
"""What makes or changes something that is compared, and is not built."""
_NEVER_BUILT = frozenset(DATABASE_WIDE) - {"cast"}


def data_node(text: str, begin: int = 0) -> str | None:
    """Return the node of the statement that begins at a place, when its first word says that it is about rows."""
    word = _FIRST_WORD.match(text, begin)
    return _BY_FIRST_WORD.get(word[1].lower()) if word else None


class Traits(NamedTuple):
    """What a statement does besides declaring objects: the words for it, empty when it does not."""

    outside: str = ""
    """It cannot run in a transaction."""
    destroys: str = ""
    """It removes rows, or an object."""
    new_value: str = ""
    """The value that it adds to an enum type."""


NO_TRAITS = Traits()
NO_STRINGS: frozenset[str] = frozenset()
"""What most statements have; one for all of them, because there may be very many."""


class Statement(Struct, frozen=True, gc=False):
    """One SQL statement; `offset` is where it begins in the rendered script, in characters."""

    script: str
    line: int
    offset: int
    sql: str
    node: str
    declaration: Declaration = NOTHING
    traits: Traits = NO_TRAITS
    strings: frozenset[str] = NO_STRINGS
    """Its string constants, where a statement before it adds a value to an enum type."""

    @property
    def key(self) -> tuple[str, int]:
        """The script and the place in it, which no other statement has."""
        return self.script, self.offset

    @property
    def makes_table(self) -> bool:
        """Whether it is a CREATE TABLE with a body, or a CREATE FOREIGN TABLE."""
        return self.node in ("create_stmt", "create_foreign_table_stmt")

    @property
    def is_data(self) -> bool:
        """Whether it reads or writes rows, and no object."""
        return self.node in DATA_NODES

    @property
    def changes_rows(self) -> bool:
        """Whether it changes rows, or may do anything."""
        return self.declaration.opaque or self.declaration.moves or self.node in _CHANGES_ROWS

    @property
    def is_declarative(self) -> bool:
        """Whether it makes or changes objects that are compared, and does nothing else."""
        return self.node in _BUILDABLE or self.node in _DATABASE_WIDE or self.declaration.gives_access

    @property
    def is_built(self) -> bool:
        """Whether it is built in scratch schemas; of what is in no schema a cast alone may be, for what uses it."""
        about = {effect.object.subject.kind for effect in self.declaration.effects}
        is_buildable = self.node in _BUILDABLE and not self.declaration.gives_access
        return is_buildable and not (about and about <= _NEVER_BUILT)


class Script(Struct, frozen=True):
    """A script with its statements; a checksum is of tokens: comments and white space do not count."""

    rendered: Rendered
    statements: tuple[Statement, ...]
    """All of them; those that read or write rows, when the script is known from the lock file."""
    checksum: str
    ddl_checksum: str
    """Of the statements that make or change objects; empty when there are none."""
    total: int
    """How many statements the script has."""


def effects_in(scripts: Iterable[Script]) -> Iterator[tuple[Statement, Effect]]:
    """Return the effects of all statements in their order, each with its statement."""
    for script in scripts:
        for statement in script.statements:
            for effect in statement.declaration.effects:
                yield statement, effect


def schemas_named(scripts: Iterable[Script]) -> set[str]:
    """Return the schemas, but for the target, in which statements make something, or to which they move it."""
    effects = [effect for _, effect in effects_in(scripts)]
    named = {effect.object.schema for effect in effects}
    return (named | {effect.value for effect in effects if effect.action == "move"}) - {""}


def first_makers(scripts: Iterable[Script]) -> dict[Object, Statement]:
    """Return the first statement that makes each object."""
    makers: dict[Object, Statement] = {}
    for statement, effect in effects_in(scripts):
        if effect.action == "create":
            makers.setdefault(effect.object, statement)
    return makers


def statements_by_object(scripts: Iterable[Script]) -> dict[Object, list[Statement]]:
    """Return the statements that make or change each object, in their order."""
    found: dict[Object, list[Statement]] = {}
    for statement, effect in effects_in(scripts):
        own = found.setdefault(effect.object, [])
        if effect.action in ("create", "change") and statement not in own[-1:]:
            own.append(statement)
    return found
