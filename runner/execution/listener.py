"""Who is told what goes on in a run."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from runner.execution.results import LateResult, ScriptResult
from runner.planning.model import ScriptPlan
from runner.postgres.monitor import Progress


class Listener(Struct, frozen=True):
    """Is told what goes on: what begins, what ends, a line for people, how far a statement is.

    How far a statement is that takes long is told from another thread, a few times a second.
    """

    stage: Callable[[str], None] = lambda _: None
    started: Callable[[ScriptPlan], None] = lambda _: None
    finished: Callable[[ScriptResult], None] = lambda _: None
    tried: Callable[[LateResult], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    progressed: Callable[[Progress], None] = lambda _: None
