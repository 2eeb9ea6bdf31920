"""Errors: their places and hints are values, and no part of them shows a password."""

from __future__ import annotations

import pytest

from runner.errors import Hint, InputError, Place, RunnerError, without_passwords
from runner.sql.excerpts import excerpt


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("a.sql"), "a.sql"),
        (Place("a.sql", 3), "a.sql:3"),
        (Place("manifest.toml", key="run.role"), "manifest.toml: run.role"),
        (Place("targets.toml", key="target[1]").below(".name"), "targets.toml: target[1].name"),
        ("--dsn", "--dsn"),
    ],
)
def test_a_place_is_text_that_knows_its_parts(place: str, text: str) -> None:
    """An error shows it as people write it, and has its file, line and key for programs."""
    error = InputError("wrong", place=place, notes=(Hint("write it anew"),))
    assert str(error) == f"{text}: wrong\n  hint: write it anew"
    parts = (place.file, place.line, place.key) if isinstance(place, Place) else (text, None, "")
    assert (error.place.file, error.line, error.place.key) == parts


def test_a_name_with_a_colon_has_no_line() -> None:
    """What a name holds is not taken for a line or a key."""
    error = InputError("wrong", place="odd: name:3")
    assert (error.place.file, error.line, error.place.key) == ("odd: name:3", None, "")


def test_no_part_of_a_place_shows_a_password() -> None:
    """A connection string may stand where a file is expected."""
    error = InputError("wrong", place=Place("postgresql://ann:sesame@host/db", key="password=sesame"))
    assert "sesame" not in str(error)
    assert "sesame" not in repr((error.place.file, error.place.key))


SECRETS = {
    "a role": "create role a login password 'opensesame' valid until 'tomorrow'",
    "an encrypted one": "ALTER USER a WITH ENCRYPTED PASSWORD 'opensesame'",
    "with quotes": "alter role a password 'open''sesame' login",
    "with escapes": r"alter role a password E'open\'sesame' login",
    "with Unicode escapes": "alter role a password U&'opensesame' login",
    "in dollars": "alter role a password $x$open'sesame$x$ login",
    "after a comment": "alter role a password /* the */ -- new\n 'opensesame' login",
    "in two lines": "alter role a password 'open\nsesame' login",
    "that is cut off": "alter role a password 'opensesame",
    "a user mapping": "create user mapping for a server s options (user 'b', password 'opensesame')",
    "an option that is set": "alter user mapping for a server s options (set password 'opensesame')",
    "a subscription": "create subscription s connection 'host=h password=opensesame dbname=d' publication p",
    "a string within one": "alter subscription s connection 'host=h password=''open sesame'' dbname=d'",
    "a body": "do $$ begin execute 'create role a password ''opensesame'' login'; end $$",
    "a URL": "select dblink_connect('postgresql://ann:opensesame@h/d')",
    "a key of TLS": "select dblink('host=h sslpassword=opensesame', 'select 1')",
}


@pytest.mark.parametrize("case", SECRETS)
def test_no_part_of_an_error_has_a_password(case: str) -> None:
    """Neither message nor notes, hints and excerpts; the rest of the statement is there, in as many lines."""
    sql = SECRETS[case]
    found = without_passwords(sql)
    assert ("sesame" not in found, "***" in found, found.count("\n")) == (True, True, sql.count("\n"))
    assert found.split()[0] == sql.split()[0]
    notes = tuple(line for offset in range(len(sql)) for line in excerpt(sql, offset))
    error = RunnerError(sql, notes=(*notes, sql, Hint(sql)))
    assert "sesame" not in str(error).replace(sql, "")
    assert [note for note in error.notes if "esame" in note] == []


@pytest.mark.parametrize(
    "text",
    [
        "write postgresql://USER@HOST:PORT/DATABASE, or 'host=… dbname=… user=…'",
        "postgresql://ann@host/db",
        "password authentication failed for user 'ann'",
        "create table account (password text not null default 'x')",
        "comment on column account.password is 'a hash'",
        "sql/010_a.sql:3: mail to ann@example.com",
    ],
)
def test_a_hint_is_shown_whole(text: str) -> None:
    """What has no password is as it was."""
    assert without_passwords(text) == text
