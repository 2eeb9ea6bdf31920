"""Plain SQL files, listed in a manifest, applied in order and proven against the database.

For programs: `load`, `plan`, `apply` and `verify`, which `docs/library.md` describes.
"""

from typing import TYPE_CHECKING

from runner.version import __version__

if TYPE_CHECKING:
    from runner.pipeline.api import (
        ApplyResult,
        ConnectError,
        DatabaseError,
        Finding,
        FindingsError,
        InputError,
        LateRepair,
        LateResult,
        Options,
        Plan,
        Project,
        Reason,
        RunnerError,
        ScriptPlan,
        ScriptResult,
        StatementError,
        Step,
        Verification,
        apply,
        load,
        plan,
        verify,
    )
else:

    def __getattr__(name: str) -> object:
        """Import what the package offers when it is asked for: the command line needs most of it never."""
        if name not in __all__:
            raise AttributeError(f"module 'runner' has no attribute {name!r}")
        from runner.pipeline import api

        return getattr(api, name)


__all__ = [
    "ApplyResult",
    "ConnectError",
    "DatabaseError",
    "Finding",
    "FindingsError",
    "InputError",
    "LateRepair",
    "LateResult",
    "Options",
    "Plan",
    "Project",
    "Reason",
    "RunnerError",
    "ScriptPlan",
    "ScriptResult",
    "StatementError",
    "Step",
    "Verification",
    "__version__",
    "apply",
    "load",
    "plan",
    "verify",
]
