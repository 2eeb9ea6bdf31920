"""What statements do to foreign-data wrappers, servers, user mappings and foreign tables, read off parse trees."""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pg

from runner.sql.foreign_servers import MAPPING, SERVER, WRAPPER, changes_text, foreign_definition, masked
from runner.sql.foreign_tables import changed_options, set_options, table_text
from runner.sql.object_names import ObjectNames
from runner.sql.objects import Declaration, Effect, Object, qualified_name
from runner.sql.quoting import identifier
from runner.sql.table_effects import TableEffects
from runner.sql.written_facts import PUBLIC

_ARGUMENTS = {"handler": "()", "validator": "(text[],oid)"}


class ForeignEffects:
    """Knows what such an object becomes; `names` finds its functions, and `tables` reads what tables have."""

    def __init__(self, names: ObjectNames, tables: TableEffects) -> None:
        self.names = names
        self.tables = tables

    def of_create_table(self, body: pg.CreateForeignTableStmt) -> Declaration:
        """Return what CREATE FOREIGN TABLE makes."""
        made = self.tables.of_create(body.base_stmt)
        table, *parts = made.effects
        return made._replace(effects=(table._replace(value=table_text(body.servername, body.options)), *parts))

    def of_create_wrapper(self, body: pg.CreateFdwStmt) -> Declaration:
        """Return what CREATE FOREIGN DATA WRAPPER makes."""
        functions = {word: text for word, text in self._functions(body.func_options).items() if text is not None}
        in_order = {word: functions[word] for word in _ARGUMENTS if word in functions}
        definition = foreign_definition(WRAPPER, in_order, set_options(body.options))
        return Declaration((Effect("create", Object(WRAPPER, body.fdwname), definition),))

    def of_alter_wrapper(self, body: pg.AlterFdwStmt) -> Declaration:
        """Return what ALTER FOREIGN DATA WRAPPER changes."""
        value = changes_text(self._functions(body.func_options), changed_options(body.options))
        return Declaration((Effect("change", Object(WRAPPER, body.fdwname), value),))

    def of_create_server(self, body: pg.CreateForeignServerStmt) -> Declaration:
        """Return what CREATE SERVER makes."""
        clauses = {"wrapper": identifier(body.fdwname)}
        clauses |= {"type": text(body.servertype)} if body.servertype else {}
        clauses |= {"version": text(body.version)} if body.version else {}
        definition = foreign_definition(SERVER, clauses, set_options(body.options))
        return Declaration((Effect("create", Object(SERVER, body.servername), definition),), body.if_not_exists)

    def of_alter_server(self, body: pg.AlterForeignServerStmt) -> Declaration:
        """Return what ALTER SERVER changes."""
        version = {"version": text(body.version) if body.version else None} if body.has_version else {}
        value = changes_text(version, changed_options(body.options))
        return Declaration((Effect("change", Object(SERVER, body.servername), value),))

    def of_create_mapping(self, body: pg.CreateUserMappingStmt) -> Declaration:
        """Return what CREATE USER MAPPING makes; nothing is known of that for the role of a session."""
        role, item = _mapping(body.user, body.servername)
        if item is None:
            return Declaration()
        options = {name: masked(role, name, value) for name, value in set_options(body.options).items()}
        effect = Effect("create", item, foreign_definition(MAPPING, {}, options))
        return Declaration((effect,), body.if_not_exists)

    def of_alter_mapping(self, body: pg.AlterUserMappingStmt) -> Declaration:
        """Return what ALTER USER MAPPING changes."""
        role, item = _mapping(body.user, body.servername)
        if item is None:
            return Declaration()
        options = {
            name: None if value is None else masked(role, name, value)
            for name, value in changed_options(body.options).items()
        }
        return Declaration((Effect("change", item, changes_text({}, options)),))

    def of_drop_mapping(self, body: pg.DropUserMappingStmt) -> Declaration:
        """Return what DROP USER MAPPING drops."""
        _, item = _mapping(body.user, body.servername)
        return Declaration() if item is None else Declaration((Effect("drop", item),), body.missing_ok)

    def _functions(self, options: Iterable[pg.Node]) -> dict[str, str | None]:
        """Return the functions that a statement names by what they are for; None for NO HANDLER, NO VALIDATOR."""
        return {
            option.def_elem.defname: self._function(option.def_elem) if option.def_elem.HasField("arg") else None
            for option in options
        }

    def _function(self, option: pg.DefElem) -> str:
        function = self.names.named("function", option.arg.list.items)
        is_system = function.schema == "pg_catalog"
        name = qualified_name(function._replace(schema="") if is_system else function)
        return name + _ARGUMENTS[option.defname]


def text(value: str) -> str:
    """Return a text as definitions have it: with quotes, and nothing else is escaped."""
    return "'" + value.replace("'", "''") + "'"


def _mapping(user: pg.RoleSpec, server: str) -> tuple[str, Object | None]:
    """Return the role and the mapping that a statement is about; no mapping when the session decides whose it is."""
    kind = pg.RoleSpecType.Name(user.roletype)
    role = {"ROLESPEC_PUBLIC": PUBLIC, "ROLESPEC_CSTRING": user.rolename}.get(kind)
    if role is None:
        return "", None
    return role, Object(MAPPING, f"for {identifier(role)} server {identifier(server)}")
