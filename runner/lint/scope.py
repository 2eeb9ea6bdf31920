"""What the scripts have declared so far, while they are read statement by statement, and how much of it is certain."""

from __future__ import annotations

from collections.abc import Collection

from runner.lint.column_references import Mentions
from runner.sql.inventory import Inventory
from runner.sql.names import Name
from runner.sql.objects import Effect, Object
from runner.sql.simulation import resolved
from runner.sql.statements import Statement


class NamesInScope:
    """The declared objects, who makes them, and what is known of the columns of tables."""

    def __init__(self, target: str) -> None:
        """Begin with nothing; `target` is the schema that names without one mean."""
        self.target = target
        self.state = Inventory()
        self.makers: dict[Object, Statement] = {}
        self.complete: set[Object] = set()
        """Tables of which every column is known."""
        self.drawing: dict[Object, tuple[str, ...]] = {}
        """Columns that take the next value of a sequence, by their table."""
        self.is_certain = True
        """No statement so far may have done more than its text tells."""

    def table(self, name: Name) -> Object:
        """Return the table that a name means."""
        return Object("table", name.word, "", "" if name.schema == self.target else name.schema)

    def drawing_of(self, name: Name) -> tuple[str, ...]:
        """Return the columns of a table that take the next value of a sequence, as far as they are known."""
        return self.drawing.get(self.table(name), ())

    def columns(self, table: Object) -> list[str]:
        """Return the columns of a table."""
        near = self.state.near(table.schema, table.name)
        return [item.name for item in near if (item.kind, item.table) == ("column", table.name)]

    def follow(self, statement: Statement, named: Effect) -> None:
        """Take in an effect of a statement."""
        effect = resolved(named, self.state) or named
        if effect.action == "change" and effect.object not in self.state:
            return  # of what is not there nothing comes
        if effect.action == "create":
            self.makers.setdefault(effect.object, statement)
        elif effect.action in ("drop", "rename", "move", "take"):
            self._leave(effect)
        table = Object("table", effect.object.table, "", effect.object.schema)
        if effect.action != "create" and effect.object.name in self.drawing.get(table, ()):
            del self.drawing[table]  # it may draw no more, or under another name
        self.state.apply(effect)

    def end_statement(self, statement: Statement, mentions: Mentions) -> None:
        """Take in what a statement tells of columns, and whether it may have done more than its text tells."""
        self._take_in_columns(statement, mentions)
        if statement.declaration.opaque or statement.node == "select_into_stmt":
            self.forget()

    def open(self, texts: Collection[str]) -> None:
        """Take it that a function that is given the name of a table adds columns to it, as some of PostGIS do."""
        named = {text.rpartition(".")[2].strip('"') for text in texts}
        self.complete = {table for table in self.complete if table.name not in named}

    def forget(self) -> None:
        """Begin anew, after what may have made, dropped or renamed anything, or given names another meaning."""
        self.state = Inventory()
        self.makers.clear()
        self.complete.clear()
        self.drawing.clear()
        self.is_certain = False

    def _leave(self, effect: Effect) -> None:
        """Forget who made what is dropped or renamed, and follow a table to its new name."""
        gone = effect.object
        for item in (gone, *(self.state.below(gone) if gone.kind == "table" else ())):
            self.makers.pop(item, None)
        drawing = self.drawing.pop(gone, ())
        if effect.action in ("rename", "move") and gone.kind == "table":
            renamed = effect.becomes
            self.drawing[renamed] = drawing
            self.complete |= {renamed} if gone in self.complete else set()
        self.complete.discard(gone)

    def _take_in_columns(self, statement: Statement, mentions: Mentions) -> None:
        if mentions.complete and self.makers.get(self.table(mentions.complete)) is statement:
            self.complete.add(self.table(mentions.complete))
        self.complete -= {self.table(name) for name in mentions.opened}
        if mentions.drawing and statement.declaration.effects:
            first = statement.declaration.effects[0].object
            table = Object("table", first.table or first.name, "", first.schema)
            self.drawing[table] = (*self.drawing.get(table, ()), *mentions.drawing)
