"""Waits for what other processes do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def until[T](condition: Callable[[], T], seconds: float = 30, words: Callable[[], str] = lambda: "") -> T:
    """What a condition gives once it is true. `words`: what is shown when it never is, or of a process that ends."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"never came true {words()}"
        time.sleep(0.05)
    return value
