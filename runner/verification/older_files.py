"""What is said when the files are older than the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Hint

if TYPE_CHECKING:
    from runner.planning.releases import Older

ROLLBACK = Hint(
    "deploy the newer files; or apply these as a rollback with --allow-older, or give them a higher release, "
    "[project] release in the manifest or --release"
)


def ahead(older: Older) -> str:
    """Return that the database is ahead of the files."""
    newest = older.newest
    return f"the database is ahead (run {newest.run} of {newest.at} by {newest.by})"
