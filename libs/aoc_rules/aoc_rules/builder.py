"""The library builder of a directory of rules: the pack's, unless another one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aoc_rules import pack
from aoc_rules.library import LibraryBuilder, shipped

PACK: Final = Path(pack.__file__).parent


def library_builder(directory: Path = PACK, *, home: bool = False) -> LibraryBuilder:
    """Over all `*.yml` of a directory. `home`: see `LibraryBuilder`. Raises `OSError`."""
    files = [(str(path.relative_to(directory)), path.read_bytes()) for path in sorted(directory.rglob("*.yml"))]
    return LibraryBuilder(*shipped(files), home=home)
