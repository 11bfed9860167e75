"""The attack stories, one file each, and the table of them."""

from __future__ import annotations

from aoc_sim.stories import (
    audit_disabled,
    device_wipe,
    everyday,
    inbox_rule,
    mass_download,
    oauth_consent,
    password_spray,
    role_and_mfa,
    successor,
)
from aoc_sim.stories.base import Stage, Story, raised_by, set_stage

STORIES: dict[str, Story] = {
    module.STORY.name: module.STORY
    for module in (
        inbox_rule,
        oauth_consent,
        role_and_mfa,
        mass_download,
        audit_disabled,
        device_wipe,
        password_spray,
    )
}

#: Told on demand only, beside the others.
ON_DEMAND: dict[str, Story] = successor.ACTS | everyday.EPISODES

__all__ = ["ON_DEMAND", "STORIES", "Stage", "Story", "raised_by", "set_stage"]
