"""Intune's audit events (graph-docs, intune-auditing-auditevent-list.md)."""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-intune",
    "graph_intune",
    Query("/v1.0/deviceManagement/auditEvents", time_field="activityDateTime", top=500),
)
