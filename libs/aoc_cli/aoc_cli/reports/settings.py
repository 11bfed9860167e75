"""What the command line can be told about reports."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from aoc_common.settings import ENV_DELIMITER, ENV_PREFIX, Frozen, SecretRef


class ReportOptions(Frozen):
    """Who signs reports, and whose are believed."""

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

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    reports: ReportOptions = ReportOptions()
