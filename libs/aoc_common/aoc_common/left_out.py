"""What a library imports because it happens to be there, and AOC makes no use of, is not imported.

A checkout has what all services and commands need in one environment, so its processes would be larger than those of
the images, which hold what one service needs: `docs/performance.md` says by how much.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def left_out(*modules: str) -> Iterator[None]:
    """As if these were not installed, for what is imported meanwhile. One that is imported already stays."""
    absent = [name for name in modules if name not in sys.modules]
    # Python's own way to say that there is no such module.
    sys.modules.update(dict.fromkeys(absent, cast("Any", None)))
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
