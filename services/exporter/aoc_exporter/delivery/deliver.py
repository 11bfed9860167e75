"""One batch to its end: an outcome for every item, whatever the destination does with the batch as a whole.

A batch that is refused as a whole is halved until the items stand alone that are the reason, so one bad item holds
nobody up. That costs some 2 log2(n) requests for each of them. A destination that refuses whatever it is sent is not
told apart by halving: after `_ALL_REFUSED` refusals without anything taken, the batch is put off and nothing is given
up, since the reason is more likely a setting than eight events in a row; unless the caller knows better (`believed`).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from aoc_common.errors import Throttled, Transient
from aoc_common.outbound.refusals import UNUSABLE_WAIT_S, RefusedWhole, Unusable
from aoc_exporter.outcome import Accepted, Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_exporter.delivery.port import Sink
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome

_ALL_REFUSED: Final = 8
REFUSES_EVERYTHING: Final = "the destination refuses everything"


async def deliver(sink: Sink, items: Sequence[Item], *, believed: bool = False) -> list[Outcome]:
    """An outcome for each item, in their order. Raises only what is a defect.

    `believed`: refusals are final, also when nothing else is taken.
    """
    return await _Delivery(sink, items, believed=believed).run()


class _Delivery:
    def __init__(self, sink: Sink, items: Sequence[Item], *, believed: bool) -> None:
        self._sink = sink
        self._believed = believed
        self._copies = not sink.idempotent
        self._items = items
        self._outcomes: list[Outcome | None] = [None] * len(items)
        #: Stretches that are still to be sent, the first one last: begin, end, sendings that may have been taken.
        self._waiting = [(0, len(items), 0)] if items else []

    async def run(self) -> list[Outcome]:
        while self._waiting:
            begin, end, maybe_taken = self._waiting.pop()
            try:
                got = await self._sink.send(self._items[begin:end])
            except RefusedWhole as error:
                self._refused(begin, end, error, maybe_taken)
            except Transient as error:
                self._waiting.append((begin, end, maybe_taken))
                return self._put_off(error)
            else:
                self._take(begin, got, maybe_taken)
            if self._refuses_everything():
                return self._give_nothing_up()
        return self._settled("never sent")

    def _take(self, begin: int, got: Sequence[Outcome], maybe_taken: int) -> None:
        for place, outcome in enumerate(got, begin):
            if maybe_taken and isinstance(outcome, Accepted):
                self._outcomes[place] = Accepted(outcome.repeats + maybe_taken)
            elif maybe_taken and isinstance(outcome, Retry):
                self._outcomes[place] = replace(outcome, maybe_taken=outcome.maybe_taken + maybe_taken)
            else:
                self._outcomes[place] = outcome

    def _refused(self, begin: int, end: int, error: RefusedWhole, maybe_taken: int) -> None:
        if end - begin == 1:
            self._outcomes[begin] = Refused(str(error))
            return
        maybe_taken += error.maybe_taken and self._copies
        named = error.at if error.at is not None and 0 <= error.at < end - begin else None
        cuts = [begin, begin + named, begin + named + 1, end] if named is not None else [begin, (begin + end) // 2, end]
        parts = [(first, last, maybe_taken) for first, last in pairwise(cuts) if first < last]
        self._waiting.extend(reversed(parts))

    def _put_off(self, error: Transient) -> list[Outcome]:
        """What was not settled comes again. A refusal of us, or a request for less, says that nothing was taken."""
        unknown = self._copies and not isinstance(error, Throttled | Unusable)
        for begin, end, maybe_taken in self._waiting[:-1]:
            for place in range(begin, end):
                self._outcomes[place] = Retry(str(error), error.retry_after, maybe_taken)
        begin, end, maybe_taken = self._waiting[-1]
        for place in range(begin, end):
            self._outcomes[place] = Retry(str(error), error.retry_after, maybe_taken + unknown)
        return self._settled(str(error))

    def _refuses_everything(self) -> bool:
        if self._believed:
            return False
        refused = sum(isinstance(outcome, Refused) for outcome in self._outcomes)
        return refused >= _ALL_REFUSED and not any(isinstance(outcome, Accepted) for outcome in self._outcomes)

    def _give_nothing_up(self) -> list[Outcome]:
        words = next(outcome.words for outcome in self._outcomes if isinstance(outcome, Refused))
        maybe_taken = max((times for _, _, times in self._waiting), default=0)
        put_off = Retry(f"{REFUSES_EVERYTHING}: {words}", UNUSABLE_WAIT_S, maybe_taken)
        return [outcome if isinstance(outcome, Retry) else put_off for outcome in self._outcomes]

    def _settled(self, words: str) -> list[Outcome]:
        return [Retry(words) if outcome is None else outcome for outcome in self._outcomes]
