"""Entra ID's directory audits (graph-docs, directoryaudit-list.md). Filtering on createdDateTime would be a 400."""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-directory-audits",
    "graph_audit",
    Query("/v1.0/auditLogs/directoryAudits", time_field="activityDateTime", top=500),
)
