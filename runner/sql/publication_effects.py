"""What statements about publications do, read off their parse trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import postgast
from postgast import pg_query_pb2 as pg

from runner.sql.object_names import ObjectNames
from runner.sql.objects import Declaration, Effect, Object
from runner.sql.option_list import options_text
from runner.sql.publications import ONLY_THESE, PUBLICATION, SCHEMA, TABLE, WHERE, publication_definition
from runner.sql.quoting import identifier
from runner.sql.trees import strings

_SELECT = "SELECT 1 WHERE "


class PublicationEffects:
    """Knows what a publication becomes; `names` finds its tables."""

    def __init__(self, names: ObjectNames) -> None:
        self.names = names

    def of_create(self, body: pg.CreatePublicationStmt) -> Declaration:
        """Return what CREATE PUBLICATION makes."""
        options = {node.def_elem.defname: option_value(node.def_elem) for node in body.options}
        definition = publication_definition(all_tables=body.for_all_tables, options=options)
        effects = [Effect("create", Object(PUBLICATION, body.pubname), definition)]
        effects += (Effect("create", *member) for member in self.members(body.pubname, body.pubobjects))
        return Declaration(tuple(effects))

    def of_alter(self, body: pg.AlterPublicationStmt) -> Declaration:
        """Return what ALTER PUBLICATION does: with options, or with members."""
        publication = Object(PUBLICATION, body.pubname)
        if body.options:
            options = {node.def_elem.defname: option_value(node.def_elem) for node in body.options}
            return Declaration((Effect("change", publication, options_text(options)),))
        members = [*self.members(body.pubname, body.pubobjects)]
        action = pg.AlterPublicationAction.Name(body.action)
        if action == "AP_DropObjects":
            return Declaration(tuple(Effect("drop", member) for member, _ in members))
        made = tuple(Effect("create", *member) for member in members)
        return Declaration((Effect("change", publication, ONLY_THESE), *made) if action == "AP_SetObjects" else made)

    def members(self, publication: str, objects: Iterable[pg.Node]) -> Iterator[tuple[Object, str]]:
        """Yield the members that a statement names, with their definitions."""
        for item in (node.publication_obj_spec for node in objects):
            if item.HasField("pubtable"):
                table = self.names.relation("table", item.pubtable.relation)
                yield Object(TABLE, publication, table.name, table.schema), _member(item.pubtable)
            else:
                is_current = pg.PublicationObjSpecType.Name(item.pubobjtype) == "PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA"
                yield Object(SCHEMA, publication, "", "" if is_current else self.names.schema(item.name)), "tables"


def _member(table: pg.PublicationTable) -> str:
    columns = ", ".join(identifier(name) for name in sorted(strings(table.columns)))
    condition = f"{WHERE}{condition_sql(table.where_clause)})" if table.HasField("where_clause") else ""
    return f"table{f' ({columns})' if columns else ''}{condition}"


def condition_sql(condition: pg.Node) -> str:
    """Return a condition as SQL."""
    tree = postgast.parse(f"{_SELECT}true")
    tree.stmts[0].stmt.select_stmt.where_clause.CopyFrom(condition)
    return str(postgast.deparse(tree)).removeprefix(_SELECT)


def option_value(option: pg.DefElem) -> str:
    """Return the value of an option as text; one without a value is true."""
    argument = option.arg
    if not option.HasField("arg"):
        return "true"
    if argument.HasField("integer"):
        return str(argument.integer.ival)
    if argument.HasField("boolean"):
        return str(argument.boolean.boolval).lower()
    return str(argument.string.sval or "".join(part.string.sval for part in argument.type_name.names))
