"""Exchange in the unified audit log (content type Audit.Exchange)."""

from aoc_collector.sources.activity import activity_feed

SPEC = activity_feed("o365-exchange", "Audit.Exchange")
