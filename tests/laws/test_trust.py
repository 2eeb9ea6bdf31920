"""Nothing that a role without trust has made, or may make, is run or believed: databases are shared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from tests.conftest import MakeProject
from tests.support.in_process import call
from tests.support.projects import Result
from tests.support.servers import Server

ITEM = "create table if not exists item (id integer primary key, code text not null check (code <> ''));"
READS: tuple[tuple[str, ...], ...] = (
    ("plan",),
    ("apply",),
    ("apply", "--dry-run"),
    ("status",),
    ("verify",),
    ("plan", "--schemas-matching", "pub*"),
)
PLANS = tuple(command for command in READS if command[0] != "verify")
COLUMNS = """
    run integer, script text, checksum text, status text, statements integer, started timestamptz, seconds float8,
    role text, runner_version text, error text
"""
TRAP = """
    create table trap (who text);
    create function spring() returns text language plpgsql as $$
        begin insert into public.trap values (current_user); return 'x'; end
    $$;
    create function caught() returns trigger language plpgsql as $$
        begin insert into public.trap values (current_user); return new; end
    $$;
    create function fits(text) returns boolean language plpgsql immutable as $$
        begin insert into public.trap values (current_user); return true; end
    $$;
"""
"""What would leave a row if the runner's own reading or writing ran it."""
MADE = f"create table runner_history ({COLUMNS}, project text not null default '')"
VIEW = """
    select 1 as run, ''::text as script, ''::text as checksum, ''::text as status, 1 as statements, now() as started,
        1::float8 as seconds, ''::text as role, ''::text as runner_version, public.spring() as error
"""
PLANTED = {
    "a view": (f"create view runner_history as {VIEW}", "it is a view, and no plain table"),
    "a materialized view": (
        f"create materialized view runner_history as {VIEW} with no data",
        "it is a materialized view",
    ),
    "a partitioned table": (
        f"create table runner_history ({COLUMNS}) partition by list (run)",
        "it is a partitioned table",
    ),
    "a foreign table": (
        f"""create foreign data wrapper none; create server nowhere foreign data wrapper none;
        create foreign table runner_history ({COLUMNS}) server nowhere""",
        "it is a foreign table",
    ),
    "an unlogged table": (MADE.replace("table", "unlogged table", 1), "it is not permanent"),
    "a trigger": (
        f"{MADE}; create trigger trap before insert on runner_history for each row execute function caught()",
        "drop trigger trap on public.runner_history;",
    ),
    "a rule": (
        f"{MADE}; create rule trap as on insert to runner_history do also insert into trap values ('rule')",
        "drop rule trap on public.runner_history;",
    ),
    "a policy": (
        f"{MADE}; create policy trap on runner_history using (spring() = 'x')",
        "drop policy trap on public.runner_history;",
    ),
    "row security": (f"{MADE}; alter table runner_history enable row level security", "it has row security"),
    "a child": (f"{MADE}; create table child () inherits (runner_history)", "another table inherits from it"),
    "a parent": (
        f"create table parent (run integer); {MADE}; alter table runner_history inherit parent",
        "it inherits from another table",
    ),
    "a default": (
        f"{MADE}; alter table runner_history alter error set default spring()",
        "alter table public.runner_history alter column error drop default;",
    ),
    "a check": (
        f"{MADE}; alter table runner_history add constraint trap check (fits(script))",
        "alter table public.runner_history drop constraint trap;",
    ),
    "an index": (f"{MADE}; create index trap_idx on runner_history (fits(script))", "drop index public.trap_idx;"),
    "a generated column": (
        f"""{MADE}; alter table runner_history drop error;
        alter table runner_history add error text generated always as (case when fits(script) then '' end) stored""",
        "it calls function",
    ),
    "another type": (
        f"{MADE}; create domain public.text_too as text; alter table runner_history alter error type text_too",
        "column error, of type public.text_too, is none that a runner has made",
    ),
    "another column": (f"{MADE}; alter table runner_history add more integer", "column more, of type integer, is none"),
    "a missing column": (f"{MADE}; alter table runner_history drop role", "it has no column role of type text"),
    "another table of releases": ("create view runner_history_release as select spring()", "it is a view"),
}
"""What is in place of the history, or has been done to it, and what the error says of it."""


@pytest.fixture
def folder(project: MakeProject) -> Path:
    return project({"010_item.sql": ITEM})


@pytest.fixture(scope="module")
def roles(server: Server) -> Iterator[tuple[str, ...]]:
    """The names of a role that applies, and of one that has nothing to do with it; both need quotes."""
    with server.roles(2, prefix="Test ") as names:
        yield names


@pytest.fixture
def shared(server: Server, roles: tuple[str, ...]) -> Iterator[str]:
    """The connection string, for a superuser, of a database in which one of the roles may create objects."""
    with server.database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            name = connection.info.dbname
            connection.execute(f'grant create on database {name} to "{roles[0]}"'.encode())
            connection.execute(f'grant create on schema public to "{roles[0]}"'.encode())
        yield dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            for role in roles:
                connection.execute(f'drop owned by "{role}" cascade'.encode())


def sprung(connection: Connection) -> int:
    ((count,),) = connection.execute("select count(*) from trap").fetchall()
    return int(count)


# The history


def test_what_was_planted_would_be_run(connection: Connection) -> None:
    """Who reads the view calls the function, which leaves a row."""
    connection.execute(TRAP.encode())
    connection.execute(PLANTED["a view"][0].encode())
    connection.execute("select * from runner_history")
    assert sprung(connection) == 1


def test_a_history_that_is_not_the_runners_is_not_read(folder: Path, server: Server) -> None:
    """Every command that reads it exits 1, says what is wrong and what cures it, and nothing of it is run."""
    wrong: dict[tuple[str, tuple[str, ...]], Result] = {}
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        undo(connection)
        call("lock", "--dsn", dsn, folder=folder)
        for case, (sql, expected) in PLANTED.items():
            connection.execute(sql.encode())
            for command in READS:
                result = call(*command, "--dsn", dsn, folder=folder)
                if result.code != 1 or " is not a history table: " not in result.said or expected not in result.said:
                    wrong[case, command] = result
            if sprung(connection):
                wrong[case, ()] = Result(0, "was run", "")
            undo(connection)
    assert wrong == {}


def undo(connection: Connection) -> None:
    """Remove what was planted."""
    connection.execute(
        """
        drop schema public cascade; create schema public;
        drop foreign data wrapper if exists none cascade
        """
    )
    connection.execute(TRAP.encode())


OWNERS = {
    "the run's role": ("{own}", "", False),
    "a superuser": ("postgres", "", False),
    "a stranger": ("{other}", "", True),
    "the owner of the database": ("{other}", "alter database {database} owner to {other}", False),
    "a role that the run's role may act as": ("{other}", "grant {other} to {own}", False),
    "a role that may act as the run's role": ("{other}", "grant {own} to {other}", False),
}
"""Who owns the history, what is said before, and whether that is refused."""


@pytest.mark.parametrize("case", OWNERS)
def test_whose_the_history_is(project: MakeProject, shared: str, roles: tuple[str, ...], case: str) -> None:
    """It is read when it belongs to a role that may do all that here anyway, or one that the manifest names."""
    own, other = (f'"{role}"' for role in roles)
    folder = project({"010_item.sql": ITEM}, run={"role": roles[0]})
    assert call("apply", "--dsn", shared, folder=folder).code == 0
    owner, before, is_refused = OWNERS[case]
    with psycopg.connect(shared, autocommit=True) as connection:
        words = {"own": own, "other": other, "database": connection.info.dbname}
        connection.execute(before.format(**words).encode())
        connection.execute(f"alter table runner_history owner to {owner.format(**words)}".encode())
        connection.execute(f"grant all on runner_history to {own}".encode())
        codes = {call(*command, "--dsn", shared, folder=folder).code for command in READS}
        assert codes == {1 if is_refused else 0}
        if is_refused:
            result = call("plan", "--dsn", shared, folder=folder)
            assert f"it belongs to role {other}, which is not trusted; it was not read" in result.said
            assert f"alter table public.runner_history owner to {own};" in result.said
            trusting = {"trusted_creators": [roles[1]]}
            folder = project({"010_item.sql": ITEM}, run={"role": roles[0]}, project=trusting)
            assert {call(*command, "--dsn", shared, folder=folder).code for command in READS} == {0}
        if before.startswith("alter database"):
            connection.execute(f"alter database {connection.info.dbname} owner to postgres".encode())
        elif before:
            connection.execute(f"revoke {own} from {other}; revoke {other} from {own}".encode())


# Who may create


CREATORS = {
    "a role": ("grant create on schema public to {other}", "revoke create on schema public from {other};"),
    "everybody": ("grant create on schema public to public", "revoke create on schema public from public;"),
    "an owner": ("alter schema public owner to {other}", "alter schema public owner to pg_database_owner;"),
    "in the schema of extensions": (
        "grant create on schema ext to {other}",
        "revoke create on schema ext from {other};",
    ),
    "by another": (
        """grant create on schema public to {own} with grant option; set role {own};
        grant create on schema public to {other}; reset role""",
        "set role {own}; revoke create on schema public from {other};",
    ),
}
"""What makes a role a creator, and what the error says to end that."""


@pytest.mark.parametrize("case", CREATORS)
def test_who_else_may_create_objects(project: MakeProject, shared: str, roles: tuple[str, ...], case: str) -> None:
    """Plans are refused, and verification has a finding, until the cure was said or the manifest names the role."""
    words = {"own": f'"{roles[0]}"', "other": f'"{roles[1]}"'}
    keys: dict[str, object] = {"extension_schema": "ext"}
    folder = project({"010_item.sql": ITEM}, run={"role": roles[0]}, project=keys)
    before, cure = (text.format(**words) for text in CREATORS[case])
    who = "PUBLIC" if case == "everybody" else words["other"]
    schema = "ext" if case == "in the schema of extensions" else "public"
    with psycopg.connect(shared, autocommit=True) as connection:
        connection.execute(f"create schema ext; grant usage on schema ext to {words['own']}".encode())
        assert call("apply", "--dsn", shared, folder=folder).code == 0
        connection.execute(before.encode())
        for command in PLANS:
            result = call(*command, "--dsn", shared, folder=folder)
            assert (result.code, cure in result.said) == (1, True), result
            assert f": {who} in schema {schema}; nothing was changed" in result.said
        verified = call("verify", "--json", "--dsn", shared, folder=folder)
        (found,) = verified.json["findings"]
        assert (found["kind"], found["repair"]["sql"]) == ("untrusted", cure)
        assert found["actual"] == f"role {who} may create objects in it"
        name = "PUBLIC" if case == "everybody" else roles[1]
        trusting = project({"010_item.sql": ITEM}, run={"role": roles[0]}, project={**keys, "trusted_creators": [name]})
        assert {call(*command, "--dsn", shared, folder=trusting).code for command in READS} == {0}
        folder = project({"010_item.sql": ITEM}, run={"role": roles[0]}, project=keys)
        connection.execute(cure.encode())
        connection.execute("reset role")
        assert {call(*command, "--dsn", shared, folder=folder).code for command in READS} == {0}


# What they have made


FOREIGN = {
    "a table": ("alter table item owner to {other}", "untrusted: table item: it belongs to role {other}"),
    "a view": ("alter view seen owner to {other}", "untrusted: view seen: it belongs to role {other}"),
    "a sequence": (
        "alter sequence counter owner to {other}",
        "untrusted: sequence counter: it belongs to role {other}",
    ),
    "a function": (
        "alter function one(integer) owner to {other}",
        "untrusted: function one(integer): it belongs to role {other}",
    ),
    "a type": ("alter type mood owner to {other}", "untrusted: type mood: it belongs to role {other}"),
    "an operator in a check": (
        "alter table item drop constraint item_feel_check; alter table item add check (feel <> 'bad')",
        "untrusted: constraint item.item_feel_check: it uses operator <>(mood,mood)",
    ),
    "a function in a default": (
        "alter table item alter code set default concat('a')",
        "untrusted: column item.code: it uses function concat(text)",
    ),
    "a function in an index": (
        "drop index item_code_idx; create index item_code_idx on item (num_nulls(code))",
        "untrusted: index item_code_idx: it uses function num_nulls(text)",
    ),
}
"""What is done to what is declared, whose words stay the same, and what verification says of it."""
DECLARED = """
    create type mood as enum ('good', 'bad');
    create table if not exists item (
        id integer primary key, feel mood check (feel <> 'bad'), code text default concat('a')
    );
    create index if not exists item_code_idx on item (num_nulls(code));
    create or replace view seen as select id from item;
    create sequence if not exists counter;
    create or replace function one(integer) returns integer language sql as 'select 1';
"""
MORE_EXACT = """
    create function concat(text) returns text language sql stable as $$ select 'b' $$;
    create function num_nulls(text) returns integer language sql immutable as 'select 7';
    create function unlike(mood, mood) returns boolean language sql immutable as 'select true';
    create operator <> (leftarg = mood, rightarg = mood, function = unlike)
"""
"""What PostgreSQL prefers to its own, which takes any type."""


def test_what_strangers_own_or_have_bound_is_found(
    project: MakeProject, server: Server, roles: tuple[str, ...]
) -> None:
    """Verification names what is declared and belongs to a stranger, or uses what only a stranger knows."""
    folder, other = project({"010_item.sql": DECLARED}), f'"{roles[1]}"'
    with server.database() as applied:
        assert call("lock", "--dsn", applied, folder=folder).code == 0
        assert call("apply", "--dsn", applied, folder=folder).code == 0
        with psycopg.connect(applied, autocommit=True) as connection:
            connection.execute(MORE_EXACT.encode())
            for case, (sql, expected) in FOREIGN.items():
                with connection.transaction():
                    connection.execute(sql.format(other=other).encode())
                for command in ("verify", "apply"):
                    result = call(command, "--dsn", applied, folder=folder)
                    assert (result.code, expected.format(other=other) in result.said) == (1, True), (case, result)
            (folder / "schema.lock.toml").unlink()
            connection.execute(f"alter operator <> (mood, mood) owner to {other}".encode())
            result = call("verify", "--dsn", applied, folder=folder)
            assert FOREIGN["an operator in a check"][1] in result.said, result
            connection.execute(f"drop owned by {other} cascade".encode())


UNDECLARED = {
    "a trigger": (
        """create function never() returns trigger language plpgsql as 'begin return null; end';
        create trigger "No Row" before insert on item for each row execute function never()""",
        'undeclared: trigger item.No Row: it acts on rows: CREATE TRIGGER "No Row" BEFORE INSERT ON item ',
        'drop trigger "No Row" on item;',
    ),
    "a rule": (
        "create rule nothing as on insert to item do instead nothing",
        "undeclared: rule item.nothing: it acts on rows: CREATE RULE nothing AS ON INSERT TO item DO INSTEAD NOTHING",
        "drop rule nothing on item;",
    ),
    "a policy": (
        'create policy "All" on item as restrictive to public using (false)',
        "undeclared: policy item.All: it acts on rows: as restrictive for all to public using (false)",
        'drop policy "All" on item;',
    ),
}


@pytest.mark.parametrize("repair", ["additive", "align"])
@pytest.mark.parametrize("case", UNDECLARED)
def test_what_acts_on_rows_is_found(project: MakeProject, database: str, case: str, repair: str) -> None:
    """A trigger, a rule or a policy that nobody declared is a finding, with the SQL that removes it, and stays."""
    folder = project({"010_item.sql": ITEM}, run={"repair": repair})
    assert call("apply", "--dsn", database, folder=folder).code == 0
    sql, expected, cure = UNDECLARED[case]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.encode())
        for command in ("verify", "apply", "apply"):
            result = call(command, "--dsn", database, folder=folder)
            assert (result.code, expected in result.said, cure in result.said) == (1, True, True), result
        connection.execute(cure.encode())
    assert call("verify", "--dsn", database, folder=folder).code == 0


def test_a_rule_of_a_script_is_declared(project: MakeProject, database: str) -> None:
    """It is as it is declared, with a lock file and without, until a script drops it."""
    scripts = {"010_item.sql": ITEM, "020_rule.sql": "create rule nothing as on update to item do instead nothing;"}
    options: dict[str, dict[str, object]] = {"020_rule.sql": {"run": "once"}}
    folder = project(scripts, options=options)
    for commands in (("apply", "verify", "lock", "verify", "apply"), ("verify",)):
        for command in commands:
            result = call(command, "--dsn", database, folder=folder)
            assert result.code == 0, result
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop rule nothing on item")
        result = call("verify", "--dsn", database, folder=folder)
        assert "missing: rule item.nothing" in result.said, result
        connection.execute("create rule nothing as on update to item do instead nothing")
    options["030_drop.sql"] = {"run": "once"}
    folder = project({**scripts, "030_drop.sql": "drop rule nothing on item;"}, options=options)
    for command in ("apply", "verify", "apply"):
        result = call(command, "--dsn", database, folder=folder)
        assert result.code == 0, result


def test_triggers_of_keys_and_partitions_are_no_findings(project: MakeProject, database: str) -> None:
    """What PostgreSQL makes for a foreign key, or for a partition from the trigger of its parent, is declared."""
    sql = """
        create table if not exists item (id integer primary key);
        create table if not exists part (id integer references item (id)) partition by range (id);
        create table if not exists part_1 partition of part for values from (0) to (9);
        create or replace function same() returns trigger language plpgsql as $$ begin return new; end $$;
        create or replace trigger same before insert on part for each row execute function same();
    """
    folder = project({"010_item.sql": sql})
    assert call("apply", "--dsn", database, folder=folder).code == 0
    assert call("verify", "--dsn", database, folder=folder).code == 0


PLANTED_OVER = """
    create type mood as enum ('a');
    create sequence if not exists counter;
    create table if not exists item (id bigint, mood mood);
    create index if not exists item_id_idx on item (id);
    create or replace view seen as select id from item;
"""
IN_THE_WAY = {
    "a domain for a type": "create domain mood as text",
    "a view for a sequence": "create view counter as select 1 as one",
    "a view for a table": "create view item as select 1::bigint as id, 'a'::text as mood",
    "a table for an index": "create table item_id_idx (id integer)",
    "a table for a view": "create table seen (id bigint)",
}


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_what_a_stranger_made_stands_for_nothing_declared(
    project: MakeProject, shared: str, roles: tuple[str, ...], case: str
) -> None:
    """A namesake of another kind, made while its role might still do that, is never taken for what is declared."""
    folder = project({"010_item.sql": PLANTED_OVER})
    with psycopg.connect(shared, autocommit=True) as connection:
        stranger = f'"{roles[1]}"'
        connection.execute(f"grant create on schema public to {stranger}; set role {stranger}".encode())
        connection.execute(IN_THE_WAY[case].encode())
        connection.execute(f"reset role; revoke create on schema public from {stranger}".encode())
        dsn = make_conninfo(shared, user=roles[0], password=roles[0])
        for command in ("apply", "plan --check", "verify", "apply"):
            assert call(*command.split(), "--dsn", dsn, folder=folder).code == 1, command
        connection.execute(f"drop owned by {stranger}".encode())
        for command in ("apply", "plan --check", "verify"):
            result = call(*command.split(), "--dsn", dsn, folder=folder)
            assert result.code == 0, result
