"""Cases that several test files share."""

from __future__ import annotations

import tomllib
from typing import Any

from tests.support.projects import CASES

TWINS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "twins.toml").read_text(encoding="utf-8"))
