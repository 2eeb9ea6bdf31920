"""psql -f, from the embedded PostgreSQL's folder when it is not on the PATH."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from runner.postgres import embedded
from tests.support.servers import environment

ROOT = Path(__file__).resolve().parent.parent.parent


def rendered_script(folder: Path) -> Path:
    """Render the project of a folder into `rendered`, and all its scripts, each a transaction, into one file."""
    rendering = [sys.executable, "-m", "runner", "render", "--output", str(folder / "rendered")]
    subprocess.run(rendering, cwd=folder, check=True, capture_output=True, env=environment(PYTHONPATH=str(ROOT)))
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("rendered/sql/*.sql"))]
    script = folder / "rendered.sql"
    script.write_text("".join(f"begin;\n{text}\ncommit;\n" for text in texts), encoding="utf-8")
    return script


def psql_command(dsn: str, script: str) -> list[str]:
    """Return the command line that runs a script."""
    program = shutil.which("psql") or str(embedded.programs() / "psql")
    return [program, "--quiet", "--no-psqlrc", "--dbname", dsn, "--file", script]
