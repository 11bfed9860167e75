"""Indexes of collections that one service alone needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.store.mongo.alert_indexes import ALERT_INDEXES
from aoc_common.store.mongo.sink_indexes import SINK_INDEXES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymongo import IndexModel

MORE_INDEXES: Final[Mapping[str, tuple[IndexModel, ...]]] = {**ALERT_INDEXES, **SINK_INDEXES}
