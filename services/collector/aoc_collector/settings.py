"""The collector's options. The tenants themselves are in a file (see `tenants`)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from aoc_common import http
from aoc_common.contracts.directory import KINDS, EntityKind
from aoc_common.settings import Frozen, ServiceSettings, WebhookSettings

DAY_S = 24 * 3600


class Rate(NamedTuple):
    """So many requests in any window of that many seconds."""

    requests: float
    window_s: float


class Rates(Frozen):
    """Microsoft's limits per app and tenant. Collectors share them through the database, by who needs them."""

    graph_audit_requests: int = Field(5, ge=1, description="Directory audits and sign-ins: requests per window.")
    graph_audit_window_s: float = Field(10, gt=0, description="Directory audits and sign-ins: the window, seconds.")
    graph_intune_requests: int = Field(1000, ge=1, description="Intune audit events: requests per window.")
    graph_intune_window_s: float = Field(20, gt=0, description="Intune audit events: the window, seconds.")
    graph_security_requests: int = Field(150, ge=1, description="Security alerts: requests per window.")
    graph_security_window_s: float = Field(60, gt=0, description="Security alerts: the window, seconds.")
    graph_risk_requests: int = Field(1, ge=1, description="Identity Protection: requests per window.")
    graph_risk_window_s: float = Field(
        1, gt=0, description="Identity Protection: the window, seconds. Microsoft counts those of all apps together."
    )
    graph_directory_requests: int = Field(
        700,
        ge=1,
        description="Directory: requests per window. Microsoft grants 3,500 units; the dearest request costs 5.",
    )
    graph_directory_window_s: float = Field(10, gt=0, description="Directory: the window, seconds.")
    management_requests: int = Field(2000, ge=1, description="Management Activity API: requests per window.")
    management_window_s: float = Field(60, gt=0, description="Management Activity API: the window, seconds.")
    replicas: int = Field(
        4,
        ge=1,
        description="The most collectors at a time: each takes so small a part of a limit while the database is away.",
    )

    def of(self, family: str) -> Rate:
        """The limit of an API family, e.g. `graph_audit`, for all collectors together."""
        return Rate(getattr(self, f"{family}_requests"), getattr(self, f"{family}_window_s"))


class SliceLimits(Frozen):
    """How one API is cut into slices."""

    overlap_s: int = Field(ge=0, description="How far a slice reaches back before the last one, for late records.")
    max_slice_s: int = Field(ge=60, description="The longest new time that one slice covers, seconds.")
    rescan_s: int = Field(ge=0, description="Until which age late records are looked for, at ages that double; 0: not.")


class GraphLimits(SliceLimits):
    """How Microsoft Graph is cut into slices: by the time of the records. Late ones come within minutes, or hours."""

    overlap_s: int = Field(
        30, ge=0, le=7 * DAY_S, description="How far a slice reaches back before the last one, seconds."
    )
    max_slice_s: int = Field(3600, ge=60, le=DAY_S, description="The longest new time that one slice covers, seconds.")
    rescan_s: int = Field(
        DAY_S,
        ge=0,
        le=30 * DAY_S,
        description="Until which age late records are looked for, at ages that double; 0: not.",
    )
    fetches_per_record: float = Field(
        3.75,
        ge=2,
        le=50,
        description="How often a record may be fetched on average: by how late records come, re-scans are chosen so.",
    )
    retention_days: float = Field(
        30,
        gt=0,
        description="How long Entra keeps sign-ins and audits: 30 days with P1 or P2, 7 without. Older is a gap.",
    )


class ManagementLimits(SliceLimits):
    """How the Management Activity API is cut into slices: by the time a blob was created. Re-scans only list blobs."""

    overlap_s: int = Field(60, ge=0, le=3600, description="How far a slice reaches back before the last one, seconds.")
    max_slice_s: int = Field(
        6 * 3600, ge=60, le=DAY_S - 3600, description="The longest new time that one slice covers, seconds."
    )
    rescan_s: int = Field(
        6 * DAY_S,
        ge=0,
        le=7 * DAY_S - 3600,
        description="Until which age late blobs are looked for, at ages that double; 0: not.",
    )


class DirectorySettings(Frozen):
    """Which directories are synchronised, and how often."""

    enabled: bool = Field(
        True, description="Whether the tenants' directories are synchronised, so that events name people and objects."
    )
    kinds: tuple[EntityKind, ...] = Field(
        KINDS, min_length=1, description="What is read of a directory. Roles need users and groups to be of use."
    )
    interval_s: float = Field(300, ge=1, description="How often changes of a directory are asked for, seconds.")
    workers: int = Field(2, ge=1, le=64, description="Tenants whose directories are read at once in this process.")


class SubscriptionSettings(WebhookSettings):
    """How subscriptions at Microsoft are renewed, when webhooks are on."""

    lifetime_s: int = Field(
        3 * DAY_S,
        ge=2 * 3600,
        le=28 * DAY_S,
        description="How long a subscription or webhook lives unless it is renewed, which it is half-way, seconds.",
    )
    interval_s: float = Field(
        900, ge=1, description="How often subscriptions are compared with what there should be, seconds."
    )


class QuotaSettings(Frozen):
    """How much of one tenant may wait on AOC_RAW, beyond which no more of it is fetched for a while."""

    pages: int = Field(20_000, ge=1, description="Pages of one tenant that may wait on AOC_RAW.")
    size_bytes: int = Field(
        1024**3, ge=1024**2, description="Bytes of one tenant's pages that may wait on AOC_RAW, about."
    )


class WatchSettings(Frozen):
    """Bounds of the source monitor's metrics and log lines; the gateway's /api/source-health has its own."""

    interval_s: float = Field(60, ge=1, description="How often the sources are judged, seconds.")
    stalled_after_s: float = Field(
        900, ge=60, description="A source that was not collected for so long is stalled, seconds."
    )
    expiry_warning_h: float = Field(
        24, gt=0, le=168, description="Content that Microsoft deletes within so many hours is warned of."
    )


class CollectorSettings(ServiceSettings):
    """All settings of the collector."""

    tenants_file: Path | None = Field(
        None, description="JSON file with the tenants to collect from (docs/howto/add-a-source.md). None: idle."
    )
    poll_interval_s: float = Field(60, ge=0.1, description="How often each source is polled, seconds.")
    settle_delay_s: float = Field(
        10, ge=0, description="The newest seconds, which no slice covers, because records still arrive for them."
    )
    lookback_s: int = Field(DAY_S, ge=0, le=30 * DAY_S, description="How far back a new source starts, seconds.")
    live_window_s: int = Field(
        600,
        ge=60,
        le=DAY_S,
        description="A source that is further behind than this is caught up beside its live slices, seconds.",
    )
    graph: GraphLimits = GraphLimits()
    management: ManagementLimits = ManagementLimits()
    rates: Rates = Rates()
    directory: DirectorySettings = DirectorySettings()
    watch: WatchSettings = WatchSettings()
    quota: QuotaSettings = QuotaSettings()
    webhooks: SubscriptionSettings = SubscriptionSettings()
    poll_gap_s: float = Field(
        10, ge=0, le=3600, description="Least time between two polls of one source that notifications ask for, seconds."
    )
    workers: int = Field(4, ge=1, le=64, description="Live slices in work at once in this process.")
    backlog_workers: int = Field(4, ge=1, le=64, description="Slices of the backlog in work at once in this process.")
    blob_concurrency: int = Field(4, ge=1, le=32, description="Content blobs that one slice fetches at once.")
    publisher_identifier: str | None = Field(
        None, description="PublisherIdentifier of Management API requests; the tenant's own id when unset."
    )
    http_timeout_s: float = Field(
        60,
        gt=0,
        description="How long each piece of an answer may take, seconds; a whole one may take five times that.",
    )
    http_answer_bytes: int = Field(
        http.ANSWER_BYTES,
        ge=1024**2,
        description="Bytes that an answer may have, unpacked. A blob that has more waits, visibly, until it expires.",
    )
    http_attempts: int = Field(5, ge=1, le=20, description="Tries of one request before its slice is put off.")
    put_off_s: float = Field(
        60,
        ge=1,
        le=3600,
        description="Seconds until content or a stretch that failed again and again is tried by itself. Each further "
        "time it is twice as long, up to an hour.",
    )
    longest_asked_s: float = Field(
        900,
        ge=1,
        le=DAY_S,
        description="Longest wait that an answer of Microsoft's can ask for (Retry-After), seconds; never below 1.",
    )
    max_backoff_s: float = Field(
        3600, ge=1, le=DAY_S, description="Longest wait before a source that refuses us is asked again, seconds."
    )
