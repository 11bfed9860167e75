"""The tenants file that commands read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aoc_cli.local import stacks
from aoc_cli.local.stack import default_data
from aoc_collector.sources import SOURCES
from aoc_common.environment import TENANTS_FILE
from aoc_common.tenants.file import read_tenants

if TYPE_CHECKING:
    from aoc_common.tenants.tenant import Tenant

#: In a data directory: the simulated tenants.
LOCAL_FILE: Final = "tenants.json"


def find_file(named: Path | None, data: Path | None) -> Path | None:
    """The file that is named, else that of AOC_TENANTS_FILE, else the data directory's; None when there is none.

    A system without a tenants file has servers all the same, and a data directory of imported files has no tenants.
    """
    if named is None and (variable := os.environ.get(TENANTS_FILE)):
        named = Path(variable)
    if named is not None:
        return named
    if data is None and (chosen := stacks.chosen()):
        data = chosen[0].path
    local = (data or stacks.last_started() or default_data()) / LOCAL_FILE
    return local if local.exists() else None


def read(file: Path | None) -> tuple[Tenant, ...]:
    """The tenants of a file, read as the collector reads them. Raises `BadConfiguration`."""
    return read_tenants(file, SOURCES)
