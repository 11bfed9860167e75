"""A tenant's settings are checked before they are saved: by a collector, which alone has secrets and egress.

Who asks puts a job on the bus and reads the answer in the database, for a bounded time. The job holds references to
secrets, never secrets, and the answer holds none either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

from aoc_common.contracts.jobs import CheckJob
from aoc_common.errors import AocError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aoc_common.clock import Clock

#: Seconds that an answer is waited for. A check takes at most some ten; a collector may be busy with another one.
PATIENCE_S: Final = 25.0
_LOOK_S: Final = 0.2
#: `Grade.FAIL` of the collector's findings.
_FAIL: Final = "fail"
_OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What a check found of a tenant. `grade`: `ok`, `warn` or `fail`. `fix`: what to do."""

    check: str
    grade: str
    found: str
    fix: str = ""


class CheckFailed(AocError):  # noqa: N818
    """The settings cannot work as they are. `findings`: those that say so."""

    def __init__(self, findings: Sequence[CheckFinding]) -> None:
        super().__init__("; ".join(f"{one.check}: {one.found}" for one in findings))
        self.findings = tuple(findings)


class CheckAnswers(Protocol):
    """The answers of collectors. Both methods may raise `Transient`."""

    async def answer(self, ticket: str, findings: Sequence[CheckFinding]) -> None:
        """Store an answer for a quarter of an hour. Idempotent."""
        ...

    async def answered(self, ticket: str) -> Sequence[CheckFinding] | None:
        """The answer; None while there is none."""
        ...


class TenantChecks:
    """Has settings checked. `publish`: puts the job on the bus; False when the tenant is being checked already."""

    def __init__(
        self,
        publish: Callable[[CheckJob], Awaitable[bool]],
        answers: CheckAnswers,
        clock: Clock,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._publish = publish
        self._answers = answers
        self._clock = clock
        self._patience_s = patience_s

    async def check(self, settings: Mapping[str, Any]) -> str:
        """What was found, in a few words. Raises `CheckFailed`, and `Transient` when nobody answers in time."""
        job = CheckJob(tenant=settings["name"], ticket=uuid4().hex, settings=dict(settings))
        ends = self._clock.monotonic() + self._patience_s
        while not await self._publish(job):
            await self._wait(ends, f"tenant {job.tenant} is being checked for somebody else")
        while (findings := await self._answers.answered(job.ticket)) is None:
            await self._wait(ends, f"no collector has checked the tenant within {self._patience_s:g} s")
        if failed := [one for one in findings if one.grade == _FAIL]:
            raise CheckFailed(failed)
        fine = sum(one.grade == _OK for one in findings)
        return f"{fine} ok, {len(findings) - fine} to look at"

    async def _wait(self, ends: float, why: str) -> None:
        if self._clock.monotonic() >= ends:
            raise Unreachable(why)
        await self._clock.sleep(_LOOK_S)
