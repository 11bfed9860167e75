"""A help desk account makes an ordinary user Global Administrator and removes its second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records import azuread, directory, pim, risk, signins
from aoc_sim.records.base import Raises
from aoc_sim.stories.base import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft
    from aoc_sim.stories.base import Stage


def drafts(stage: Stage) -> Iterator[Draft]:
    """The records, in order."""
    admin = stage.rng.choice(stage.tenant.admins)
    top = stage.tenant.roles[0]
    entry = stage.hostile(0, admin)
    by_script = Raises("sign-in-by-script", "the administrator")
    body = signins.user_signin(entry, risk="high")
    yield stage.record("graph-signins", entry, body, by_script, Raises("risky-sign-in-succeeded"))
    grant = stage.hostile(300, admin)
    body = directory.role_member(grant, role=top, person=stage.victim)
    yield from stage.both("graph-directory-audits", grant, body, Raises("highest-role-assigned"))
    factor = stage.hostile(420, admin)
    body = azuread.strong_authentication(factor, stage.victim, enable=False)
    yield stage.record("o365-azuread", factor, body, Raises("second-factor-disabled"))
    yield stage.record(
        "graph-directory-audits",
        factor,
        directory.audit(
            factor,
            "Admin deleted security info",
            "UserManagement",
            "Delete",
            [directory.user_target(stage.victim)],
            service="Authentication Methods",
            reason="Administrator removed an authentication method of the user",
        ),
        Raises("sign-in-method-deleted-by-admin"),
    )
    seen = stage.usual(540, admin)
    state = pim.alert(seen, pim.OUTSIDE_PIM)
    outside = stage.record("graph-pim-alerts", seen, state, Raises("roles-outside-pim"))
    yield outside._replace(key=risk.state_key(seen, state))
    used = stage.hostile(600)
    yield stage.record("graph-signins", used, signins.user_signin(used), Raises("sign-in-by-script", "the victim"))


STORY = Story(
    name="role-and-mfa",
    title="Role assignment and removal of the second factor",
    description="A taken-over administrator gives a user the highest role and deletes that user's second factor.",
    duration_s=600,
    drafts=drafts,
)
