"""Records of the history that are difficult to process: near max_payload, or two with the same id and time."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aoc_sim.faults import FaultDice
    from aoc_sim.records.base import Draft

#: Bytes from which a record counts as huge.
HUGE: Final = 900_000
#: Around the default max_payload of nats-server, 1 MiB.
_SIZES: Final = (HUGE, 1_500_000)
#: Source, workload -> operations, of which the other record gets the first that the record has not itself. What another
#: workload writes, e.g. an alert, has no such operation.
_OTHER_OPERATIONS: Final = {
    ("o365-exchange", "Exchange"): ("MoveToDeletedItems", "Update"),
    ("o365-sharepoint", "SharePoint"): ("FileDownloaded", "FileAccessed"),
    ("o365-sharepoint", "OneDrive"): ("FileDownloaded", "FileAccessed"),
    ("o365-general", "MicrosoftTeams"): ("MessageSent", "ChatCreated"),
}


class DifficultRecords:
    """Makes some drafts huge, and adds to some a record that shares their id."""

    def __init__(self, seed: int, dice: FaultDice) -> None:
        self._dice = dice
        self._rng = Random(f"oddities:{seed}")
        self._huge = 0

    def made(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """The drafts, some of them changed, and the added ones."""
        for draft in drafts:
            yield from self._changed(draft)

    def _changed(self, draft: Draft) -> Iterator[Draft]:
        faults = self._dice.settings
        # What has a key already shares its id; a twin that is no longer like its other half is none.
        plain = draft.key is None and draft.twin is None
        if plain and _other_operations(draft) and self._strikes(faults.other_operation_rate):
            self._dice.injected["other_operation"] += 1
            yield from _pair(draft)
        elif plain and self._huge < faults.huge_most and self._strikes(faults.huge_rate):
            self._huge += 1
            self._dice.injected["huge"] += 1
            yield draft._replace(body=draft.body | _weight(draft, self._rng))
        else:
            yield draft

    def _strikes(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate


def _pair(draft: Draft) -> Iterator[Draft]:
    own = draft.body["Operation"]
    other = next(operation for operation in _other_operations(draft) if operation != own)
    for operation in (own, other):
        yield draft._replace(body=draft.body | {"Operation": operation}, key=f"{draft.body['Id']}|{operation}")


def _other_operations(draft: Draft) -> tuple[str, ...]:
    return _OTHER_OPERATIONS.get((draft.source, draft.body.get("Workload", "")), ())


def _weight(draft: Draft, rng: Random) -> dict[str, Any]:
    """A property that makes a record as large; text that does not compress well, where such text can be."""
    text = rng.randbytes(rng.randint(*_SIZES) // 2).hex()
    if draft.source.startswith("o365-"):
        return {"ExtendedProperties": [{"Name": "additionalDetails", "Value": text}]}
    if draft.source.startswith("graph-risk-"):
        return {"additionalInfo": text}
    if draft.source == "graph-alerts":
        return {"description": text}
    return {"additionalDetails": [{"key": "Notes", "value": text}]}
