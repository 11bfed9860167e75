"""Settings of signed reports."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from aoc_common.settings import FROM_ENVIRONMENT, Frozen, SecretRef


class ReportOptions(Frozen):
    """The key that signs reports, and the keys that are trusted."""

    key: SecretRef | None = Field(
        None,
        description="Reference to the Ed25519 private key (PEM) that signs reports. "
        "Without it, one that is made at first use in the data directory.",
    )
    fingerprints: str = Field(
        "",
        description="Fingerprints of the keys whose reports `aoc completeness --check` believes, separated by commas.",
    )


class ReportSettings(BaseSettings):
    """The settings of reports."""

    model_config = FROM_ENVIRONMENT

    reports: ReportOptions = ReportOptions()
