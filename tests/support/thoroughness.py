"""How much of a long row of like cases a run tries: all in a thorough one (AOC_TEST_THOROUGH=1), else a share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

#: CI has a job of its own for it, beside the one that is to end within minutes.
THOROUGH: Final = os.environ.get("AOC_TEST_THOROUGH") == "1"
#: Of a test that only a thorough run has: others show the same with less.
only_thorough: Final = pytest.mark.skipif(not THOROUGH, reason="takes minutes of two cores: AOC_TEST_THOROUGH=1")


def tried[T](cases: Sequence[T], begin: int = 0, step: int = 3) -> Sequence[T]:
    """Each third case (or so) from `begin` on, and of so few that none is there, all; each one in a thorough run."""
    return cases if THOROUGH else cases[begin % step :: step] or cases
