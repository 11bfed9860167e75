"""The official OCSF schema, asked about events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.contracts.event import Event


@pytest.fixture(scope="session")
def ocsf_faults(schema_faults: Callable[[dict[str, Any]], list[str]]) -> Callable[[Event], list[str]]:
    """What the official schema says against the event as it leaves the system; empty when it is valid."""
    return lambda event: schema_faults(orjson.loads(event.message()))
