"""What looks like an attack from afar and is none, told on demand: a journey, newcomers, licences for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from aoc_sim.inventory import Place
from aoc_sim.records import directory, exchange, sharepoint, signins
from aoc_sim.records.base import Raises, Scene
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.inventory import Person
    from aoc_sim.records.base import Draft, Json
    from aoc_sim.stories.base import Stage

_HOTEL: Final = Place("Lisbon", "Lisbon", "PT", 38.7223, -9.1393, ZoneInfo("Europe/Lisbon"), "198.51.100.253")
_WRONG_PASSWORD: Final = 50126
_SECOND_FACTOR: Final = 50074
_NEWCOMERS: Final = 5
_FILES: Final = 15


def _abroad(stage: Stage, after_s: float, who: Person) -> Scene:
    return Scene(stage.rng, stage.tenant, stage.at(after_s), who, _HOTEL.egress, _HOTEL, who.device)


def _journey(stage: Stage) -> Iterator[Draft]:
    """Two people work from a hotel: a password mistyped, a second factor asked for, mail and files read."""
    for number, who in enumerate(stage.rng.sample(stage.tenant.people, 2)):
        start = 3600 * number
        for after, error in ((0, _WRONG_PASSWORD), (20, _SECOND_FACTOR), (35, 0)):
            entry = _abroad(stage, start + after, who)
            yield from stage.both("graph-signins", entry, signins.user_signin(entry, error=error))
        for minute in range(5):
            reading = _abroad(stage, start + 120 + 60 * minute, who)
            yield stage.record("o365-exchange", reading, exchange.accessed(reading))
        for number_of_file in range(_FILES):
            working = _abroad(stage, start + 600 + 40 * number_of_file, who)
            yield stage.record("o365-sharepoint", working, sharepoint.file(working, "FileDownloaded"))


def _newcomers(stage: Stage) -> Iterator[Draft]:
    """An administrator makes accounts with groups and a first way in; the newcomers register their own, and begin."""
    admin = stage.rng.choice(stage.tenant.admins)
    ordinary = [person for person in stage.tenant.people if not person.admin]
    for number, who in enumerate(stage.rng.sample(ordinary, _NEWCOMERS)):
        start = 300 * number
        target = directory.user_target(who, directory.change("AccountEnabled", "[]", "[true]"))
        made = stage.usual(start, admin)
        added = directory.audit(made, "Add user", "UserManagement", "Add", [target])
        yield from stage.both("graph-directory-audits", made, added)
        licensed = stage.usual(start + 20, admin)
        yield from stage.both("graph-directory-audits", licensed, _licence(licensed, who))
        for after in (40, 50, 60):
            joined = stage.usual(start + after, admin)
            member = directory.group_member(joined, person=who)
            yield from stage.both("graph-directory-audits", joined, member)
        let_in = stage.usual(start + 90, admin)
        reason = "Admin registered temporary access pass method for user"
        body = _registered(let_in, "Admin", who, reason)
        yield stage.record("graph-directory-audits", let_in, body, Raises("temporary-access-pass"))
        begun = stage.usual(start + 7200, who)
        yield from stage.both("graph-signins", begun, signins.user_signin(begun))
        own = stage.usual(start + 7260, who)
        reason = "User registered an authenticator app"
        yield stage.record("graph-directory-audits", own, _registered(own, "User", who, reason))


def _licences(stage: Stage) -> Iterator[Draft]:
    """An administrator's script gives everybody another licence within minutes."""
    admin = stage.rng.choice(stage.tenant.admins)
    for number, who in enumerate(stage.tenant.people):
        scene = stage.usual(3 * number, admin)
        yield from stage.both("graph-directory-audits", scene, _licence(scene, who))


def _licence(scene: Scene, who: Person) -> Json:
    change = directory.change("AssignedLicense", "[]", '["[SkuName=SPE_E5]"]')
    return directory.audit(
        scene, "Change user license", "UserManagement", "Update", [directory.user_target(who, change)]
    )


def _registered(scene: Scene, by: str, who: Person, reason: str) -> Json:
    return directory.audit(
        scene,
        f"{by} registered security info",
        "UserManagement",
        "Add",
        [directory.user_target(who)],
        service="Authentication Methods",
        reason=reason,
    )


EPISODES: Final[dict[str, Story]] = {
    story.name: story
    for story in (
        Story("journey", "Two people travel", "They work from a hotel in another country.", 4800, _journey),
        Story("newcomers", "Five people begin", "Accounts, licences, groups and a first way in.", 8800, _newcomers),
        Story("licences", "Licences for everybody", "A script changes the licence of all people.", 620, _licences),
    )
}
