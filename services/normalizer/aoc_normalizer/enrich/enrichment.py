"""Adds to the facts of a record what it does not say itself: names, places, what a user agent is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_normalizer.draft import Fact
from aoc_normalizer.enrich.identify import identify
from aoc_normalizer.enrich.preserved import NOT_STORED, Preserved
from aoc_normalizer.fields import agents

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft
    from aoc_normalizer.enrich.lookup import EnrichmentData


def enrich(draft: Draft, enrichment: EnrichmentData, preserved: Preserved = NOT_STORED) -> tuple[str, ...]:
    """Add what is known; the ids that stay ids, because the directory does not know them.

    `preserved`: what the stored event says already, if there is one.
    """
    if draft.address is not None and (place := enrichment.locate(draft.address.ip)) is not None:
        draft.location = draft.location or place.location
        draft.network = place.network
    if draft.user_agent and (agent := agents.of(draft.user_agent)):
        draft.facts.append(Fact("http_request.user_agent", draft.user_agent, "user agent", agent))
    return identify(draft, enrichment, preserved)
