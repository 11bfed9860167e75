"""Security alerts (graph-docs, security-list-alerts_v2.md), by last update: an alert comes again when it changes."""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-alerts",
    "graph_security",
    Query("/v1.0/security/alerts_v2", time_field="lastUpdateDateTime", top=100),
)
