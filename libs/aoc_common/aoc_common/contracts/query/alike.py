"""Which known words a misspelt one may mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Words of fewer letters are like too many others.
_SHORTEST: Final = 3
#: Up to so many letters, one may be wrong; beyond, two.
_SHORT: Final = 5


def closest(word: str, known: Sequence[str]) -> list[str]:
    """Those that differ least: by one letter or two that are wrong, missing, too many, or changed places."""
    if len(word) < _SHORTEST:
        return []
    # Imported here: two megabytes that services which only write words do without.
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    most = 1 if len(word) <= _SHORT else 2
    matches = process.extract(word, known, scorer=OSA.distance, score_cutoff=most, limit=None)
    least = min((distance for _, distance, _ in matches), default=0)
    return sorted(match for match, distance, _ in matches if distance == least)
