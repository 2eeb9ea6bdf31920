"""One lock file for several versions of PostgreSQL."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from runner.project.lock_document import ABSENT, nested, unnested
from runner.project.lock_versions import merged, versions_text
from runner.project.lockfile import FILE, Lockfile
from runner.sql.objects import Object
from runner.sql.privileges import owner_of, privileges_of
from runner.sql.uncompared import Uncompared
from tests.support.in_process import call
from tests.support.projects import write_project
from tests.support.servers import POSTGRES_IMAGE, UNCLOSED, Server, container_server, embedded_server

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

VIEW, TABLE, NEW = Object("view", "v"), Object("table", "t"), Object("column", "c", "t")
SQL = """
    create table if not exists item (id integer primary key, name text not null, size integer default 1);
    create or replace view named as select id, name from item where size > 0;
"""


def lock(version: int, *, dates: str = "", uncompared: tuple[Uncompared, ...] = (), **facts: str) -> Lockfile:
    """Return a lock of one version, whose facts are views."""
    known = {Object("view", name): text for name, text in facts.items()}
    return Lockfile(known, (version,), "public", "public", {}, {}, dates, uncompared)


def test_what_is_the_same_is_said_once() -> None:
    """The newest version's facts are those of all; an older version has what differs, and what it lacks."""
    one = merged((lock(15, same="a", other="b", old="c"), lock(18, same="a", other="B", new="d")))
    assert one.postgresql == (15, 18)
    assert one.facts == lock(18, same="a", other="B", new="d").facts
    assert one.overrides[15].facts == {**lock(15, other="b", old="c").facts, Object("view", "new"): None}
    assert one.facts_on(15) == lock(15, same="a", other="b", old="c").facts


def test_a_version_is_replaced_and_others_stay() -> None:
    """The last lock that has a version counts for it; seals are those of the last."""
    known = merged((lock(15, view="a"), lock(16, view="b"), lock(18, view="c")))
    one = merged((known, lock(16, view="B")))
    assert [one.facts_on(number)[VIEW._replace(name="view")] for number in (15, 16, 18)] == ["a", "B", "c"]
    assert merged((known, lock(15, view="c"))).overrides.keys() == {16}


def test_what_is_not_compared_is_known_of_each_version() -> None:
    """Each version has its own statements that are compared by name alone."""
    item = Uncompared("a.sql", ("view v",), "refers to nothing")
    one = merged((lock(15, uncompared=(item,), view="a"), lock(18, view="a")))
    assert (one.uncompared_on(15), one.uncompared_on(18)) == ((item,), ())


@pytest.mark.parametrize("text", ["select, update", None])
@pytest.mark.parametrize("column", ["update with grant option", None])
def test_what_roles_may_do_on_a_version_comes_back(text: str | None, column: str | None) -> None:
    """What a version does not have is told apart from what it has, for a table and for each of its columns."""
    own = {
        owner_of(TABLE): text,
        privileges_of("app", TABLE): text,
        privileges_of("app", NEW): column,
        privileges_of("app", NEW._replace(name="a, b")): "select",
    }
    document = nested(own, {TABLE: "table"})
    assert dict(unnested(document)) == {item: ABSENT if known is None else known for item, known in own.items()}


@pytest.mark.parametrize(
    ("versions", "text"), [((15,), "15"), ((15, 16), "15 and 16"), ((15, 16, 17), "15 to 17"), ((15, 18), "15 and 18")]
)
def test_versions_are_said_as_people_do(versions: tuple[int, ...], text: str) -> None:
    assert versions_text(versions) == text


@pytest.fixture(scope="module")
def other(server: Server, pytestconfig: pytest.Config) -> Iterator[Server]:
    """A server of another version than that of the session."""
    # Tests after these are under the filter as well: the client leaves sockets to the garbage collector.
    pytestconfig.addinivalue_line("filterwarnings", UNCLOSED)
    if server.major == 18:
        try:
            with container_server() as found:
                yield found
        except Exception as error:  # noqa: BLE001  whatever the client raises
            pytest.skip(f"no container {POSTGRES_IMAGE} for another version: {error}")
    else:
        with embedded_server() as found:
            yield found


def written(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / FILE).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def both(server: Server, other: Server) -> Iterator[tuple[str, str]]:
    """Databases on both servers, the older one first."""
    with server.database() as one, other.database() as two:
        yield (one, two) if server.major < other.major else (two, one)


def test_one_lock_for_two_servers(both: tuple[str, str], tmp_path: Path) -> None:
    """Both are in the file: what only the older says in its own words is an override; both verify without building."""
    write_project(tmp_path, {"010_item.sql": SQL})
    old, new = both
    result = call("lock", "--dsn", old, "--dsn", new, folder=tmp_path)
    assert (result.code, result.err) == (0, "")
    document = written(tmp_path)
    versions = document["lock"]["postgresql"]
    assert result.out == f"{tmp_path / FILE} written (PostgreSQL {versions_text(versions)})\n"
    (number, overrides) = document["overrides"].popitem()
    assert (int(number), list(overrides), list(overrides["view"])) == (versions[0], ["view"], ["named"])
    for dsn in both:
        assert call("apply", "--dsn", dsn, folder=tmp_path).err == ""
        for command in ("verify", "plan --check"):
            result = call(*command.split(), "--dsn", dsn, folder=tmp_path)
            assert (result.code, result.err) == (0, "")
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create or replace view named as select id, name from item where size > 1")
        found = call("verify", "--json", "--dsn", dsn, folder=tmp_path).json["findings"]
        assert [finding["object"] for finding in found] == ["view named"]


def test_lock_keeps_the_other_versions(both: tuple[str, str], tmp_path: Path) -> None:
    """On one server `lock` writes that version and keeps the others, unless what makes objects has changed."""
    write_project(tmp_path, {"010_item.sql": SQL})
    old, new = both
    call("lock", "--dsn", old, "--dsn", new, folder=tmp_path)
    complete = (tmp_path / FILE).read_bytes()
    for dsn in both:
        assert call("lock", "--check", "--dsn", dsn, folder=tmp_path).code == 0
        call("lock", "--dsn", dsn, folder=tmp_path)
        assert (tmp_path / FILE).read_bytes() == complete
    (tmp_path / FILE).unlink()
    for dsn in (new, old):
        call("lock", "--dsn", dsn, folder=tmp_path)
    assert (tmp_path / FILE).read_bytes() == complete
    (tmp_path / "script/010_item.sql").write_text(SQL + "comment on table item is 'More.';")
    call("lock", "--dsn", old, folder=tmp_path)
    assert (len(written(tmp_path)["lock"]["postgresql"]), "overrides" in written(tmp_path)) == (1, False)


def test_dates_of_servers_that_differ(both: tuple[str, str], tmp_path: Path) -> None:
    """What depends on dates is not one for sessions whose dates differ; the error says how to write moments."""
    write_project(tmp_path, {"010_item.sql": "create table if not exists a (b timestamptz default '2026-01-02');"})
    old, new = (
        make_conninfo(dsn, options=f"-c timezone={zone}") for dsn, zone in zip(both, ("UTC", "Asia/Tokyo"), strict=True)
    )
    result = call("lock", "--dsn", old, "--dsn", new, folder=tmp_path)
    assert result.code == 1
    assert "what is declared depends on dates, and those of the servers are in" in result.err
    assert not (tmp_path / FILE).exists()


def test_a_version_that_is_not_covered(both: tuple[str, str], tmp_path: Path) -> None:
    """What is there, in words that mean what a covered version says, is compared without a build; else all is built."""
    write_project(tmp_path, {"010_item.sql": SQL})
    old, new = both
    call("lock", "--dsn", new, folder=tmp_path)
    call("apply", "--dsn", old, folder=tmp_path)
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute("create or replace view named as select id, name from item where size > 0")
        reading = make_conninfo(old, options="-c default_transaction_read_only=on")
        for command in ("verify", "plan --check"):
            result = call(*command.split(), "--dsn", reading, folder=tmp_path)
            assert (result.code, result.err) == (0, "")
        connection.execute("create or replace view named as select id, name from item where size > 1")
    result = call("verify", "--json", "--dsn", old, folder=tmp_path)
    assert "is not fresh (it is for PostgreSQL" in result.err
    assert [finding["object"] for finding in result.json["findings"]] == ["view named"]
