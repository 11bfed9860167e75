"""Revisions of alerts that are still to be published. Every method may raise `Transient` when the store is away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from aoc_common.contracts.alert_message import AlertMessage


@dataclass(frozen=True, slots=True)
class Waiting:
    """Revisions of an alert that are to be published, in their order."""

    tenant: str
    alert: UUID
    messages: tuple[AlertMessage, ...]


class AlertOutbox(Protocol):
    """What is still to be published, of alerts that the alerter and people have changed."""

    async def waiting(self, most: int) -> Sequence[Waiting]:
        """Of at most so many alerts."""
        ...

    async def published(self, done: Sequence[Waiting]) -> None:
        """These revisions are on the stream. Idempotent."""
        ...
