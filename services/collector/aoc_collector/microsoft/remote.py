"""Microsoft's servers as remotes of `aoc_common.http`."""

from __future__ import annotations

from aoc_collector import metrics
from aoc_collector.microsoft.errors import read_error, throttles
from aoc_common import http


def remote(api: str) -> http.Remote:
    """One of Microsoft's servers; `api` is its label in metrics, e.g. `graph_audit` or `token`."""

    def observe(outcome: str, seconds: float) -> None:
        metrics.HTTP_REQUESTS.labels(api, outcome).inc()
        metrics.HTTP_SECONDS.labels(api).observe(seconds)

    return http.Remote(api, read_error, throttles, observe)
