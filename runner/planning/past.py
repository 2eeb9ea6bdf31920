"""What a plan has to know of the runs before."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Applied(Struct, frozen=True):
    """How a script last ended well or was begun, from the history; `at` and `by` are for people."""

    checksum: str
    at: str
    by: str
    run: int


class Past(Struct, frozen=True):
    """What a plan has to know of the runs before: `history_ddl` is empty when the history table is as it has to be.

    `begun` are the scripts that a run has begun of which it is unknown the end, `failed` those that left nothing of
    their own transaction; with `is_released`, runs of the project
    have ended well and had nothing to record.
    """

    applied: Mapping[str, Applied]
    begun: Mapping[str, Applied]
    run: int
    history_ddl: tuple[str, ...]
    is_released: bool = False
    failed: frozenset[str] = frozenset()

    @property
    def is_known(self) -> bool:
        """Whether the database has a history of the project."""
        return bool(self.applied or self.begun) or self.is_released
