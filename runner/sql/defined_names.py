"""What statements name of aggregates, casts, collations, conversions, operators and text search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.names import Name, Sort, name_in
from runner.sql.object_names import ObjectNames

SORTS: Mapping[str, Sort] = {
    "OBJECT_AGGREGATE": "function",
    "OBJECT_COLLATION": "collation",
    "OBJECT_CONVERSION": "conversion",
    "OBJECT_OPERATOR": "operator",
    "OBJECT_OPCLASS": "opclass",
    "OBJECT_OPFAMILY": "opfamily",
    "OBJECT_TSPARSER": "ts_parser",
    "OBJECT_TSDICTIONARY": "ts_dictionary",
    "OBJECT_TSTEMPLATE": "ts_template",
    "OBJECT_TSCONFIGURATION": "ts_configuration",
}
_OF_AN_ACCESS_METHOD = ("OBJECT_OPCLASS", "OBJECT_OPFAMILY")
_BASE_TYPE = "OBJECT_TYPE"
_KIND_FIELDS = {
    "DefineStmt": "kind",
    "CommentStmt": "objtype",
    "DropStmt": "remove_type",
    "RenameStmt": "rename_type",
    "AlterObjectSchemaStmt": "object_type",
}
_CHANGED = {
    "AlterOperatorStmt": "OBJECT_OPERATOR",
    "AlterOpFamilyStmt": "OBJECT_OPFAMILY",
    "AlterTSDictionaryStmt": "OBJECT_TSDICTIONARY",
    "AlterTSConfigurationStmt": "OBJECT_TSCONFIGURATION",
}
DEFINITIONS = (
    pg.DefineStmt, pg.CreateOpClassStmt, pg.CreateOpFamilyStmt, pg.CreateCastStmt, pg.AlterOpFamilyStmt,
    pg.AlterOperatorStmt, pg.AlterTSConfigurationStmt, pg.AlterTSDictionaryStmt, pg.CreateConversionStmt,
)  # fmt: skip
"""Statements that make or change such things; COMMENT, DROP, RENAME and SET SCHEMA are about any kind."""
MAKERS = ("define_stmt", "create_op_class_stmt", "create_op_family_stmt", "create_cast_stmt", "create_conversion_stmt")
"""The nodes of those that make something."""
COUNTERPARTS = ("commutator", "negator")
"""Options of an operator that make the operator that they name, if it is not there."""
_FUNCTIONS = "sfunc sfunc1 finalfunc combinefunc serialfunc deserialfunc msfunc minvfunc mfinalfunc".split()
_OPTIONS: Mapping[str, Mapping[str, Sort]] = {
    "OBJECT_AGGREGATE": {
        **dict.fromkeys(_FUNCTIONS, "function"),
        **dict.fromkeys(("stype", "stype1", "mstype", "basetype"), "type"),
        "sortop": "operator",
    },
    "OBJECT_OPERATOR": {
        **dict.fromkeys(("leftarg", "rightarg"), "type"),
        **dict.fromkeys(("function", "procedure", "restrict", "join"), "function"),
    },
    "OBJECT_COLLATION": {"from": "collation"},
    "OBJECT_TSPARSER": dict.fromkeys(("start", "gettoken", "end", "headline", "lextypes"), "function"),
    "OBJECT_TSTEMPLATE": dict.fromkeys(("init", "lexize"), "function"),
    "OBJECT_TSDICTIONARY": {"template": "ts_template", "dictionary": "ts_dictionary"},
    "OBJECT_TSCONFIGURATION": {"parser": "ts_parser", "copy": "ts_configuration"},
}
"""What the value of an option names, by the kind of what is made."""
_ITEMS: Mapping[int, Sort] = {1: "operator", 2: "function"}


def made(tree: Any) -> Iterator[Name]:
    """Return what a statement makes; an operator class may come with a family of its name."""
    match tree:
        case pg.DefineStmt():
            yield name_in("type" if kind_of(tree) == _BASE_TYPE else SORTS[kind_of(tree)], tree.defnames)
        case pg.CreateOpClassStmt():
            yield name_in("opclass", tree.opclassname)
            yield name_in("opfamily", tree.opclassname)
        case pg.CreateOpFamilyStmt():
            yield name_in("opfamily", tree.opfamilyname)
        case pg.CreateConversionStmt():
            yield name_in("conversion", tree.conversion_name)
    for option in options_of(tree):
        if option.defname in COUNTERPARTS and option.HasField("arg"):
            yield _value("operator", option)


def subjects(tree: Any) -> Iterator[Name]:
    """Return what a statement changes."""
    match tree:
        case pg.AlterOpFamilyStmt():
            yield name_in("opfamily", tree.opfamilyname)
        case pg.AlterOperatorStmt():
            yield name_in("operator", tree.opername.objname)
        case pg.AlterTSConfigurationStmt():
            yield name_in("ts_configuration", tree.cfgname)
        case pg.AlterTSDictionaryStmt():
            yield name_in("ts_dictionary", tree.dictname)


def references(tree: Any) -> Iterator[Name]:
    """Return what a statement refers to, but for types that are nodes of their own."""
    sorts = _OPTIONS.get(kind_of(tree), {})
    for option in options_of(tree):
        if option.defname in sorts and option.HasField("arg"):
            name = _value(sorts[option.defname], option)
            if option.defname != "basetype" or name.word.lower() != "any":
                yield name
    match tree:
        case pg.CreateOpClassStmt() | pg.AlterOpFamilyStmt():
            for item in (node.create_op_class_item for node in tree.items):
                if item.itemtype in _ITEMS and item.HasField("name"):
                    yield name_in(_ITEMS[item.itemtype], item.name.objname)
                if item.order_family:
                    yield name_in("opfamily", item.order_family)
        case pg.CreateCastStmt() | pg.CreateConversionStmt():
            yield from run_at_once(tree)
        case pg.AlterTSConfigurationStmt():
            yield from (name_in("ts_dictionary", node.list.items) for node in tree.dicts)


def run_at_once(tree: Any) -> Iterator[Name]:
    """Return the functions that PostgreSQL runs for a statement, or for a constant when what it makes is used."""
    match tree:
        case pg.DefineStmt() if kind_of(tree) == "OBJECT_OPERATOR":
            options = (option for option in options_of(tree) if option.defname in ("function", "procedure"))
            yield from (_value("function", option) for option in options)
        case pg.CreateCastStmt() if tree.HasField("func"):
            yield name_in("function", tree.func.objname)
        case pg.CreateConversionStmt():  # it is tried out
            yield name_in("function", tree.func_name)


def signature(tree: Any, target: str) -> Name | None:
    """Return an aggregate or an operator that a statement makes, with its arguments as PostgreSQL writes them."""
    if not isinstance(tree, pg.DefineStmt) or kind_of(tree) not in ("OBJECT_AGGREGATE", "OBJECT_OPERATOR"):
        return None
    options = {option.defname: option.arg.type_name for option in options_of(tree)}
    types = [options[word] for word in ("leftarg", "rightarg", "basetype") if word in options]
    if tree.args:
        types = [node.function_parameter.arg_type for node in tree.args[0].list.items]
    name = next(made(tree))
    arguments = ObjectNames(target).arguments([item for item in types if item.names[-1].string.sval.lower() != "any"])
    return Name(name.sort, name.schema or target, name.word + arguments)


def is_of_an_access_method(object_type: int) -> bool:
    """Return whether DROP and RENAME put the name of an access method before that of the object."""
    return pg.ObjectType.Name(object_type) in _OF_AN_ACCESS_METHOD


def kind_of(tree: Any) -> str:
    """Return the kind of what a statement makes or changes by options, or is about; empty where it has none."""
    field = _KIND_FIELDS.get(type(tree).__name__)
    return str(pg.ObjectType.Name(getattr(tree, field))) if field else _CHANGED.get(type(tree).__name__, "")


def options_of(tree: Any) -> Iterator[pg.DefElem]:
    """Return the options of what a statement makes or changes."""
    field = {"DefineStmt": "definition", "AlterOperatorStmt": "options", "AlterTSDictionaryStmt": "options"}
    name = field.get(type(tree).__name__)
    return (node.def_elem for node in getattr(tree, name)) if name else iter(())


def _value(sort: Sort, option: pg.DefElem) -> Name:
    """Return what the value of an option names: a word, a type, an operator or a string."""
    node = option.arg
    if node.HasField("string"):
        return name_in(sort, [node])
    return name_in(sort, node.type_name.names if node.HasField("type_name") else node.list.items)
