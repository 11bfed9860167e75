"""Risky users (graph-docs, riskyuser-list.md): each has its present risk only. Needs Entra ID P2.

Every update of a user's risk that is seen becomes an event.
"""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-risky-users",
    "graph_risk",
    Query("/v1.0/identityProtection/riskyUsers", time_field="riskLastUpdatedDateTime", top=500),
)
