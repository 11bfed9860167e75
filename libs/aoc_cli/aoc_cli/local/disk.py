"""Whether a disk has room: servers that cannot write say so in many ways, or not at all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes below which databases and streams give up.
_ROOM: Final = 8 << 20


def remark(path: Path) -> str:
    """That the disk of a path is full, to be put behind what went wrong; empty where it is not."""
    try:
        free = shutil.disk_usage(path).free
    except OSError:
        return ""
    return f"; the disk that holds {path} is full ({free:,} bytes are free)" if free < _ROOM else ""
