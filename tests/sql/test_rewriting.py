"""Another form of one statement."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runner.sql.rewriting import with_clauses

CLAUSES = [
    ("alter table t add a int, drop b, add c int", [0, 2], "alter table t add a int,\n    add c int"),
    ('alter table if exists only s."t, t" add a int, drop b', [1], 'alter table if exists only s."t, t" drop b'),
    ("alter table only (s . t) add a int, drop b", [1], "alter table only (s . t) drop b"),
    ("ALTER TABLE t * ADD a int, DROP b", [0], "ALTER TABLE t * ADD a int"),
    ("alter foreign table t add a int, drop b", [1], "alter foreign table t drop b"),
    (
        "alter table -- a,\n t -- b,\n add a int -- c,\n, drop b",
        [0, 1],
        "alter table -- a,\n t -- b,\n add a int,\n    drop b",
    ),
    (
        "alter table t add a numeric(4, 1), alter b type int[] using array[b, 1], add check (c in ('x, y', $$,$$))",
        [1, 2],
        "alter table t alter b type int[] using array[b, 1],\n    add check (c in ('x, y', $$,$$))",
    ),
    ('alter table "größe" drop "ä, ö", add "ü" text', [1], 'alter table "größe" add "ü" text'),
]


@pytest.mark.parametrize(("sql", "kept", "expected"), CLAUSES, ids=[sql for sql, _, _ in CLAUSES])
def test_some_clauses(sql: str, kept: Sequence[int], expected: str) -> None:
    """What stands before the clauses, and those that are kept, stay as they are written."""
    assert with_clauses(sql, kept) == expected
