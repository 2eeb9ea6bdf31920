"""The best way of each change that PostgreSQL's versions differ in: the one that holds up readers and writers least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Change = Literal["not null", "foreign key of partitions"]
Way = Literal["not valid", "check", "by partition"]
_WAYS: Mapping[Change, tuple[tuple[int, Way], ...]] = {
    "not null": ((18, "not valid"), (15, "check")),
    "foreign key of partitions": ((18, "not valid"), (15, "by partition")),
}
"""Since which version each way is there, the best one first."""


def best_way(change: Change, server: int) -> Way:
    """Return the way of a change on a server of a major version; an older one has the last."""
    ways = _WAYS[change]
    return next((way for since, way in ways if server >= since), ways[-1][1])
