"""Sign-ins of Azure resources (graph-docs, signin-list.md): only in beta, by signInEventTypes."""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-signins-managedidentity",
    "graph_audit",
    Query(
        "/beta/auditLogs/signIns",
        time_field="createdDateTime",
        top=500,
        extra="signInEventTypes/any(t: t eq 'managedIdentity')",
    ),
)
