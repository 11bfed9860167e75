"""Risk detections of service principals (graph-docs, identityprotectionroot-list-serviceprincipalriskdetections.md).

Microsoft documents no filter by time for them, and there are few. Without Workload ID Premium their details are hidden.
"""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-risk-detections-serviceprincipal",
    "graph_risk",
    Query(
        "/v1.0/identityProtection/servicePrincipalRiskDetections",
        time_field="lastUpdatedDateTime",
        top=500,
        whole=True,
    ),
)
