"""The names of roles in the manifest."""

from __future__ import annotations

from collections.abc import Sequence

from runner.errors import InputError, Place
from runner.project.input_files import key_path, shown_value
from runner.sql.quoting import NAME_BYTES


def check_roles(names: Sequence[str], file: str, section: str, key: str) -> None:
    """Raise InputError for what no role can be called; of managed ones, `PUBLIC` is none."""
    for index, name in enumerate(names):
        place = Place(file, key=key_path(section, key, index))
        if not name or len(name.encode()) > NAME_BYTES:
            raise InputError(f"the name of a role has 1 to {NAME_BYTES} bytes, not {shown_value(name)}", place=place)
        is_managed = key == "managed"
        if name == "public" or (is_managed and name == "PUBLIC"):
            hint = "what PUBLIC may do is always compared" if is_managed else "write 'PUBLIC' for every role"
            raise InputError(f"no role can be called {name!r}; {hint}", place=place)
