"""What a claim means in this database: which relation it is about, and which of several kinds it is here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from runner.catalog.column_definitions import column_definition, keeps_rows
from runner.catalog.constraint_definitions import check_expression, foreign_key_definition
from runner.catalog.definitions import as_valid, is_invalid, names
from runner.catalog.index_definitions import unique_index_definition
from runner.catalog.relations import Relations
from runner.sql.chosen_names import chosen_name
from runner.sql.claim import Claim
from runner.sql.lock_rules import RULES
from runner.sql.objects import Facts, Object
from runner.sql.quoting import identifier
from runner.sql.respelling import words

NOT_THERE = Object("table", "")
"""Stands for a relation that the run itself has made."""
_BY_DEFAULT = {"CREATE TABLE PARTITION OF", "ATTACH PARTITION"}
"""What looks through the default partition."""
_TABLES_OF = {"statistics": "table", "publication": "published", "domain": "users"}
"""The links to the tables that what is no relation is about."""


class Claimed:
    """Follows the claims of a plan in their order: what they rename, and what of the rows they prove."""

    def __init__(self, relations: Relations, facts: Facts) -> None:
        self.relations = relations
        self.facts = facts
        self.names = {item: item for item in relations.there}
        """The relations that were there before the run, by what they are called now."""
        self.proven: set[Object] = set()
        """Columns of which a valid CHECK of this run says that they are not null."""
        self.validated: set[Object] = set()
        """The constraints that this run validates."""
        self.added: dict[Object, Claim] = {}
        """The constraints and indexes that this run adds, with the claims that do it."""

    def here(self, claim: Claim) -> Iterator[Claim]:
        """Yield what a claim is in this database, about relations as they were called before the run; then follow it.

        Of what is about a relation that the run itself makes, others only notice what else it names.
        """
        relation = self.names.get(claim.relation)
        if claim.kind == "DROP CASCADE":
            yield claim
            yield from (Claim("DROP DEPENDENT", item) for item in self._dependents(claim.relation))
        elif role := _TABLES_OF.get(claim.relation.kind):
            yield from (claim._replace(relation=table) for table in self.relations.linked(role, claim.relation))
        elif claim.relation.kind != "table" or not (RULES[claim.kind].lock or claim.level):
            yield claim
        else:
            named = tuple(self.names[item] for item in claim.named if item in self.names)
            if relation is None:
                yield from (Claim(claim.kind, NOT_THERE, (item,)) for item in named)
                return
            own = claim._replace(relation=relation, named=named)
            yield from self._kinds(own)
            self._follow(claim.relation, own)

    def _kinds(self, claim: Claim) -> Iterator[Claim]:
        if claim.kind in _BY_DEFAULT:
            defaults = self.relations.linked("default", claim.relation)
            yield from (self._bounded(Claim("DEFAULT PARTITION", table)) for table in defaults)
        if claim.kind == "ATTACH PARTITION":
            referenced = self.relations.linked("referenced", claim.relation)
            yield from (Claim("ADD FOREIGN KEY", item, referenced) for item in claim.named if referenced)
        refine = _REFINED.get(claim.kind)
        yield getattr(self, refine)(claim) if refine else claim

    def _dependents(self, item: Object) -> Iterator[Object]:
        """Yield the relations that go, or lose a column, with what is dropped."""
        new = [other for other in self.relations.there if item.kind == "schema" and other.schema == item.name]
        new += self.relations.linked("users", item)
        yield from new
        new, seen = [item, *new], {item}
        while new:
            views = [view for each in new for view in self.relations.linked("views", each)]
            new = [view for view in dict.fromkeys(views) if view not in seen]
            seen |= set(new)
            yield from new

    def _follow(self, written: Object, claim: Claim) -> None:
        if claim.becomes:
            self.names[claim.becomes] = self.names.pop(written)
        elif claim.kind in ("DROP TABLE", "DROP MATERIALIZED VIEW"):
            self.names.pop(written)
        elif claim.kind.startswith(("ADD ", "CREATE INDEX", "CREATE UNIQUE")) and claim.part:
            self.added[self._part("constraint", claim)] = claim
        elif claim.kind == "VALIDATE CONSTRAINT":
            self.validated.add(self._part("constraint", claim))
            tables = self.relations.with_below(claim.relation)
            self.proven |= {self._column(table, name) for name in self._not_null_by(claim) for table in tables}

    def _part(self, kind: str, claim: Claim) -> Object:
        return Object(kind, claim.part, claim.relation.name, claim.relation.schema)

    def _column(self, table: Object, name: str) -> Object:
        return Object("column", name, table.name, table.schema)

    def _not_null_by(self, claim: Claim) -> Sequence[str]:
        """Return the column of which a constraint of this run, or one that was there, says that it is not null."""
        constraint = self._part("constraint", claim)
        if added := self.added.get(constraint):
            return added.columns if added.kind.startswith(("ADD CHECK", "ADD NOT NULL")) else ()
        if constraint not in self.facts:
            return self._not_validated(constraint)
        check = check_expression(as_valid(constraint, self.facts.get(constraint, "")))
        return [name for name in words(check or "") if check == f"({name} IS NOT NULL)"]

    def _not_validated(self, constraint: Object) -> Sequence[str]:
        """Return the column whose NOT NULL is not validated, and has the name of a constraint; it is no fact itself."""
        home = "column", constraint.table, constraint.schema
        own = (item for item in self.facts if (item.kind, item.table, item.schema) == home)
        left = [item.name for item in own if column_definition(self.facts[item]).not_null not in ("", "not null")]
        named = [name for name in left if constraint.name == chosen_name(constraint.table, name, "not_null")]
        return left if len(left) == 1 else named

    def _is_not_null(self, table: Object, name: str) -> bool:
        """Return whether no row can have no value in a column, as PostgreSQL sees it without looking at the rows."""
        column = self._column(table, name)
        if column in self.proven or column_definition(self.facts.get(column, "")).not_null == "not null":
            return True
        wanted = f"CHECK ({identifier(name)} IS NOT NULL)"
        return any(
            text == wanted and (item.kind, item.table, item.schema) == ("constraint", table.name, table.schema)
            for item, text in self.facts.items()
        )

    # The kinds that depend on what is there

    def _added_column(self, claim: Claim) -> Claim:
        domain = Object("domain", claim.type.rpartition(".")[2], "", claim.type.rpartition(".")[0])
        limits = words(self.facts.get(domain, "")) & {"constraint", "not"}
        is_filled = bool(limits or claim.functions & self.relations.volatile)
        return claim._replace(kind="ADD COLUMN FILLED") if is_filled else claim

    def _other_type(self, claim: Claim) -> Claim:
        old = column_definition(self.facts.get(self._column(claim.relation, claim.part), "")).type
        claim = claim._replace(named=tuple(dict.fromkeys(self._tied_by_keys(claim))))
        if not claim.type or not old or not keeps_rows(old, claim.type):
            return claim._replace(kind="ALTER COLUMN TYPE")
        if claim.kind == "ALTER COLUMN COLLATION":
            return claim
        is_checked = any(check_expression(as_valid(item, text)) for item, text in self._constraints_of(claim))
        return claim._replace(kind=f"ALTER COLUMN TYPE {'CHECKED' if is_checked else 'IN PLACE'}")

    def _tied_by_keys(self, claim: Claim) -> Iterator[Object]:
        """Yield the tables on the other side of the foreign keys that a column is part of."""
        name = identifier(claim.part)
        for item, text in self.facts.items():
            foreign = foreign_key_definition(as_valid(item, text)) if item.kind == "constraint" else None
            table = Object("table", item.table, "", item.schema)
            if foreign and table == claim.relation and name in foreign.columns:
                yield foreign.relation
            elif foreign and foreign.relation == claim.relation and name in foreign.referenced:
                yield table

    def _constraints_of(self, claim: Claim) -> Iterator[tuple[Object, str]]:
        """Yield the constraints of a table that mention a column, with their definitions."""
        table = claim.relation
        for item, text in self.facts.items():
            is_own = (item.kind, item.table, item.schema) == ("constraint", table.name, table.schema)
            if is_own and identifier(claim.part) in words(text):
                yield item, text

    def _set_not_null(self, claim: Claim) -> Claim:
        proven = self._is_not_null(claim.relation, claim.part)
        return claim._replace(kind="SET NOT NULL PROVEN") if proven else claim

    def _bounded(self, claim: Claim) -> Claim:
        """Return the claim of a table whose rows PostgreSQL looks through, unless a CHECK of this run tells enough."""
        home = "constraint", claim.relation.name, claim.relation.schema
        own = [item for item in self.validated if (item.kind, item.table, item.schema) == home]
        proven = any(item in self.added and self.added[item].kind.startswith("ADD CHECK") for item in own)
        return claim._replace(kind=f"{claim.kind} PROVEN") if proven else claim

    def _primary_key(self, claim: Claim) -> Claim:
        columns = self._columns_of_index(claim)
        proven = bool(columns) and all(self._is_not_null(claim.relation, name) for name in columns)
        return claim._replace(kind="ADD UNIQUE USING INDEX") if proven else claim

    def _foreign_key(self, claim: Claim) -> Claim:
        """Return the claim of a foreign key; where all partitions have it, and it is valid there, no row is read."""
        below = self.relations.with_below(claim.relation, heirs=False)
        leaves = [item for item in below if not self.relations.linked("partitions", item)]
        proven = claim.relation not in leaves and all(self._has_foreign_key(leaf, claim) for leaf in leaves)
        return claim._replace(kind="ADD FOREIGN KEY OF PARTITIONS") if proven else claim

    def _has_foreign_key(self, table: Object, like: Claim) -> bool:
        home = "constraint", table.name, table.schema
        new = (self.added.get(item) for item in self.validated if (item.kind, item.table, item.schema) == home)
        if any(added and (added.named, added.columns) == (like.named, like.columns) for added in new):
            return True
        own = (item for item in self.facts if (item.kind, item.table, item.schema) == home)
        valid = (item for item in own if item in self.validated or not is_invalid(item, self.facts[item]))
        there = (foreign_key_definition(as_valid(item, self.facts[item])) for item in valid)
        wanted = (like.named, tuple(map(identifier, like.columns)))
        return any(each and ((each.relation,), each.columns) == wanted for each in there)

    def _columns_of_index(self, claim: Claim) -> Sequence[str]:
        if added := self.added.get(self._part("constraint", claim)):
            return added.columns
        index = unique_index_definition(self.facts.get(self._part("index", claim), ""))
        return names(index.keys) if index else ()

    def _dropped_constraint(self, claim: Claim) -> Claim:
        referenced = self._referenced(claim)
        return claim._replace(kind="DROP FOREIGN KEY", named=referenced) if referenced else claim

    def _altered_constraint(self, claim: Claim) -> Claim:
        return claim._replace(named=self._referenced(claim))

    def _with_sequences(self, claim: Claim) -> Claim:
        """Return the claim on the sequences of the table, too, where the column has one."""
        column = column_definition(self.facts.get(self._column(claim.relation, claim.part), ""))
        sequences = self.relations.linked("sequences", claim.relation) if column.fills else ()
        return claim._replace(named=sequences)

    def _with_table(self, claim: Claim) -> Claim:
        return claim._replace(named=self.relations.linked("table", claim.relation))

    def _validated(self, claim: Claim) -> Claim:
        referenced = self._referenced(claim)
        return claim._replace(kind="VALIDATE FOREIGN KEY", named=referenced) if referenced else claim

    def _referenced(self, claim: Claim) -> tuple[Object, ...]:
        """Return the table that a constraint refers to, when it is a foreign key."""
        constraint = self._part("constraint", claim)
        if added := self.added.get(constraint):
            return added.named
        foreign = foreign_key_definition(as_valid(constraint, self.facts.get(constraint, "")))
        return (foreign.relation,) if foreign else ()

    def _set_expression(self, claim: Claim) -> Claim:
        column = column_definition(self.facts.get(self._column(claim.relation, claim.part), ""))
        return claim._replace(kind="ALTER COLUMN") if column.generated and not column.stored else claim

    def _set_options(self, claim: Claim) -> Claim:
        is_view = self.relations.there[claim.relation].object.kind == "view"
        return claim._replace(kind="ALTER VIEW") if is_view else claim


_REFINED: Mapping[str, str] = {
    "ADD COLUMN": "_added_column",
    "ALTER COLUMN TYPE": "_other_type",
    "ALTER COLUMN COLLATION": "_other_type",
    "SET NOT NULL": "_set_not_null",
    "ADD PRIMARY KEY USING INDEX": "_primary_key",
    "ATTACHED PARTITION": "_bounded",
    "ADD FOREIGN KEY": "_foreign_key",
    "DROP CONSTRAINT": "_dropped_constraint",
    "VALIDATE CONSTRAINT": "_validated",
    "ALTER CONSTRAINT": "_altered_constraint",
    "ALTER IDENTITY": "_with_sequences",
    "DROP COLUMN": "_with_sequences",
    "DROP INDEX": "_with_table",
    "REINDEX INDEX": "_with_table",
    "SET EXPRESSION": "_set_expression",
    "SET OPTIONS": "_set_options",
}
"""The methods that tell which kind it is here, by the kind that a statement has by its words."""
