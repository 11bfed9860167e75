"""How an operation ended."""

from __future__ import annotations

from typing import Final, Literal

type Result = Literal["success", "failure", "partial", "unknown"]
RESULTS: Final[tuple[Result, ...]] = ("success", "failure", "partial", "unknown")
