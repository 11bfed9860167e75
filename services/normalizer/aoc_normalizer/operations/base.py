"""What an operation means."""

from __future__ import annotations

from typing import NamedTuple

from aoc_normalizer.draft import INFORMATIONAL


class Meaning(NamedTuple):
    """OCSF class and activity, severity, and words. `phrase` continues a sentence that begins with the actor.

    `otherwise` does where a name that the phrase needs is not known.
    """

    class_uid: int
    activity_id: int
    severity: int = INFORMATIONAL
    phrase: str | None = None
    otherwise: str | None = None
