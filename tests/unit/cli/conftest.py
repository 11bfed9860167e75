"""Reading exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exports import LIMITS, Read, read_path

if TYPE_CHECKING:
    from pathlib import Path

    from aoc_cli.importing.unpacking import Unpacking


@pytest.fixture
def read(tmp_path: Path):
    """Reads a file that holds these bytes."""

    def read_bytes(
        data: bytes, limits: Unpacking = LIMITS, encoding: str | None = None, *, day_first: bool | None = None
    ) -> Read:
        path = tmp_path / "export"
        path.write_bytes(data)
        return read_path(path, limits, encoding, day_first=day_first)

    return read_bytes
