"""Sign-ins that a client did for a user (graph-docs, signin-list.md): only in beta, by signInEventTypes."""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-signins-noninteractive",
    "graph_audit",
    Query(
        "/beta/auditLogs/signIns",
        time_field="createdDateTime",
        top=500,
        extra="signInEventTypes/any(t: t eq 'nonInteractiveUser')",
    ),
)
