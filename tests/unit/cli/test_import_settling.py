"""Whoever waits for the normalizer asks the bus how far it is, and the database once, at the end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from aoc_cli.importing import job
from aoc_cli.importing.job import Importer
from aoc_cli.importing.summary import Summary
from aoc_common.errors import Transient
from aoc_common.store.page_ledger import SliceTotals
from manual_clock import ManualClock


class Waiting:
    """A link to a bus on which so many pages are left at each look, and to a ledger of pages that are settled."""

    patience_s = 900.0

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: list[int], settled: int) -> None:
        self.left, self.ledger, self.js = left, self, None
        self.summed = 0
        self.shown: list[int] = []
        self._totals = SliceTotals(pages=settled)

        async def last_sequence(_js: object, _stream: str) -> int:
            return 9

        async def unsettled(_js: object, _stream: str, _upto: int) -> int:
            return self.left.pop(0) if len(self.left) > 1 else self.left[0]

        monkeypatch.setattr(job, "last_sequence", last_sequence)
        monkeypatch.setattr(job, "unsettled", unsettled)

    async def ask(self, _what: str, question):
        return await question(self)

    async def look(self) -> None:
        """Everybody lives."""

    def say(self, _text: str) -> None:
        """Nobody listens."""

    async def totals(self, _tenant: str, _slice_id: str) -> SliceTotals:
        self.summed += 1
        return self._totals

    def settled(self, pages: int, _of: int) -> None:
        self.shown.append(pages)

    async def until_settled(self) -> tuple[SliceTotals, Summary]:
        importer, summary = Importer(self, ManualClock(), "default"), Summary("default")
        importer._aside = SimpleNamespace(pages=1)  # type: ignore[assignment]
        publisher = SimpleNamespace(pages={"a": 0, "b": 0, "c": 0}, slice_id="s")
        return await importer._wait_settled(publisher, summary, self), summary


async def test_pages_are_summed_up_once_when_the_bus_has_none_left(monkeypatch) -> None:
    waiting = Waiting(monkeypatch, [9, 4, 3, 3, 1, 0], settled=4)
    totals, summary = await waiting.until_settled()

    assert (totals.pages, waiting.summed, summary.problems) == (4, 1, [])
    assert waiting.shown == [0, 0, 1, 1, 3, 4]


async def test_a_normalizer_that_stands_is_told(monkeypatch) -> None:
    with pytest.raises(Transient, match="settled nothing for 90"):
        await Waiting(monkeypatch, [3], settled=1).until_settled()


async def test_pages_of_others_are_not_waited_for_without_end(monkeypatch) -> None:
    waiting = Waiting(monkeypatch, [3], settled=4)
    totals, summary = await waiting.until_settled()

    assert (totals.pages, waiting.summed) == (4, 1)
    assert [problem.reason for problem in summary.problems] == [
        "3 pages that others put on the bus before are not settled yet"
    ]
