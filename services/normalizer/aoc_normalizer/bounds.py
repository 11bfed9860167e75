"""Bounds on what a record may contain, so that none can exhaust memory, the stack, or a server's limits."""

from __future__ import annotations

from typing import Any, Final

import orjson

#: Levels of `unmapped`; what is deeper becomes text.
LEVELS: Final = 32


def depth_over(value: dict[str, Any] | list[Any], limit: int) -> bool:
    """Whether `value` is nested more than `limit` levels deep. Level by level, so that depth costs no stack."""
    level: list[dict[str, Any] | list[Any]] = [value]
    for _ in range(limit):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def bounded(value: dict[str, Any]) -> dict[str, Any]:
    """The same object with everything below the 32nd level as JSON text."""
    cut: dict[str, Any] = _cut(value, LEVELS)
    return cut


def _cut(value: Any, levels: int) -> Any:
    if isinstance(value, dict | list) and levels == 0:
        return orjson.dumps(value).decode()
    if isinstance(value, dict):
        return {name: _cut(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, levels - 1) for item in value]
    return value
