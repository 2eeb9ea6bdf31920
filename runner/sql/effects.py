"""What a statement does to the objects of a database, read off its parse tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql import subscription_effects
from runner.sql.access_effects import AccessEffects
from runner.sql.chosen_names import index_name, statistics_name
from runner.sql.definition_effects import definition_of
from runner.sql.foreign_effects import ForeignEffects
from runner.sql.object_names import KINDS, PARTS_OF_A_TABLE, ObjectNames, is_temporary
from runner.sql.objects import DEFINED, NO_DATA, NOTHING, PRESENT, PROCEDURE, VALID, Declaration, Effect, Object
from runner.sql.publication_effects import PublicationEffects
from runner.sql.table_effects import ElementText, TableEffects
from runner.sql.trees import strings
from runner.sql.written_facts import event_trigger, firing, roles_named, version_of


def declaration_of(
    node: str, body: Any, schema: str, element_text: ElementText, managed: Sequence[str] | None = None
) -> Declaration:
    """Return what a statement declares; `node` is the name of its kind in the parse tree, `body` the tree below.

    Of roles only the `managed` ones count, and PUBLIC; without any such list, none.
    """
    reader = _Reader(schema, element_text, managed)
    read = getattr(reader, f"read_{node}", None)
    if read is None:
        nothing = NOTHING if node in _HARMLESS else Declaration(opaque=True)
        return definition_of(node, body, reader.names) or nothing
    declaration: Declaration = read(body)
    return declaration


_HARMLESS = frozenset(
    """
    select_stmt insert_stmt update_stmt delete_stmt merge_stmt truncate_stmt lock_stmt variable_set_stmt
    variable_show_stmt explain_stmt grant_role_stmt alter_role_stmt alter_role_set_stmt alter_database_set_stmt
    vacuum_stmt transaction_stmt
    """.split()
)
"""Statements that neither drop nor rename an object that another one declares."""


class _Reader:
    def __init__(self, schema: str, element_text: ElementText, managed: Sequence[str] | None) -> None:
        self.names = ObjectNames(schema)
        self.access = AccessEffects(self.names, managed)
        self.tables = TableEffects(self.names, element_text, self.access)
        self.read_create_stmt = self.tables.of_create
        self.read_alter_table_stmt = self.tables.of_alter
        publications = PublicationEffects(self.names)
        self.read_create_publication_stmt = publications.of_create
        self.read_alter_publication_stmt = publications.of_alter
        self.read_create_subscription_stmt = subscription_effects.of_create
        self.read_alter_subscription_stmt = subscription_effects.of_alter
        self.read_drop_subscription_stmt = subscription_effects.of_drop
        foreign = ForeignEffects(self.names, self.tables)
        self.read_create_foreign_table_stmt = foreign.of_create_table
        self.read_create_fdw_stmt = foreign.of_create_wrapper
        self.read_alter_fdw_stmt = foreign.of_alter_wrapper
        self.read_create_foreign_server_stmt = foreign.of_create_server
        self.read_alter_foreign_server_stmt = foreign.of_alter_server
        self.read_create_user_mapping_stmt = foreign.of_create_mapping
        self.read_alter_user_mapping_stmt = foreign.of_alter_mapping
        self.read_drop_user_mapping_stmt = foreign.of_drop_mapping
        self.read_grant_stmt = self.access.of_grant
        self.read_alter_default_privileges_stmt = self.access.of_defaults
        self.read_alter_owner_stmt = self.access.of_alter_owner

    def read_create_schema_stmt(self, body: pg.CreateSchemaStmt) -> Declaration:
        name = body.schemaname or body.authrole.rolename
        if not name or body.schema_elts:  # what it makes in the schema is not compared
            return Declaration(opaque=True)
        return Declaration((Effect("create", Object("schema", name)),), body.if_not_exists)

    def read_create_extension_stmt(self, body: pg.CreateExtensionStmt) -> Declaration:
        effect = Effect("create", Object("extension", body.extname), version_of(body.options))
        return Declaration((effect,), body.if_not_exists)

    def read_alter_extension_stmt(self, body: pg.AlterExtensionStmt) -> Declaration:
        version = version_of(body.options)
        if version == PRESENT:  # whichever is the newest of the server
            return Declaration(opaque=True)
        return Declaration((Effect("change", Object("extension", body.extname), version),))

    def read_index_stmt(self, body: pg.IndexStmt) -> Declaration:
        table = self.names.relation("table", body.relation)
        index = Object("index", body.idxname or index_name(table.name, body), table.name, table.schema)
        parts = (*body.index_params, *body.index_including_params)
        columns = tuple(part.index_elem.name for part in parts if part.index_elem.name)
        effects = (Effect("create", index, VALID, columns), *_tablespace(index, body.table_space))
        return Declaration(effects, body.if_not_exists, nameless=not body.idxname, relation=table)

    def read_view_stmt(self, body: pg.ViewStmt) -> Declaration:
        return self.made("view", body.view, replaces=body.replace)

    def read_create_table_as_stmt(self, body: pg.CreateTableAsStmt) -> Declaration:
        kind = KINDS[pg.ObjectType.Name(body.objtype)]
        made = self.made(kind, body.into.rel, guarded=body.if_not_exists)
        if kind == "table":
            return made._replace(has_more_parts=True)
        value = NO_DATA if body.into.skip_data else PRESENT
        effects = tuple(effect._replace(value=value) for effect in made.effects)
        spaces = (space for made in effects for space in _tablespace(made.object, body.into.table_space_name))
        return made._replace(effects=(*effects, *spaces))

    def read_create_seq_stmt(self, body: pg.CreateSeqStmt) -> Declaration:
        return self.made("sequence", body.sequence, guarded=body.if_not_exists)

    def read_composite_type_stmt(self, body: pg.CompositeTypeStmt) -> Declaration:
        return self.made("type", body.typevar)

    def made(self, kind: str, relation: pg.RangeVar, *, guarded: bool = False, replaces: bool = False) -> Declaration:
        """Return what makes a relation; a temporary one is gone with the session."""
        if is_temporary(relation):
            return Declaration()
        item = self.names.relation(kind, relation)
        return Declaration((Effect("create", item),), guarded, replaces)

    def read_create_enum_stmt(self, body: pg.CreateEnumStmt) -> Declaration:
        return Declaration((Effect("create", self.names.named("type", body.type_name)),))

    def read_create_range_stmt(self, body: pg.CreateRangeStmt) -> Declaration:
        return Declaration((Effect("create", self.names.named("type", body.type_name)),))

    def read_create_domain_stmt(self, body: pg.CreateDomainStmt) -> Declaration:
        return Declaration((Effect("create", self.names.named("domain", body.domainname)),))

    def read_alter_enum_stmt(self, body: pg.AlterEnumStmt) -> Declaration:
        return Declaration((Effect("change", self.names.named("type", body.type_name)),))

    def read_alter_domain_stmt(self, body: pg.AlterDomainStmt) -> Declaration:
        return Declaration((Effect("change", self.names.named("domain", body.type_name)),))

    def read_alter_seq_stmt(self, body: pg.AlterSeqStmt) -> Declaration:
        sequence = self.names.relation("sequence", body.sequence)
        is_owned_alone = [option.def_elem.defname for option in body.options] == ["owned_by"]
        effects = []
        for option in body.options:
            names = [*strings(option.def_elem.arg.list.items)] if option.def_elem.defname == "owned_by" else []
            if len(names) > 1:
                schema, table = self.names.qualified(names[:-1])
                column = Object("column", names[-1], table, schema)
                effects.append(Effect("take", sequence, other=column))
        if not (is_owned_alone and effects):
            effects.insert(0, Effect("change", sequence))
        restarts = any(option.def_elem.defname == "restart" for option in body.options)
        return Declaration(tuple(effects), moves=restarts, restarts=restarts)

    def read_create_function_stmt(self, body: pg.CreateFunctionStmt) -> Declaration:
        types = [parameter.function_parameter.arg_type for parameter in body.parameters if _is_input(parameter)]
        function = self.names.named("function", body.funcname, self.names.arguments(types))
        definition = PROCEDURE if body.is_procedure else PRESENT
        return Declaration((Effect("create", function, definition),), replaces=body.replace)

    def read_alter_function_stmt(self, body: pg.AlterFunctionStmt) -> Declaration:
        return Declaration((Effect("change", self.names.function(body.func)),))

    def read_create_trig_stmt(self, body: pg.CreateTrigStmt) -> Declaration:
        table = self.names.relation("table", body.relation)
        trigger = Object("trigger", body.trigname, table.name, table.schema)
        return Declaration((Effect("create", trigger),), replaces=body.replace, relation=table)

    def read_rule_stmt(self, body: pg.RuleStmt) -> Declaration:
        if body.event == pg.CMD_SELECT:  # the query of a view
            return Declaration(opaque=True)
        table = self.names.relation("table", body.relation)
        rule = Object("rule", body.rulename, table.name, table.schema)
        return Declaration((Effect("create", rule),), replaces=body.replace, relation=table)

    def read_create_policy_stmt(self, body: pg.CreatePolicyStmt) -> Declaration:
        table = self.names.relation("table", body.table)
        policy = Object("policy", body.policy_name, table.name, table.schema)
        return Declaration((Effect("create", policy, roles_named(body.roles)),), relation=table)

    def read_alter_policy_stmt(self, body: pg.AlterPolicyStmt) -> Declaration:
        table = self.names.relation("table", body.table)
        policy = Object("policy", body.policy_name, table.name, table.schema)
        return Declaration((Effect("change", policy, roles_named(body.roles)),), relation=table)

    def read_create_stats_stmt(self, body: pg.CreateStatsStmt) -> Declaration:
        table = self.names.relation("table", body.relations[0].range_var)
        statistics = Object("statistics", statistics_name(table.name, body), "", table.schema)
        if body.defnames:
            statistics = self.names.named("statistics", body.defnames)
        if statistics.schema == table.schema:
            statistics = statistics._replace(table=table.name)
        columns = tuple(node.stats_elem.name for node in body.exprs if node.stats_elem.name)
        effects = (Effect("create", statistics, columns=columns),)
        return Declaration(effects, body.if_not_exists, nameless=not body.defnames, relation=table)

    def read_alter_stats_stmt(self, body: pg.AlterStatsStmt) -> Declaration:
        return Declaration((Effect("change", self.names.named("statistics", body.defnames)),))

    def read_create_event_trig_stmt(self, body: pg.CreateEventTrigStmt) -> Declaration:
        return Declaration((Effect("create", Object("event trigger", body.trigname), event_trigger(body, self.names)),))

    def read_alter_event_trig_stmt(self, body: pg.AlterEventTrigStmt) -> Declaration:
        return Declaration((Effect("change", Object("event trigger", body.trigname), firing(body)),))

    def read_comment_stmt(self, body: pg.CommentStmt) -> Declaration:
        commented = self.names.named_object(pg.ObjectType.Name(body.objtype), body.object)
        if commented is None:
            return Declaration()
        if not body.comment:
            return Declaration((Effect("drop", commented.comment),))
        relation = Object("table", commented.table or commented.name, "", commented.schema)
        is_of_table = commented.kind in ("table", *PARTS_OF_A_TABLE)
        effects = (Effect("set", commented.comment, body.comment),)
        return Declaration(effects, guarded=True, relation=relation if is_of_table else None)

    def read_sec_label_stmt(self, body: pg.SecLabelStmt) -> Declaration:
        labelled = self.names.named_object(pg.ObjectType.Name(body.objtype), body.object) if body.provider else None
        if labelled is None:  # of a role or a database, or of whichever provider the server has
            return Declaration()
        label = labelled.label(body.provider)
        effect = Effect("set", label, body.label) if body.label else Effect("drop", label)
        return Declaration((effect,), guarded=bool(body.label))

    def read_drop_stmt(self, body: pg.DropStmt) -> Declaration:
        kind = pg.ObjectType.Name(body.remove_type)
        objects = [self.names.named_object(kind, item) for item in body.objects]
        found = [item for item in objects if item is not None]
        goes_with = [item._replace(kind="operator class") for item in found if item.kind == "operator family"]
        effects = tuple(Effect("drop", item) for item in (*goes_with, *found))
        cascades = pg.DropBehavior.Name(body.behavior) == "DROP_CASCADE"
        return Declaration(effects, body.missing_ok, opaque=cascades)

    def read_rename_stmt(self, body: pg.RenameStmt) -> Declaration:
        kind = pg.ObjectType.Name(body.rename_type)
        known = KINDS.get(kind)
        relation_kind = KINDS.get(pg.ObjectType.Name(body.relation_type))
        if kind == "OBJECT_SCHEMA":
            return Declaration((Effect("rename", Object("schema", body.subname), body.newname),), opaque=True)
        if kind == "OBJECT_COLUMN" and relation_kind in ("view", "materialized view"):
            view = self.names.relation(relation_kind, body.relation)
            return Declaration((Effect("change", view),), relation=view)
        if kind == "OBJECT_DOMCONSTRAINT":
            return Declaration((Effect("change", self.names.named("domain", body.object.list.items)),))
        if known in ("table", "index", "view", "materialized view", "sequence"):
            renamed: Object | None = self.names.relation(known, body.relation)
        elif known in PARTS_OF_A_TABLE:
            table = self.names.relation("table", body.relation)
            renamed = Object(known or "", body.subname, table.name, table.schema)
        else:
            renamed = self.names.named_object(kind, body.object) if body.HasField("object") else None
        if renamed is None:
            return Declaration(opaque=True)
        name = body.newname
        if renamed.kind in ("function", "aggregate"):
            name += renamed.name[renamed.name.index("(") :]
        elif renamed.kind in ("operator class", "operator family"):
            name += renamed.name[renamed.name.rindex(" using ") :]
        return Declaration((Effect("rename", renamed, name),), relation=self.renaming(renamed))

    def renaming(self, renamed: Object) -> Object | None:
        relation = Object("table", renamed.table or renamed.name, "", renamed.schema)
        return relation if renamed.kind in ("table", *PARTS_OF_A_TABLE) else None

    def read_alter_object_schema_stmt(self, body: pg.AlterObjectSchemaStmt) -> Declaration:
        object_type = pg.ObjectType.Name(body.object_type)
        kind = KINDS.get(object_type)
        if kind in ("table", "view", "materialized view", "sequence"):
            moved: Object | None = self.names.relation(kind, body.relation)
        else:
            is_followed = kind in ("function", "type", "domain", "statistics", *DEFINED)
            moved = self.names.named_object(object_type, body.object) if is_followed else None
        if moved is None:
            return Declaration(opaque=True)
        return Declaration((Effect("move", moved, self.names.schema(body.newschema)),), relation=self.renaming(moved))


def _tablespace(item: Object, name: str) -> tuple[Effect, ...]:
    return (Effect("create", item.tablespace, name),) if name else ()


def _is_input(parameter: pg.Node) -> bool:
    mode = pg.FunctionParameterMode.Name(parameter.function_parameter.mode)
    return mode not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")
