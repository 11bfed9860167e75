"""Indexes of the collections of sinks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pymongo import ASCENDING, IndexModel

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_SINK: Final = (IndexModel([("sink", ASCENDING)], name="sink"),)

SINK_INDEXES: Final[Mapping[str, tuple[IndexModel, ...]]] = {
    # Two sinks never have one place.
    "sink_states": (IndexModel([("slot", ASCENDING)], name="slot", unique=True),),
    "sink_accounts": _OF_SINK,
    "sink_stretches": _OF_SINK,
    "sink_marks": _OF_SINK,
    "sink_answers": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
}
