"""Interactive sign-ins (graph-docs, signin-list.md). Needs Entra ID P1 or P2."""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-signins",
    "graph_audit",
    Query("/v1.0/auditLogs/signIns", time_field="createdDateTime", top=500),
)
