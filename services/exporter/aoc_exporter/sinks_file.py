"""The sinks file: YAML, `sinks:` and a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.contracts.sinks import MOST_SINKS, read_sink
from aoc_common.outbound import named_file

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.contracts.sinks import SinkSettings

SETTING: Final = "AOC_SINKS_FILE"


def read_file(file: Path) -> list[SinkSettings]:
    """The sinks of a file. Blocks. Raises `BadConfiguration` with one line that names sink and field."""
    where = f"{SETTING}: {file}"
    return read_text(named_file.content(file, where), where)


def read_text(text: bytes, where: str) -> list[SinkSettings]:
    """The sinks of a text. Raises as `read_file`."""
    return named_file.entries(text, where, "sink", MOST_SINKS, read_sink)
