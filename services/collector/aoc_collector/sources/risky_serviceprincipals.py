"""Risky service principals (graph-docs, identityprotectionroot-list-riskyserviceprincipals.md).

Their time of change can be compared for equality only, and there are few. Needs Workload ID Premium.
"""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-risky-serviceprincipals",
    "graph_risk",
    Query(
        "/v1.0/identityProtection/riskyServicePrincipals",
        time_field="riskLastUpdatedDateTime",
        top=500,
        whole=True,
    ),
)
