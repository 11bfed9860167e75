"""One password tried on forty accounts from two addresses; one of them opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records import alerts, risk, signins
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage

_TARGETS = 40
_WRONG_PASSWORD = 50126


def drafts(stage: Stage) -> Iterator[Draft]:
    """The records, in order."""
    others = [person for person in stage.tenant.people if person is not stage.victim]
    for number, person in enumerate(stage.rng.sample(others, min(_TARGETS, len(others)))):
        ip = stage.lair.egress if number % 2 else "203.0.113.77"
        scene = stage.hostile(8 * number, person, ip)
        body = signins.user_signin(scene, error=_WRONG_PASSWORD, client="Authenticated SMTP")
        yield from stage.both("graph-signins", scene, body, user_agent="BAV2ROPC")
    entry = stage.hostile(340)
    body = signins.user_signin(entry, client="Authenticated SMTP", risk="high")
    yield from stage.both("graph-signins", entry, body)
    yield stage.record("graph-risk-detections", entry, risk.detection(entry, "passwordSpray", "high"))
    known = stage.hostile(400)
    state = risk.risky_user(known, "high")
    yield stage.record("graph-risky-users", known, state)._replace(key=risk.state_key(known, state))
    alerted = stage.hostile(420)
    yield stage.record(
        "graph-alerts", alerted, alerts.alert(alerted, "Password spray", "high", techniques=("T1110.003",))
    )


STORY = Story(
    name="password-spray",
    title="Password spray",
    description="Forty accounts fail once each from two addresses within six minutes; then one succeeds.",
    duration_s=420,
    drafts=drafts,
)
