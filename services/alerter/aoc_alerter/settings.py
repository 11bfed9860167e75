"""The alerter's options."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from aoc_common.settings import Frozen, ServiceSettings


class AlerterOptions(Frozen):
    """How alerts are made and kept."""

    old_after_h: float = Field(
        24,
        gt=0,
        description="An event that happened longer ago, in hours, makes an alert about the past: marked, and nobody is "
        "notified.",
    )
    keep_days: int = Field(
        400, ge=1, le=36_500, description="Days that an alert is kept after it was raised, or got its last event."
    )
    rules_s: float = Field(2, gt=0, description="How often rules are looked at for changes, seconds.")
    publish_s: float = Field(
        0.5, gt=0, description="How often alerts are looked at for changes that people have made, seconds."
    )
    gateway_url: str = Field(
        "", max_length=500, description="Address of the gateway, for links in alerts, e.g. https://aoc.example.com."
    )
    lateness_m: float = Field(
        60,
        ge=0,
        le=10_080,
        description="How late events may be, minutes, before a correlation says that something did not happen.",
    )
    windows_s: float = Field(5, gt=0, description="How often windows are looked for that are over, seconds.")
    home_tenant: str | None = Field(
        None,
        description="The tenant, by its name, that has the alerts of correlations across tenants; without one "
        "such rules are refused.",
    )
    workers: int = Field(2, ge=1, le=16, description="Batches in work at once: one is matched while another is stored.")


class AlerterSettings(ServiceSettings):
    """All settings of the alerter."""

    tenants_file: Path | None = Field(
        None, description="JSON file with tenants, for their lists; beside those of the registry."
    )
    alerter: AlerterOptions = AlerterOptions()
