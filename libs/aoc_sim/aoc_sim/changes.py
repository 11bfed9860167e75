"""Records that change after they were served: sign-ins that Entra enriches, alerts and risks that analysts update.

A record begins to change when it is first served; each of its states then lasts for some seconds. A sign-in gets its
risk and authentication details later (graph-docs, resources/signin.md); some return to their first state. An alert gets
another status and a new `lastUpdateDateTime` (graph-docs, resources/security-alert.md), a risk another state and a new
`lastUpdatedDateTime`.
"""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_sim.clock import from_us, seconds
from aoc_sim.records.base import graph_time
from aoc_sim.records.risk import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from aoc_sim.faults import FaultDice
    from aoc_sim.world import Entry

_SIGNINS: Final = frozenset({"graph-signins", "graph-signins-noninteractive"})
_ALERTS: Final = "graph-alerts"
_RISKS: Final = frozenset({"graph-risk-detections", "graph-risk-detections-serviceprincipal"})
#: Courses of sign-ins: one change; a change and back; two changes.
_SIGN_IN_COURSES: Final = (("enriched",), ("enriched", "first"), ("enriched", "confirmed"))
_ALERT_COURSES: Final = (("inProgress",), ("inProgress", "resolved"))
_RISK_COURSES: Final = (("remediated",), ("dismissed",), ("confirmedCompromised", "dismissed"))


@dataclass(slots=True, eq=False)
class RecordHistory:
    """The states of a record: those it was or is in, which of them were served, and those to come."""

    entry: Entry
    to_come: deque[str]
    bodies: list[bytes]
    served: set[int] = field(default_factory=set)
    """Positions in `bodies`."""
    due_us: int | None = None
    """When the next state begins; None until the first one was served."""


class Changes:
    """Which records change, and how far they are."""

    def __init__(self, seed: int, dice: FaultDice) -> None:
        self._seed = seed
        self._dice = dice
        self._courses: dict[int, RecordHistory] = {}
        self._moving: set[int] = set()

    def plan(self, entry: Entry, now_us: int) -> None:
        """Decide whether a record of the history is to change."""
        faults = self._dice.settings
        young = entry.at_us >= now_us - seconds(faults.again_age_s)
        courses = self._possible(entry.source, young=young)
        if faults.change_rate <= 0 or not courses:
            return
        rng = Random(f"changes:{self._seed}:{entry.seq}")
        if rng.random() < faults.change_rate:
            self._courses[entry.seq] = RecordHistory(entry, deque(rng.choice(courses)), [entry.body])
            self._moving.add(entry.seq)

    @staticmethod
    def _possible(source: str, *, young: bool) -> tuple[tuple[str, ...], ...]:
        if source in _RISKS:
            return _RISK_COURSES
        if source == _ALERTS:
            return _ALERT_COURSES
        return _SIGN_IN_COURSES if source in _SIGNINS and young else ()

    def served(self, entry: Entry, now_us: int) -> None:
        """A record was shown in its present state."""
        course = self._courses.get(entry.seq)
        if course is None:
            return
        course.served.add(len(course.bodies) - 1)
        if course.due_us is None:
            course.due_us = now_us + seconds(self._dice.settings.change_after_s)

    def turn(self, now_us: int) -> None:
        """Let the states begin that are due."""
        for seq in list(self._moving):
            course = self._courses[seq]
            while course.to_come and course.due_us is not None and course.due_us <= now_us:
                self._next(course, course.due_us)
                course.due_us += seconds(self._dice.settings.change_after_s)
            if not course.to_come:
                self._moving.discard(seq)

    def pending(self) -> int:
        """How many records have states to come."""
        return len(self._moving)

    def courses(self) -> Mapping[int, RecordHistory]:
        """Sequence number of a record -> its states."""
        return self._courses

    def _next(self, course: RecordHistory, at_us: int) -> None:
        entry, state = course.entry, course.to_come.popleft()
        if state == "first":
            entry.body = course.bodies[0]
        else:
            record = orjson.loads(entry.body)
            change = _worked_on if entry.source == _ALERTS else _decided if entry.source in _RISKS else _enriched
            entry.body = orjson.dumps(change(record, state, from_us(at_us)))
        course.bodies.append(entry.body)
        self._dice.injected["changed"] += 1


def _enriched(record: dict[str, Any], state: str, at: datetime) -> dict[str, Any]:
    """A sign-in after detection has run offline, or after an administrator has confirmed what it found."""
    confirmed = state == "confirmed"
    return record | {
        "riskLevelAggregated": "high",
        "riskState": "confirmedCompromised" if confirmed else "atRisk",
        "riskDetail": "adminConfirmedSigninCompromised" if confirmed else "none",
        "riskEventTypes_v2": ["anonymizedIPAddress"],
        "authenticationDetails": [
            {
                "authenticationStepDateTime": graph_time(at),
                "authenticationMethod": "Password",
                "authenticationMethodDetail": "Password in the cloud",
                "succeeded": True,
                "authenticationStepResultDetail": "Correct password",
                "authenticationStepRequirement": "Primary authentication",
            }
        ],
    }


def _worked_on(record: dict[str, Any], state: str, at: datetime) -> dict[str, Any]:
    """An alert that an analyst has taken up, or closed."""
    closed = state == "resolved"
    return record | {
        "status": state,
        "lastUpdateDateTime": graph_time(at),
        "resolvedDateTime": graph_time(at) if closed else None,
        "classification": "falsePositive" if closed else None,
        "assignedTo": "the analyst on duty",
    }


def _decided(record: dict[str, Any], state: str, at: datetime) -> dict[str, Any]:
    """A detection after somebody, or the user himself, has dealt with the risk."""
    return record | {
        "riskState": state,
        "riskDetail": dict(OUTCOMES)[state],
        "riskLevel": record["riskLevel"] if state == "confirmedCompromised" else "none",
        "lastUpdatedDateTime": graph_time(at),
    }


def states(course: RecordHistory) -> Iterator[dict[str, Any]]:
    """The states of a record for `/_truth`; `served`: it was in an answer, which may not have arrived."""
    for position, body in enumerate(course.bodies):
        yield {"served": position in course.served, "record": orjson.loads(body)}
