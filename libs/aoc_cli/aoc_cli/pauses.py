"""Pauses between looks at a server that has other things to do."""

from __future__ import annotations

from typing import Final

#: Looks take a server this part of its time at most.
_SHARE: Final = 0.1


def pause_s(took_s: float, least_s: float, longest_s: float) -> float:
    """Seconds to wait after a look that took so long. To count, a stand-in for MongoDB goes through all that it has."""
    return min(max(least_s, took_s / _SHARE), longest_s)
