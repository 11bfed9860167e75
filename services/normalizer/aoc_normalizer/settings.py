"""The normalizer's options."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from aoc_common.contracts.twins import Lane
from aoc_common.settings import Frozen, ServiceSettings


class Retention(Frozen):
    """How long events are kept after they were stored."""

    days: int = Field(
        365,
        ge=1,
        le=36_500,
        description="Days that events are kept after they were stored, where nothing else says so.",
    )
    by_tenant: dict[str, int] = Field(default_factory=dict, description="Tenant -> days that its events are kept.")
    by_source: dict[str, int] = Field(
        default_factory=dict, description="tenant/source -> days that its events are kept; wins over by_tenant."
    )

    def keep(self, tenant: str, source: str) -> timedelta:
        """The time that an event of this tenant and source is kept."""
        days = self.by_source.get(f"{tenant}/{source}", self.by_tenant.get(tenant, self.days))
        return timedelta(days=days)


class TwinSettings(Frozen):
    """Which of two records of one action stands for both when they arrive together, in one batch.

    Only then: whatever came alone was published at once, and its twin is second whichever lane it is of.
    """

    preferred: Lane = Field("graph", description="`graph` or `unified` (the Management API), for every tenant.")
    by_tenant: dict[str, Lane] = Field(default_factory=dict, description="Tenant -> lane, where it differs.")

    def prefer(self, tenant: str) -> Lane:
        """The lane that stands first in this tenant."""
        return self.by_tenant.get(tenant, self.preferred)


class NormalizerSettings(ServiceSettings):
    """The options of the normalizer."""

    retention: Retention = Retention()
    twins: TwinSettings = TwinSettings()
    batch_pages: int = Field(32, ge=1, le=256, description="Raw pages handled together, at most.")
    batch_bytes: int = Field(
        1_000_000, ge=100_000, description="Bytes of raw pages handled together; bounds memory (about 30 times this)."
    )
    location_database: Path | None = Field(
        None, description="A database of locations in MaxMind's format (City, Country or ASN); looked up for addresses."
    )
    names_remembered: int = Field(
        50_000, ge=1_000, description="Periods of the tenants' directory objects kept in memory, about 500 bytes each."
    )
    late_names_s: float = Field(
        60, gt=0, description="How often events are looked for whose ids have got names since they were stored."
    )
    settle_s: float = Field(5, gt=0, description="How often the account of fetched slices is looked at.")
    forget_s: float = Field(
        60, gt=0, description="How often the content of events is removed whose ids outlast their retention, seconds."
    )
    gone_after_s: float = Field(
        600,
        gt=0,
        description="A page that waits longer is looked for on AOC_RAW: it may have been lost there, seconds.",
    )
    gone_look_s: float = Field(60, gt=0, description="How often such pages are looked for, seconds.")
    quarantine_days: int = Field(
        400,
        ge=1,
        le=36_500,
        description="How long records in the quarantine and the content of dead letters are kept for a decision; then "
        "they are a permanent gap.",
    )
    quarantine_s: float = Field(
        30, gt=0, description="How often dead letters and the quarantine are looked at for what was handled since."
    )
    compact_s: float = Field(60, gt=0, description="How often settled slices of a quiet day are merged, seconds.")
    deletion_settle_s: float = Field(
        30,
        gt=0,
        description="How long after a tenant's deletion was asked for it begins, and after which nothing may have come "
        "in any more, seconds. Longer than a service takes to see a change, and to end a batch.",
    )
    workers: int = Field(2, ge=1, le=16, description="Batches in work at once: one maps while another one is stored.")
