"""The alerter's options."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.outbound.references import SecretPlaces
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
        pattern=TENANT_PATTERN,
        description="The tenant, by its name, that has the alerts of correlations across tenants; without one "
        "such rules are refused.",
    )
    workers: int = Field(2, ge=1, le=16, description="Batches in work at once: one is matched while another is stored.")


class NotifyOptions(Frozen):
    """How people are told of alerts, and what routes may reach."""

    allowed_networks: tuple[str, ...] = Field(
        (), description="Networks that destinations may be in although they are private, e.g. 10.1.0.0/16."
    )
    secret_directories: tuple[Path, ...] = Field(
        (Path("/run/secrets"),), description="Directories that hold what routes refer to as file:PATH."
    )
    secret_prefix: str = Field(
        "AOC_NOTIFICATION_",
        min_length=1,
        description="What environment variables begin with that routes refer to as env:NAME.",
    )
    within_h: float = Field(
        24, gt=0, le=24 * 30, description="Alerts that were published longer ago, in hours, are told nobody."
    )
    trying_h: float = Field(
        72,
        gt=0,
        le=24 * 60,
        description="What a destination does not take for so many hours is given up: a dead letter.",
    )
    look_s: float = Field(
        1.0, ge=0.1, le=60, description="How often it is looked what routes there are, and what is due, seconds."
    )

    @property
    def secrets(self) -> SecretPlaces:
        """What routes may refer to."""
        return SecretPlaces(self.secret_prefix, self.secret_directories, "AOC_NOTIFY__SECRET_DIRECTORIES")


class AlerterSettings(ServiceSettings):
    """All settings of the alerter."""

    tenants_file: Path | None = Field(
        None, description="JSON file with tenants, for their lists and groups; beside those of the registry."
    )
    notifications_file: Path | None = Field(
        None,
        description="YAML file with the routes by which people are told of alerts (docs/howto/notify-about-alerts.md).",
    )
    alerter: AlerterOptions = AlerterOptions()
    notify: NotifyOptions = NotifyOptions()
