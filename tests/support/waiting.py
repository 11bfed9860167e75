"""Waits for what other processes do: asked seldomer the longer it takes, since many an answer costs a server's work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pauses() -> Iterator[float]:
    """Seconds to wait before the next look, without end: 0.02 at first, 0.3 after some three seconds."""
    pause = 0.02
    while True:
        yield pause
        pause = min(pause * 1.1, 0.3)


def until[T](condition: Callable[[], T], seconds: float = 30, words: Callable[[], str] = lambda: "") -> T:
    """What a condition gives once it is true. `words`: what is shown when it never is, or of a process that ends."""
    deadline, pause = time.monotonic() + seconds, pauses()
    while not (value := condition()):
        assert time.monotonic() < deadline, f"never came true {words()}"
        time.sleep(next(pause))
    return value
