"""How long to wait after a failure: the one growing pause of the system."""

from __future__ import annotations

from typing import Final

#: Doublings that are counted: more changes nothing, and would be too large for a float.
_MOST: Final = 64


def backoff(tries: int, longest_s: float, first_s: float = 1.0) -> float:
    """Seconds to wait after so many failed tries (from 1): `first_s`, doubled with each, at most `longest_s`."""
    return min(first_s * 2.0 ** min(max(tries - 1, 0), _MOST), longest_s)
