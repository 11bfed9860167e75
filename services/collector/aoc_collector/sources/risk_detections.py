"""Risk detections of Identity Protection (graph-docs, riskdetection-list.md), by last update.

A detection comes again when its risk is remediated, dismissed or confirmed. Needs Entra ID P1, which is told some of
them as `generic`, or P2.
"""

from aoc_collector.sources.graph import Query, graph_feed

SPEC = graph_feed(
    "graph-risk-detections",
    "graph_risk",
    Query("/v1.0/identityProtection/riskDetections", time_field="lastUpdatedDateTime", top=500),
)
