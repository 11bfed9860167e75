"""Teams, Power BI, Defender and all other workloads of the unified audit log (content type Audit.General)."""

from aoc_collector.sources.activity import activity_feed

SPEC = activity_feed("o365-general", "Audit.General")
