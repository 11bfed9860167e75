"""The sinks file: YAML, `sinks:` and a list. Whoever has the file is who runs the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from aoc_common.contracts.sinks import distinct, read_sink
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_common.contracts.sinks import SinkSettings

SETTING: Final = "AOC_SINKS_FILE"
_LONGEST: Final = 1024**2


def read_file(file: Path) -> list[SinkSettings]:
    """The sinks of a file. Blocks. Raises `BadConfiguration` with one line that names sink and field."""
    where = f"{SETTING}: {file}"
    try:
        with file.open("rb") as opened:
            text = opened.read(_LONGEST + 1)
    except OSError as error:
        raise BadConfiguration(f"{where}: {error.strerror}") from None
    if len(text) > _LONGEST:
        raise BadConfiguration(f"{where}: longer than {_LONGEST:,} bytes")
    return read_text(text, where)


def read_text(text: bytes, where: str) -> list[SinkSettings]:
    """The sinks of a text. Raises as `read_file`."""
    try:
        parsed: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise BadConfiguration(f"{where}: no YAML{line}") from None
    if not isinstance(parsed, dict) or parsed.keys() != {"sinks"} or not isinstance(parsed["sinks"], list):
        raise BadConfiguration(f"{where}: expected `sinks:` and a list of sinks")
    sinks = [read_sink(one, f"{where}: {_label(number, one)}") for number, one in enumerate(parsed["sinks"], 1)]
    distinct(sinks, where)
    return sinks


def _label(number: int, entry: object) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"sink {name}" if isinstance(name, str) else f"sink {number}"
