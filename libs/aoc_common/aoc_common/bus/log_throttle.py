"""Throttles repeated log messages: the first is logged at once, later ones once a minute with their count."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_S: Final = 60.0
#: Different texts that are remembered; above that all are logged anew.
_TEXTS: Final = 100


@dataclass(slots=True)
class LogThrottle:
    """Remembers when each text was logged. `now`: seconds that never go back."""

    now: Callable[[], float] = time.monotonic
    _logged_at: dict[str, float] = field(default_factory=dict)
    _since: dict[str, int] = field(default_factory=dict)

    def due(self, text: str) -> int:
        """Occurrences since it was logged last, this one included; 0 while it is not to be logged again."""
        if len(self._since) >= _TEXTS and text not in self._since:
            self._logged_at.clear()
            self._since.clear()
        count = self._since.get(text, 0) + 1
        if text in self._logged_at and self.now() - self._logged_at[text] < _EVERY_S:
            self._since[text] = count
            return 0
        self._logged_at[text], self._since[text] = self.now(), 0
        return count
