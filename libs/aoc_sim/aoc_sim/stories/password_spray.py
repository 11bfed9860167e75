"""One password tried on forty accounts from two addresses; one of them opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records import alerts, risk, signins
from aoc_sim.records.base import Raises
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage

_TARGETS = 40
_WRONG_PASSWORD = 50126
#: So many of the failures are ten from each of the two addresses, whichever they are.
_ENOUGH = 30


def drafts(stage: Stage) -> Iterator[Draft]:
    """The records, in order."""
    others = [person for person in stage.tenant.people if person is not stage.victim]
    for number, person in enumerate(stage.rng.sample(others, min(_TARGETS, len(others)))):
        ip = stage.lair.egress if number % 2 else "203.0.113.77"
        scene = stage.hostile(8 * number, person, ip)
        body = signins.user_signin(scene, error=_WRONG_PASSWORD, client="Authenticated SMTP")
        sprayed = Raises("password-spray", at_least=_ENOUGH)
        yield from stage.both("graph-signins", scene, body, sprayed, user_agent="BAV2ROPC")
    entry = stage.hostile(340)
    body = signins.user_signin(entry, client="Authenticated SMTP", risk="high")
    rules = ("legacy-protocol-sign-in", "risky-sign-in-succeeded", "sign-in-by-script")
    yield from stage.both("graph-signins", entry, body, *map(Raises, rules))
    detection = risk.detection(entry, "passwordSpray", "high")
    yield stage.record("graph-risk-detections", entry, detection, Raises("password-spray-hit"))
    known = stage.hostile(400)
    state = risk.risky_user(known, "high")
    risky = stage.record("graph-risky-users", known, state, Raises("user-at-high-risk"))
    yield risky._replace(key=risk.state_key(known, state))
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
