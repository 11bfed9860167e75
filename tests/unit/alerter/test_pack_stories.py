"""Each attack of the simulator raises what it should by the pack, and a day's work of 200 people next to nothing."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from aoc_sim.inventory import build_directory
from aoc_sim.settings import DEFAULT_TENANTS
from aoc_sim.stories import ON_DEMAND, STORIES, set_stage
from aoc_sim.stories.everyday import EPISODES
from aoc_sim.traffic import Rhythm, Traffic
from microsoft_records import event_of
from rule_pack import alerts, alerts_of, hits
from thoroughness import THOROUGH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_sim.records.base import Draft

DAY = datetime(2026, 11, 18, tzinfo=UTC)
#: Story -> the rules that it must raise, and how many alerts each: one for every account that it is about.
EXPECTED = {
    "inbox-rule-forwarding": {"sign-in-by-script": 1, "inbox-rule-hides-mail": 1, "mailbox-forwards": 1},
    "oauth-consent": {"user-consented-to-mail-or-files": 1},
    "role-and-mfa": {
        "sign-in-by-script": 2, "risky-sign-in-succeeded": 1, "highest-role-assigned": 1, "second-factor-disabled": 1,
        "sign-in-method-deleted-by-admin": 1, "roles-outside-pim": 1,
    },
    "mass-download": {"sign-in-by-script": 1, "mass-download": 1},
    "audit-disabled": {"sign-in-by-script": 1, "mailbox-audit-off": 1, "audit-bypass": 1, "unified-audit-off": 1},
    "device-wipe": {"sign-in-by-script": 1, "many-devices-wiped": 1},
    "password-spray": {
        "password-spray": 1, "legacy-protocol-sign-in": 1, "risky-sign-in-succeeded": 1, "sign-in-by-script": 1,
        "password-spray-hit": 1, "user-at-high-risk": 1,
    },
    # Told on demand. Nothing in the others is an attack by itself.
    "successor-promoted": {"highest-role-assigned": 1},
    "successor-first": {}, "successor-demoted": {}, "successor-deleted": {}, "successor-created": {},
    "successor-second": {},
    "journey": {}, "licences": {}, "newcomers": {"temporary-access-pass": 1},
}  # fmt: skip
MOST_ALERTS_A_DAY = 2


def told(seed: int, name: str, tenant: int, start: datetime = DAY + timedelta(hours=10)) -> list[Draft]:
    story = (STORIES | ON_DEMAND)[name]
    stage = set_stage(build_directory(DEFAULT_TENANTS[tenant], seed), start, 1.0, f"{seed}:{name}")
    return list(story.drafts(stage))


def test_each_story_raises_the_alerts_that_it_should_and_no_others() -> None:
    found = {}
    for number, name in enumerate({**STORIES, **ON_DEMAND}):
        events = [event_of(draft.body, draft.source) for draft in told(7, name, number % 2)]
        found[name] = dict(Counter(alert.name for alert in alerts(events)))

    assert found == EXPECTED


def day(seed: int, count: int) -> Iterator[Draft]:
    """A working day of a tenant: what people do, twins among it, a journey, newcomers, licences for everybody."""
    rng = Random(f"day:{seed}")
    directory = build_directory(DEFAULT_TENANTS[0], seed)
    traffic = Traffic(directory, twins=0.5, near=0.1)
    for at in Rhythm(directory, DAY, DAY + timedelta(days=1)).moments(count, rng):
        yield from traffic.drafts(at, rng, room=8)
    for name in EPISODES:
        yield from told(seed, name, 0, DAY + timedelta(hours=rng.uniform(7, 14)))


def quiet(seed: int, count: int) -> None:
    found = alerts_of(hit for draft in day(seed, count) for hit in hits(event_of(draft.body, draft.source)))

    assert len(found) <= MOST_ALERTS_A_DAY, Counter(alert.name for alert in found)


def test_some_hours_of_work_raise_two_alerts_at_most() -> None:
    quiet(0, 600)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(20) if THOROUGH else range(3))
def test_a_day_of_two_hundred_people_raises_two_alerts_at_most(seed) -> None:
    assert DEFAULT_TENANTS[0].people == 200

    quiet(seed, 6_000)
