"""What statements about publications do, read off their parse trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import postgast
from postgast import pg_query_pb2 as pg

from runner.sql.object_names import ObjectNames
from runner.sql.objects import PRESENT, Declaration, Effect, EffectKind, Object
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
        return Declaration((*effects, *self.members("create", body.pubname, body.pubobjects)))

    def of_alter(self, body: pg.AlterPublicationStmt) -> Declaration:
        """Return what ALTER PUBLICATION does: with options, or with members."""
        publication = Object(PUBLICATION, body.pubname)
        if body.options:
            options = {node.def_elem.defname: option_value(node.def_elem) for node in body.options}
            return Declaration((Effect("change", publication, options_text(options)),))
        action = pg.AlterPublicationAction.Name(body.action)
        does: EffectKind = "drop" if action == "AP_DropObjects" else "create"
        members = self.members(does, body.pubname, body.pubobjects)
        before = (Effect("change", publication, ONLY_THESE),) if action == "AP_SetObjects" else ()
        return Declaration((*before, *members))

    def members(self, action: EffectKind, publication: str, objects: Iterable[pg.Node]) -> Iterator[Effect]:
        """Yield what happens to the members that a statement names; without ONLY, to the heirs of a table, too."""
        for item in (node.publication_obj_spec for node in objects):
            if item.HasField("pubtable"):
                table = self.names.relation("table", item.pubtable.relation)
                member, definition = Object(TABLE, publication, table.name, table.schema), _member(item.pubtable)
                with_heirs = table if item.pubtable.relation.inh else None
                yield Effect(action, member, PRESENT if action == "drop" else definition, other=with_heirs)
            else:
                is_current = pg.PublicationObjSpecType.Name(item.pubobjtype) == "PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA"
                schema = "" if is_current else self.names.schema(item.name)
                yield Effect(action, Object(SCHEMA, publication, "", schema), PRESENT if action == "drop" else "tables")


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
