"""What statements do to aggregates, operators, collations, conversions, casts, text search and languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.object_names import KINDS, ObjectNames
from runner.sql.objects import PRESENT, Declaration, Effect, Object, qualified_name

_CONTEXTS = {"COERCION_IMPLICIT": " as implicit", "COERCION_ASSIGNMENT": " as assignment"}
_OLD_STAR = "any"
"""The base type of an aggregate without arguments, in its old form."""


def definition_of(node: str, body: Any, names: ObjectNames) -> Declaration | None:
    """Return what a statement declares, None when it is about something else; `node` is the name of its kind.

    What is in no schema is not built in scratch schemas: its definition is read off the statement, in the words of
    `defined_facts.sql`.
    """
    read = getattr(_Reader(names), f"read_{node}", None)
    declaration: Declaration | None = read(body) if read else None
    return declaration


class _Reader:
    """Has a method for each statement that makes or changes such an object."""

    def __init__(self, names: ObjectNames) -> None:
        self.names = names

    def read_define_stmt(self, body: pg.DefineStmt) -> Declaration:
        made = self._defined(body)
        if made is None:  # a base type
            return Declaration(opaque=True)
        return Declaration((Effect("create", made),), body.if_not_exists, body.replace)

    def _defined(self, body: pg.DefineStmt) -> Object | None:
        kind = KINDS.get(pg.ObjectType.Name(body.kind), "")
        types = {option.def_elem.defname: option.def_elem.arg.type_name for option in body.definition}
        match kind:
            case "aggregate":
                return self.names.aggregate(body.defnames, _arguments(body, types.get("basetype")))
            case "operator":
                sides = [types.get(side, pg.TypeName()) for side in ("leftarg", "rightarg")]
                return self.names.operator(body.defnames, sides)
            case "type":
                return None
        return self.names.named(kind, body.defnames)

    def read_create_op_class_stmt(self, body: pg.CreateOpClassStmt) -> Declaration:
        """Return an operator class, with the family of its name that it makes where it names none."""
        made = self.names.of_method("operator class", body.opclassname, body.amname)
        own = () if body.opfamilyname else (Effect("create", made._replace(kind="operator family")),)
        return Declaration((*own, Effect("create", made)))

    def read_create_op_family_stmt(self, body: pg.CreateOpFamilyStmt) -> Declaration:
        made = self.names.of_method("operator family", body.opfamilyname, body.amname)
        return Declaration((Effect("create", made),))

    def read_alter_op_family_stmt(self, body: pg.AlterOpFamilyStmt) -> Declaration:
        changed = self.names.of_method("operator family", body.opfamilyname, body.amname)
        return Declaration((Effect("change", changed),))

    def read_alter_operator_stmt(self, body: pg.AlterOperatorStmt) -> Declaration:
        return Declaration((Effect("change", self.names.routine("operator", body.opername)),))

    def read_alter_tsdictionary_stmt(self, body: pg.AlterTSDictionaryStmt) -> Declaration:
        return Declaration((Effect("change", self.names.named("text search dictionary", body.dictname)),))

    def read_alter_tsconfiguration_stmt(self, body: pg.AlterTSConfigurationStmt) -> Declaration:
        return Declaration((Effect("change", self.names.named("text search configuration", body.cfgname)),))

    def read_create_conversion_stmt(self, body: pg.CreateConversionStmt) -> Declaration:
        return Declaration((Effect("create", self.names.named("conversion", body.conversion_name)),))

    def read_create_cast_stmt(self, body: pg.CreateCastStmt) -> Declaration:
        made = self.names.cast(body.sourcetype, body.targettype)
        how = "with inout" if body.inout else "without function"
        if body.HasField("func"):
            how = self._with("with function ", body.func)
        context = _CONTEXTS.get(pg.CoercionContext.Name(body.context), "")
        return Declaration((Effect("create", made, f"{how}{context}" if how else PRESENT),))

    def read_create_transform_stmt(self, body: pg.CreateTransformStmt) -> Declaration:
        made = self.names.transform(body.type_name, body.lang)
        pairs = (("from sql ", body.fromsql), ("to sql ", body.tosql))
        parts = [self._with(words, function) for words, function in pairs if function.objname]
        return Declaration(
            (Effect("create", made, ", ".join(parts) if all(parts) else PRESENT),), replaces=body.replace
        )

    def read_create_plang_stmt(self, body: pg.CreatePLangStmt) -> Declaration:
        trusted = "trusted " if body.pltrusted else ""
        handler = f"{trusted}handler {self._function(body.plhandler, '')}"
        inline = f" inline {self._function(body.plinline, 'internal')}" if body.plinline else ""
        validator = f" validator {self._function(body.plvalidator, 'oid')}" if body.plvalidator else ""
        made = Object("language", body.plname)
        return Declaration((Effect("create", made, handler + inline + validator),), replaces=body.replace)

    def read_create_am_stmt(self, body: pg.CreateAmStmt) -> Declaration:
        type_ = {"t": "table", "i": "index"}.get(body.amtype, "index")
        definition = f"type {type_} handler {self._function(body.handler_name, 'internal')}"
        return Declaration((Effect("create", Object("access method", body.amname), definition),))

    def _with(self, words: str, node: pg.ObjectWithArgs) -> str:
        """Return a clause with a function; empty where the statement does not say which one of its name."""
        if node.args_unspecified:
            return ""
        types = ",".join(self.names.type_name(item.type_name) for item in node.objargs)
        return words + self._function(node.objname, types)

    def _function(self, names: Sequence[pg.Node], types: str) -> str:
        function = self.names.named("function", names)
        is_system = function.schema == "pg_catalog"
        return f"{qualified_name(function._replace(schema='') if is_system else function)}({types})"


def _arguments(body: pg.DefineStmt, base: pg.TypeName | None) -> list[pg.TypeName]:
    """Return the types of an aggregate's arguments, in its new or its old form; two that are variadic are one."""
    if not body.args:
        is_star = base is None or not base.names or base.names[-1].string.sval.lower() == _OLD_STAR
        return [] if base is None or is_star else [base]
    parameters = [node.function_parameter for node in body.args[0].list.items]
    variadic = [pg.FunctionParameterMode.Name(item.mode) == "FUNC_PARAM_VARIADIC" for item in parameters]
    types = [item.arg_type for item in parameters]
    return types[:-1] if variadic[-2:] == [True, True] else types
