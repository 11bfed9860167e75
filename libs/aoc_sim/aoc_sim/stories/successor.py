"""An account that was an administrator's for a while, is deleted, and whose user name another account gets.

It is played in acts, on demand only, so that a directory can be read between them; the caller waits for that. The
person is the same in each. Graph names the actor by id and user name, the unified log by user name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from aoc_sim.records import directory, sharepoint
from aoc_sim.records.base import Raises
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aoc_sim.inventory import Directory, Person
    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage

_SPACE = UUID("5ccce550-0000-4000-8000-0a0c51a00000")
_NAME = "Robin Successor"


def holder(tenant: Directory) -> Person:
    """Who has the user name first."""
    return [person for person in tenant.people if not person.admin][-1]


def successor(tenant: Directory) -> Person:
    """Who gets it then: another object, with another name."""
    first = holder(tenant)
    return replace(first, id=str(uuid5(_SPACE, first.id)), name=_NAME, puid=first.puid[::-1])


def _promoted(stage: Stage) -> Iterator[Draft]:
    grant = stage.usual(0, stage.tenant.admins[0])
    role = directory.role_member(grant, role=stage.tenant.roles[0], person=holder(stage.tenant))
    yield stage.record("graph-directory-audits", grant, role, Raises("highest-role-assigned"))


def _demoted(stage: Stage) -> Iterator[Draft]:
    revocation = stage.usual(0, stage.tenant.admins[0])
    role = directory.role_member(revocation, add=False, role=stage.tenant.roles[0], person=holder(stage.tenant))
    yield stage.record("graph-directory-audits", revocation, role)


def _deleted(stage: Stage) -> Iterator[Draft]:
    scene = stage.usual(0, stage.tenant.admins[0])
    target = directory.user_target(holder(stage.tenant))
    yield stage.record(
        "graph-directory-audits", scene, directory.audit(scene, "Delete user", "UserManagement", "Delete", [target])
    )


def _succeeded(stage: Stage) -> Iterator[Draft]:
    scene = stage.usual(0, stage.tenant.admins[0])
    new = successor(stage.tenant)
    enabled = directory.change("AccountEnabled", "[]", "[true]")
    named = directory.change("DisplayName", "[]", f"[{directory.quoted(new.name)}]")
    target = directory.user_target(new, enabled, named)
    yield stage.record(
        "graph-directory-audits", scene, directory.audit(scene, "Add user", "UserManagement", "Add", [target])
    )


def _acting(who: Callable[[Directory], Person]) -> Callable[[Stage], Iterator[Draft]]:
    def drafts(stage: Stage) -> Iterator[Draft]:
        scene = stage.usual(0, who(stage.tenant))
        target = directory.user_target(scene.other(), directory.change("JobTitle", "[]", '["Clerk"]'))
        change = directory.audit(scene, "Update user", "UserManagement", "Update", [target])
        yield stage.record("graph-directory-audits", scene, change)
        yield stage.record("o365-sharepoint", scene, sharepoint.accessed(scene))

    return drafts


def _act(name: str, description: str, drafts: Callable[[Stage], Iterator[Draft]]) -> Story:
    return Story(f"successor-{name}", f"A user name with two lives: {name}", description, 1, drafts)


ACTS = {
    act.name: act
    for act in (
        _act("promoted", "An ordinary user becomes Global Administrator.", _promoted),
        _act("first", "The first account of the user name acts.", _acting(holder)),
        _act("demoted", "The role is taken from that account.", _demoted),
        _act("deleted", "That account is deleted.", _deleted),
        _act("created", "Another account is made under its user name.", _succeeded),
        _act("second", "The second account of the user name acts.", _acting(successor)),
    )
}
