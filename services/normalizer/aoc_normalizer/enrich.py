"""Adds to the facts of a record what it does not say itself: names, places, what a user agent is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_normalizer.draft import Fact
from aoc_normalizer.fields import agents
from aoc_normalizer.identify import identify

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft
    from aoc_normalizer.knowledge import Knowledge


def enrich(draft: Draft, knowledge: Knowledge) -> tuple[str, ...]:
    """Add what is known; the ids that stay ids, because the directory does not know them."""
    if draft.address is not None and (place := knowledge.locate(draft.address.ip)) is not None:
        draft.location = draft.location or place.location
        draft.network = place.network
    if draft.user_agent and (told := agents.of(draft.user_agent)):
        draft.facts.append(Fact("http_request.user_agent", draft.user_agent, "user agent", told))
    return identify(draft, knowledge.names)
