"""How an operation ended."""

from __future__ import annotations

from typing import Literal

type Result = Literal["success", "failure", "partial", "unknown"]
