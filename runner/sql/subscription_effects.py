"""What statements about subscriptions do, read off their parse trees."""

from __future__ import annotations

from postgast import pg_query_pb2 as pg

from runner.sql.foreign_tables import set_options
from runner.sql.objects import SUBSCRIPTION, Declaration, Effect, Object
from runner.sql.option_list import options_text
from runner.sql.quoting import identifier
from runner.sql.subscriptions import subscription_definition
from runner.sql.trees import strings

_PUBLICATIONS = {
    "ALTER_SUBSCRIPTION_SET_PUBLICATION": "to",
    "ALTER_SUBSCRIPTION_ADD_PUBLICATION": "add",
    "ALTER_SUBSCRIPTION_DROP_PUBLICATION": "drop",
}


def of_create(body: pg.CreateSubscriptionStmt) -> Declaration:
    """Return what CREATE SUBSCRIPTION makes."""
    publications = [identifier(name) for name in strings(body.publication)]
    definition = subscription_definition(body.subname, publications, set_options(body.options))
    return Declaration((Effect("create", Object(SUBSCRIPTION, body.subname), definition),))


def of_alter(body: pg.AlterSubscriptionStmt) -> Declaration:
    """Return what ALTER SUBSCRIPTION changes; nothing tells that of a connection, or of what is done at once."""
    kind = pg.AlterSubscriptionType.Name(body.kind)
    item = Object(SUBSCRIPTION, body.subname)
    if word := _PUBLICATIONS.get(kind):
        names = ", ".join(identifier(name) for name in strings(body.publication))
        return Declaration((Effect("change", item, f"{word} {names}"),))
    if kind == "ALTER_SUBSCRIPTION_OPTIONS":
        return Declaration((Effect("change", item, f"with ({options_text(set_options(body.options))})"),))
    return Declaration()


def of_drop(body: pg.DropSubscriptionStmt) -> Declaration:
    """Return what DROP SUBSCRIPTION drops."""
    return Declaration((Effect("drop", Object(SUBSCRIPTION, body.subname)),), body.missing_ok)
