"""An Intune administrator's account wipes five devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records import intune, signins
from aoc_sim.records.base import Raises
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage


def drafts(stage: Stage) -> Iterator[Draft]:
    """The records, in order."""
    admin = stage.rng.choice(stage.tenant.admins)
    entry = stage.hostile(0, admin)
    yield stage.record("graph-signins", entry, signins.user_signin(entry, risk="medium"), Raises("sign-in-by-script"))
    for number, person in enumerate(stage.rng.sample(stage.tenant.people, 5)):
        scene = stage.hostile(240 + 20 * number, admin)
        body = intune.device_action(scene, "wipe", person.device.id, person.device.name)
        yield stage.record("graph-intune", scene, body, Raises("many-devices-wiped", at_least=3))


STORY = Story(
    name="device-wipe",
    title="Device wipe",
    description="Five managed devices are wiped within two minutes by an account that signed in from a new country.",
    duration_s=320,
    drafts=drafts,
)
