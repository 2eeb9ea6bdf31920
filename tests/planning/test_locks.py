"""The locks of a plan: the rules are those of PostgreSQL, as pg_locks, pg_class and pg_stat show them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import Connection

from runner.catalog.relations import Relations, read_relations
from runner.catalog.snapshot import Scope, read_snapshot
from runner.planning.claimed import Claimed
from runner.planning.locks import TableLock, locks_of
from runner.sql.claim import Claim
from runner.sql.claims import claims_of
from runner.sql.lock_rules import RULES
from runner.sql.objects import Facts
from tests.sql.test_grammar import CORPUS
from tests.support.locks import Meter, as_text
from tests.support.projects import CASES
from tests.support.servers import Server

BEFORE, CASES_TEXT = (CASES / "locks.sql").read_text(encoding="utf-8").split("-- ====\n")
LOCKS = dict(re.findall(r"^((?!--).*); --> (.*)$", CASES_TEXT, flags=re.MULTILINE))
SCOPE = Scope({"public": "", "archive": "archive"}, ("public",), ())
NOT_IN_A_TRANSACTION = {
    "create index concurrently on book (title)": "book SHARE UPDATE EXCLUSIVE scans",
    "create unique index concurrently on book (id, title)": "book SHARE UPDATE EXCLUSIVE scans",
    "drop index concurrently book_title": "book_title SHARE UPDATE EXCLUSIVE, book SHARE UPDATE EXCLUSIVE",
    "reindex table concurrently book": "book SHARE UPDATE EXCLUSIVE scans",
    "alter table stay detach partition stay_1 concurrently": "stay SHARE UPDATE EXCLUSIVE, stay_1 ACCESS EXCLUSIVE",
    "vacuum book": "book SHARE UPDATE EXCLUSIVE scans",
    "vacuum full book": "book ACCESS EXCLUSIVE rewrites",
}
"""What cannot be measured: the locks come and go in transactions of their own."""
NEWER = {
    "alter table book add constraint added not null pages not valid": "book ACCESS EXCLUSIVE",
    "alter table book add constraint added not null pages": "book ACCESS EXCLUSIVE scans",
    "alter table book add column extra integer generated always as (id + 1) virtual": "book ACCESS EXCLUSIVE",
}
"""What PostgreSQL 18 knows."""
CHECKED = (
    "alter table loan_1 add constraint loan_1_values check (id is not null and id in (1)) not valid",
    "alter table loan_default add constraint loan_1_values check (not (id is not null and id in (1))) not valid",
    "alter table loan_1 validate constraint loan_1_values",
    "alter table loan_default validate constraint loan_1_values",
    "alter table loan attach partition loan_1 for values in (1)",
)
"""What says to PostgreSQL, when the last is sent, that it need not read the partitions for their bounds."""
SKIPPED = re.compile(r"begin|commit|rollback|create database|discard|savepoint|release|drop owned|reassign|copy")
EIGHTEEN = 180_000
MOST_OF_THE_CORPUS = 200


@pytest.fixture(scope="module")
def library(server: Server) -> Iterator[Connection[Any]]:
    """A database with a relation of each kind, which tests leave as it is."""
    with server.roles(2) as _, server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(BEFORE.encode())
        yield connection


class Known(NamedTuple):
    """What is known of the library before a statement."""

    relations: Relations
    facts: Facts
    meter: Meter


@pytest.fixture(scope="module")
def known(library: Connection[Any]) -> Known:
    relations = read_relations(library, SCOPE, {"now", "longer", "draw", "gen_random_uuid"})
    return Known(relations, read_snapshot(library, SCOPE).facts, Meter(library))


def told(known: Known, *statements: str) -> tuple[list[Claim], tuple[TableLock, ...]]:
    """Return what the last of some statements is taken for here, and the locks that a plan would tell of."""
    claimed = Claimed(known.relations, known.facts)
    for sql in statements:
        here = [each for claim in claims_of(sql, "public") for each in claimed.here(claim)]
    return here, locks_of(here, known.relations)


def expected(text: str) -> set[str]:
    """Return each lock of a case; relations before the one with the lock have the same."""
    found, names = set(), []
    for part in text.split(", ") if text != "none" else ():
        name, _, lock = part.partition(" ")
        names.append(name)
        if lock:
            found |= {f"{each} {lock}" for each in names}
            names = []
    return found


@contextmanager
def rolled_back(connection: Connection[Any]) -> Iterator[None]:
    connection.execute("begin")
    try:
        yield
    finally:
        connection.execute("rollback")


@pytest.mark.parametrize("sql", [*LOCKS, *NEWER])
def test_the_locks_are_those_of_postgresql(library: Connection[Any], known: Known, sql: str) -> None:
    """What is told is the case, and nothing that PostgreSQL does is more than that."""
    _, locks = told(known, sql)
    assert as_text(locks) == expected((LOCKS | NEWER)[sql])
    if sql in NEWER and library.info.server_version < EIGHTEEN:
        return
    with rolled_back(library), known.meter.measuring() as measured:
        library.execute(sql.encode())
    assert known.meter.unannounced(measured, locks) == []


def test_a_check_of_the_run_spares_a_scan(library: Connection[Any], known: Known) -> None:
    """The default partition is not read, and the partition for its foreign key alone."""
    _, locks = told(known, *CHECKED)
    own, author = "loan_1 ACCESS EXCLUSIVE scans", "author SHARE ROW EXCLUSIVE scans"
    assert as_text(locks) == expected(f"loan_default ACCESS EXCLUSIVE, {own}, {author}, loan SHARE UPDATE EXCLUSIVE")
    with rolled_back(library):
        for sql in CHECKED[:-1]:
            library.execute(sql.encode())
        with known.meter.measuring() as measured:
            library.execute(CHECKED[-1].encode())
    assert known.meter.unannounced(measured, locks) == []


@pytest.mark.parametrize("sql", NOT_IN_A_TRANSACTION)
def test_the_locks_of_what_is_no_transaction_are_told(known: Known, sql: str) -> None:
    """PostgreSQL's manual says which they are."""
    assert as_text(told(known, sql)[1]) == expected(NOT_IN_A_TRANSACTION[sql])


def test_no_ddl_locks_more_than_is_told(library: Connection[Any], known: Known) -> None:
    """Each form of DDL that can be run on the library: no stronger lock, no scan and no rewrite that is not told."""
    run, wrong = 0, {}
    for sql, _ in CORPUS:
        if SKIPPED.match(sql):
            continue
        _, locks = told(known, sql)
        try:
            with rolled_back(library), known.meter.measuring() as measured:
                library.execute(sql.encode())
        except psycopg.Error:
            continue
        run += 1
        if more := known.meter.unannounced(measured, locks):
            wrong[sql] = more
    assert not wrong
    assert run >= MOST_OF_THE_CORPUS or library.info.server_version < EIGHTEEN


def test_each_rule_has_a_case(known: Known) -> None:
    """No rule is there that nothing was measured for."""
    statements = [*LOCKS, *NOT_IN_A_TRANSACTION, *NEWER, *(sql for sql, _ in CORPUS)]
    seen = {claim.kind for sql in statements for claim in told(known, sql)[0]}
    seen |= {claim.kind for claim in told(known, *CHECKED)[0]}
    assert RULES.keys() - seen == set()
