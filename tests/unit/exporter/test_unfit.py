"""What had to be redacted, and cannot be read, goes nowhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.contracts.event_message import EventMessage
from aoc_common.contracts.sinks import read_sink
from aoc_exporter.account import Account
from aoc_exporter.courier import Courier
from aoc_exporter.delivery.port import Limits
from aoc_exporter.formats import FORMATS
from aoc_exporter.intake import Intake
from aoc_exporter.lanes import Way
from aoc_exporter.outcome import Accepted
from aoc_exporter.selection import Choice
from aoc_exporter.sent import Sent
from aoc_exporter.settings import ExportSettings
from manual_clock import ManualClock
from replica import NOW
from siem_entries import ROOMY, made_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_exporter.entry import Entry
    from aoc_exporter.item import Item

MESSAGE = EventMessage(made_id(1), "contoso", "graph-signins", 3002, "Sign-in", 1, None, None, None, b'{"time":1}')
REDACT = [{"field": "actor.user.name", "how": "drop"}]


class Destination:
    """Takes everything; also the ways to it, and where what is given up is put on record."""

    idempotent = True

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.letters: list[str] = []

    @property
    def limits(self) -> Limits:
        return Limits(100, ROOMY, ROOMY)

    async def send(self, items: Sequence[Item]) -> list[Accepted]:
        self.sent += [item.data for item in items]
        return [Accepted()] * len(items)

    async def of(self, _: str) -> Way:
        return Way(self, ExportSettings(), ManualClock(NOW))

    async def put(self, sink: str, entry: Entry, words: str, sequence: int) -> None:
        self.letters.append(f"{sink} {entry.id} {words} {sequence}")


@pytest.mark.parametrize("redact", [[], REDACT])
async def test_an_event_that_cannot_be_read_is_sent_as_it_is_but_where_something_is_to_be_hidden(redact) -> None:
    there, clock, none = Destination(), ManualClock(NOW), Any
    sink = read_sink({"name": "siem", "kind": "otlp", "redact": redact, "include": {"severities": [1]}})
    account = Account("siem", none, clock)
    courier = Courier("siem", FORMATS["ocsf"], there, account, none, there, clock)
    intake = Intake(courier, Choice(sink, {}), none, clock, Sent(), twins=True, linger_s=0)
    bodies = [b'{"of": Dana Reyes}', b'{"of":"Dana Reyes",}', b'{"severity_id":1}', b'{"severity_id":2}']
    parcels = [intake.parcel(replace(MESSAGE, body=body)) for body in bodies]
    left = await courier.attempt([parcel for parcel in parcels if parcel is not None])

    assert left == []
    assert there.sent == ([b'{"severity_id":1}'] if redact else bodies[:3])
    assert len(there.letters) == (2 if redact else 0)
    assert all("it cannot be redacted" in letter for letter in there.letters)
