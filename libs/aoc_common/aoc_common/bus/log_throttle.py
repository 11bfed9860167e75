"""How often the same complaint is told: at once, then once a minute with how often it was made."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_S: Final = 60.0
#: Different texts that are remembered; more, and all are told anew.
_TEXTS: Final = 100


@dataclass(slots=True)
class LogThrottle:
    """Remembers what was told when. `now`: seconds that never go back."""

    now: Callable[[], float] = time.monotonic
    _told: dict[str, float] = field(default_factory=dict)
    _since: dict[str, int] = field(default_factory=dict)

    def due(self, text: str) -> int:
        """How often it was made since it was told last, this time included; 0 while it is not to be told again."""
        if len(self._since) >= _TEXTS and text not in self._since:
            self._told.clear()
            self._since.clear()
        count = self._since.get(text, 0) + 1
        if text in self._told and self.now() - self._told[text] < _EVERY_S:
            self._since[text] = count
            return 0
        self._told[text], self._since[text] = self.now(), 0
        return count
