"""The exporter's options. The sinks themselves are in a file, and in the database."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from aoc_common.outbound.references import SecretPlaces
from aoc_common.settings import Frozen, ServiceSettings


class ExportSettings(Frozen):
    """What sinks may reach: whoever sets up a sink is not who runs this machine."""

    allowed_networks: tuple[str, ...] = Field(
        (), description="Networks that destinations may be in although they are private, e.g. 10.1.0.0/16."
    )
    secret_directories: tuple[Path, ...] = Field(
        (Path("/run/secrets"),), description="Directories that hold what sinks refer to as file:PATH."
    )
    secret_prefix: str = Field(
        "AOC_SINK_", min_length=1, description="What environment variables begin with that sinks refer to as env:NAME."
    )
    folders: tuple[Path, ...] = Field((), description="Directories in which sinks may write files.")
    workers: int = Field(3, ge=1, le=16, description="Batches of one sink in work at once.")
    requests: int = Field(8, ge=1, le=64, description="Requests to one destination under way at once, at most.")
    look_s: float = Field(2.0, ge=0.1, le=60, description="How often it is looked what sinks there are, seconds.")

    @property
    def secrets(self) -> SecretPlaces:
        """What sinks may refer to."""
        return SecretPlaces(self.secret_prefix, self.secret_directories, "AOC_EXPORT__SECRET_DIRECTORIES")


class ExporterSettings(ServiceSettings):
    """All settings of the exporter."""

    sinks_file: Path | None = Field(
        None, description="YAML file with sinks (docs/howto/add-a-sink.md), beside those of the database."
    )
    tenants_file: Path | None = Field(None, description="JSON file with tenants: what is read of it are their groups.")
    export: ExportSettings = ExportSettings()
