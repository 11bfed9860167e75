"""Where exports in the background are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aoc_common.store.export_jobs import ExportJobStore
    from aoc_common.store.export_parts import ExportParts
    from aoc_common.store.export_work import ExportWork


@dataclass(frozen=True, slots=True)
class ExportStores:
    """The jobs of their owners, the work on them, and their files."""

    jobs: ExportJobStore
    work: ExportWork
    parts: ExportParts
