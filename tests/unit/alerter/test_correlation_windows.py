"""Which windows hold: exact at every edge, and the same whatever comes between."""

from __future__ import annotations

import math
from random import Random

from aoc_rules.correlation.windows import Seen, holding, number
from correlating import ends, hit, plan
from each import each

SPAN = 600


def anchors(made, *hits) -> list[float]:
    return ends(holding(made, hits, -(10**9), 10**9))


def test_a_count_holds_at_its_threshold_and_at_the_last_millisecond_of_its_span() -> None:
    three = plan()

    assert anchors(three, hit(0), hit(1), hit(SPAN)) == [SPAN]
    assert anchors(three, hit(0), hit(1), hit(SPAN + 0.001)) == []
    assert anchors(three, hit(0), hit(1)) == []
    assert anchors(three, hit(0), hit(1), hit(1, 0, 1000)) == []  # one event twice
    assert anchors(three, hit(0, number=1), hit(0, number=2), hit(0, number=3)) == [0]
    assert anchors(plan(condition={"gt": 3}), *map(hit, range(4))) == [3]
    assert anchors(plan(condition={"eq": 2}), *map(hit, range(4))) == [1]
    assert anchors(plan(condition={"neq": 2}), *map(hit, range(4))) == [0, 2, 3]


def test_few_are_counted_in_the_time_after_an_event() -> None:
    few = plan(condition={"lt": 3})

    assert anchors(few, hit(0), hit(1), hit(SPAN)) == [1, SPAN]
    assert anchors(few, hit(0), hit(1), hit(SPAN + 0.001)) == [0, 1, SPAN + 0.001]
    assert anchors(plan(condition={"lte": 1}), hit(0), hit(SPAN)) == [SPAN]


def test_different_values_are_counted_and_calculated_with() -> None:
    names = plan(type="value_count", condition={"gte": 2, "field": "ClientIP"})
    assert anchors(names, hit(0, 0, 1, "x"), hit(1, 0, 2, "x"), hit(2, 0, 3, "y"), hit(3, 0, 4)) == [2, 3]

    def of(kind: str, **condition: object) -> list[float]:
        made = plan(type=kind, condition={"field": "Size", **condition})
        return anchors(made, hit(0, 0, 1, "10"), hit(1, 0, 2, "0.5"), hit(2, 0, 3, "none"), hit(3, 0, 4, " 30 "))

    assert of("value_sum", gte=40.5) == [3]
    assert of("value_sum", gt=40.5) == []
    assert of("value_avg", lte=5.25) == [1, 2]
    assert of("value_median", eq=10) == [0, 3]
    assert of("value_percentile", gte=20, percentile=75) == [3]
    assert of("value_percentile", gt=20, percentile=75) == []


def test_what_is_a_number() -> None:
    texts = {"1": 1, " -2.5 ": -2.5, "1e3": 1000, "": None, "x": None, "1_0": None, "NaN": None, "inf": None, "٣": None}
    texts |= {"1e300": 1e300, "1e301": None, "-1e308": None, "1e999": None}

    assert {text: number(text) for text in texts} == texts


def test_numbers_of_any_size_that_come_and_go_leave_nothing_of_themselves() -> None:
    random = Random(3)
    numbers = [random.choice(("0.1", "1e300", "-1e300", "1e-300", "7", f"{random.random()}")) for _ in range(300)]
    hits = [hit(50 * place, 0, place, one) for place, one in enumerate(numbers)]
    for kind in ("value_sum", "value_avg"):
        for limit in (0.0, 0.35):
            made = plan(type=kind, condition={"field": "Size", "gt": limit})
            expected = []
            for place in range(len(numbers)):
                some = [float(one) for one in numbers[max(0, place - 12) : place + 1]]
                if math.fsum(some) / (1 if kind == "value_sum" else len(some)) > limit:
                    expected.append(50.0 * place)
            assert anchors(made, *hits) == expected


def test_of_a_crowded_window_only_what_is_new_is_told_by_each() -> None:
    for said in ({"condition": {"gte": 3}}, {"type": "temporal_ordered", "rules": ["a", "b"]}):
        made = plan(**said)
        hits = [hit(number / 100, number % len(made.slots), number) for number in range(20_000)]
        windows = holding(made, hits, -(10**9), 10**9)

        assert sum(len(one.fresh) for one in windows) == len(frozenset[Seen]().union(*(one.fresh for one in windows)))
        assert windows[9_000].latest(3) == sorted(windows[9_000].hits, key=lambda one: one.at)[-3:]


def test_rules_together_and_in_order() -> None:
    together = plan(type="temporal", rules=["a", "b"])
    assert anchors(together, hit(0, 1), hit(SPAN, 0)) == [SPAN]
    assert anchors(together, hit(0, 1), hit(SPAN + 0.001, 0)) == []

    order = plan(type="temporal_ordered", rules=["a", "b", "c"])
    assert anchors(order, hit(0, 0), hit(1, 1), hit(SPAN, 2)) == [SPAN]
    assert anchors(order, hit(0, 0), hit(1, 2), hit(2, 1)) == []
    assert anchors(order, hit(0, 0), hit(0, 1), hit(1, 2)) == []  # at once is no order
    two = plan(type="temporal_ordered", rules=["a", "b", "c"], condition={"gte": 2})
    assert anchors(two, hit(0, 2), hit(1, 1), hit(2, 0), hit(3, 2)) == [3]
    (window,) = holding(order, [hit(0, 1), hit(1, 0), hit(2, 0), hit(3, 1), hit(4, 2), hit(5, 1)], 4000, 4000)
    assert sorted(one.at for one in window.hits) == [1000, 2000, 3000, 4000]


def test_what_is_missing_is_missing_to_the_end_of_the_span() -> None:
    missing = plan(type="temporal", rules=["a", "b"], condition="a and not b")
    assert anchors(missing, hit(0, 0), hit(SPAN, 1)) == []
    assert anchors(missing, hit(0, 0), hit(SPAN + 0.001, 1), hit(-1, 1)) == [0]

    either = plan(type="temporal", rules=["a", "b", "c"], condition="(a and not b) or (b and c)")
    assert anchors(either, hit(0, 0), hit(1, 1), hit(2, 2)) == [2]
    assert anchors(either, hit(0, 0), hit(2, 2)) == [0]
    order = plan(type="temporal_ordered", rules=["a", "b", "c"], condition="a and b and not c")
    assert anchors(order, hit(0, 1), hit(1, 0)) == []
    assert anchors(order, hit(0, 0), hit(1, 1)) == [0]


@each(
    "said",
    [
        {"condition": {"gte": 3}},
        {"type": "value_count", "condition": {"gte": 2, "field": "x"}},
        {"type": "temporal_ordered", "rules": ["a", "b"]},
        {"type": "temporal", "rules": ["a", "b"], "condition": "a or b"},
        {"type": "value_sum", "condition": {"gte": 4, "field": "x"}},
    ],
)
def test_what_holds_at_once_is_never_taken_back_by_what_comes_later(said) -> None:
    made, random = plan(**said), Random(7)
    assert not made.settled
    for _ in range(40):
        hits = [
            hit(random.randrange(0, 2000, 100), random.randrange(len(made.slots)), number, str(random.randrange(3)))
            for number in range(12)
        ]
        known: dict[int, frozenset[Seen]] = {}
        for count in range(len(hits) + 1):
            found = {window.anchor: window.hits for window in holding(made, hits[:count], 0, 10**9)}
            assert all(evidence <= found.get(anchor, frozenset[Seen]()) for anchor, evidence in known.items())
            known = found
