"""What a plan is made from."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from runner.catalog.snapshot import Snapshot
from runner.planning.past import Past
from runner.repair.probes import Sample
from runner.repair.propose import Proposals
from runner.sql.objects import Facts, Object


class Situation(Struct, frozen=True):
    """What a plan is made from: `declared` by all scripts together, `actual` in the database, and the runs before."""

    declared: Facts
    actual: Snapshot
    past: Past
    propose: Callable[[Facts], Proposals] = lambda _: {}
    """Tells what repairs the differences between the facts that it is given and the actual ones."""
    is_large: Callable[[Object], bool] = lambda _: False
    """Tells on which tables an index is built CONCURRENTLY."""
    sample: Callable[[str], Sample] = lambda _: Sample(())
    """Returns the first rows of a query."""
    is_placed: Callable[[Object], bool] = lambda _: False
    """Tells which tables have a tablespace of their own, which their partitions get."""
