"""Objects that have other names at another time."""

from __future__ import annotations

from runner.sql.inventory import columns_of
from runner.sql.objects import OWN_NAMES, WITH_PARTS, Object, without_table
from runner.sql.respelling import renamed


class Translation:
    """Finds the name that an object has at one time by the one that it has at another."""

    def __init__(self) -> None:
        self.known: dict[Object, Object] = {}

    def of(self, item: Object) -> Object:
        """Return the object by its other name."""
        if not self.known:
            return item
        if item.is_attached:
            return item.attached_to(self.of(item.subject))
        exact, owner = self.known.get(without_table(item)), self._owner(item)
        if exact is not None:
            return exact._replace(table=owner.name if owner else item.table) if item.kind in OWN_NAMES else exact
        columns = columns_of(item)
        owns = [self.known.get(Object("column", name, item.table, item.schema)) for name in columns]
        if any(owns):
            names = ", ".join(own.name if own else name for own, name in zip(owns, columns, strict=True))
            item = item._replace(name=item.name.replace(f"({', '.join(columns)})", f"({names})", 1))
        if owner is not None:
            item = item._replace(table=owner.name, schema=owner.schema)
        schema = self.known.get(Object("schema", item.schema))
        return item._replace(schema=schema.name) if schema else item

    def _owner(self, item: Object) -> Object | None:
        owners = (Object(kind, item.table, "", item.schema) for kind in WITH_PARTS if item.table)
        return next((self.known[owner] for owner in owners if owner in self.known), None)

    def add(self, old: Object, new: Object) -> None:
        """Take in that what is called `new` at the time that is known so far is called `old` before it."""
        target = self.of(new)
        self.known.pop(without_table(new), None)
        self.known = {renamed(item, new, old): other for item, other in self.known.items()}
        self.known[without_table(old)] = target
