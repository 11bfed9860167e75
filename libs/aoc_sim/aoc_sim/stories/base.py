"""What a story is made of."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aoc_sim import twins
from aoc_sim.inventory import Device, Directory, Person, Place
from aoc_sim.records.base import Draft, Json, Raises, Scene, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Where the attackers are: places that no tenant has an office in, addresses from 203.0.113.0/24.
_LAIRS = (
    Place("Tbilisi", "Tbilisi", "GE", 41.7151, 44.8271, ZoneInfo("Asia/Tbilisi"), "203.0.113.66"),
    Place("Montevideo", "Montevideo", "UY", -34.9011, -56.1645, ZoneInfo("America/Montevideo"), "203.0.113.134"),
    Place("Accra", "Greater Accra", "GH", 5.6037, -0.187, ZoneInfo("Africa/Accra"), "203.0.113.201"),
)
_KIT = Device("", "", "Linux", "Chrome 119.0.0", "python-requests/2.31.0", compliant=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """Place and time of a story; `scale` below 1 shortens it, to fit a short history."""

    rng: Random
    tenant: Directory
    start: datetime
    scale: float
    lair: Place
    victim: Person

    def hostile(self, after_s: float, who: Person | None = None, ip: str | None = None) -> Scene:
        """The attacker acts, in the name of the victim unless `who` is given."""
        at = self.at(after_s)
        return Scene(self.rng, self.tenant, at, who or self.victim, ip or self.lair.egress, self.lair, _KIT)

    def usual(self, after_s: float, who: Person) -> Scene:
        """Somebody acts from the office."""
        return Scene(self.rng, self.tenant, self.at(after_s), who, who.place.egress, who.place, who.device)

    def at(self, after_s: float) -> datetime:
        """That many seconds into the story; on a whole second, as most sources write times."""
        return (self.start + timedelta(seconds=after_s * self.scale)).replace(microsecond=0)

    @staticmethod
    def record(source: Source, scene: Scene, body: Json, *raises: Raises) -> Draft:
        """One record of the story, and the alerts that it is to be in."""
        return Draft(source, scene.at, body, raises=raises)

    @staticmethod
    def both(
        source: Source, scene: Scene, body: Json, *raises: Raises, user_agent: str | None = None
    ) -> Iterable[Draft]:
        """One record of the story, and the unified log's of the same."""
        return twins.pair(Draft(source, scene.at, body, raises=raises), scene, user_agent=user_agent)


@dataclass(frozen=True, slots=True)
class Story:
    """An attack, as the records that it leaves behind. What it is to raise stands at the records (`Raises`)."""

    name: str
    title: str
    description: str
    duration_s: float
    drafts: Callable[[Stage], Iterable[Draft]]


def raised_by(drafts: Iterable[Draft]) -> Counter[str]:
    """Rule -> how many alerts of it these records of a story are to raise."""
    return Counter(one.rule for one in {one for draft in drafts for one in draft.raises})


def set_stage(tenant: Directory, start: datetime, scale: float, seed: str) -> Stage:
    """A stage with a victim and an attacker that depend on the seed alone."""
    rng = Random(f"story:{seed}:{tenant.tenant_id}")
    ordinary = [person for person in tenant.people if not person.admin]
    return Stage(rng, tenant, start, scale, rng.choice(_LAIRS), rng.choice(ordinary))
