"""Somebody about to leave downloads a hundred and twenty files in ten minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records import sharepoint, signins
from aoc_sim.records.base import Raises
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage

_FILES = 120


def drafts(stage: Stage) -> Iterator[Draft]:
    """The records, in order."""
    entry = stage.hostile(0)
    yield stage.record("graph-signins", entry, signins.user_signin(entry), Raises("sign-in-by-script"))
    site = stage.tenant.sites[4]
    for number in range(_FILES):
        scene = stage.hostile(60 + 5 * number)
        body = sharepoint.file(scene, "FileDownloaded", name=f"Contract {number:04d}.pdf", site=site)
        yield stage.record("o365-sharepoint", scene, body, Raises("mass-download", at_least=100))


STORY = Story(
    name="mass-download",
    title="Mass download",
    description="One account downloads 120 contracts from one site within ten minutes, from a new country.",
    duration_s=660,
    drafts=drafts,
)
