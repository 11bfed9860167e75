"""The formats that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_exporter.encoders.cef import CEF
from aoc_exporter.encoders.ecs import ECS
from aoc_exporter.encoders.elastic import ELASTIC
from aoc_exporter.encoders.ocsf import OCSF
from aoc_exporter.encoders.raw import RAW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_exporter.item import Format

#: Name -> format.
FORMATS: Final[Mapping[str, Format]] = {made.name: made for made in (OCSF, RAW, ECS, CEF, ELASTIC)}
