"""A member of a fleet, the work on it, and how that ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from runner.errors import InterruptError, RunnerError, internal_error
from runner.postgres.cancellation import Cancellation
from runner.postgres.target import Say, Target
from runner.project.loading import Project


class HasOk(Protocol):
    """What a work returns."""

    @property
    def ok(self) -> bool:
        """Whether all is well with the member."""


Result = TypeVar("Result", bound=HasOk)
MemberStatus = Literal["ended", "failed", "interrupted", "not begun"]


class Member(Struct, frozen=True):
    """A database and a schema in it; `name` is for people, and different for each."""

    name: str
    target: Target
    loaded: Project


class MemberOutcome(Struct, Generic[Result], frozen=True):
    """How the work on one member ended, after how many seconds; `result` is there when it ended, `error` when not."""

    member: Member
    status: MemberStatus
    seconds: float = 0.0
    result: Result | None = None
    error: RunnerError | None = None

    @property
    def is_failure(self) -> bool:
        """Whether it has failed, or ended and all is not well."""
        return self.status == "failed" or (self.result is not None and not self.result.ok)


Work: TypeAlias = Callable[[Member, Cancellation, Say], Result]
"""Raises RunnerError, and InterruptError when it was asked to stop."""
Carry: TypeAlias = Callable[[Member, Cancellation], MemberOutcome[Result]]
"""Carries a work out, whatever it raises."""


def carry_out(work: Work[Result], say: Say, member: Member, stop: Cancellation) -> MemberOutcome[Result]:
    """Do the work on a member, and return how it ended."""
    begin = time.monotonic()
    try:
        result = work(member, stop, say)
    except InterruptError as error:
        return MemberOutcome(member, "interrupted", time.monotonic() - begin, error=error)
    except RunnerError as error:
        return MemberOutcome(member, "failed", time.monotonic() - begin, error=error)
    except Exception as error:  # noqa: BLE001  a defect met in one database leaves the others alone
        return MemberOutcome(member, "failed", time.monotonic() - begin, error=internal_error(error))
    return MemberOutcome(member, "ended", time.monotonic() - begin, result)
