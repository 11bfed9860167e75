"""How defects are counted, and when a service is called broken."""

from __future__ import annotations

from aoc_common.bus.defects import Defects, Recent
from manual_clock import ManualClock


def judged(*messages: tuple[str, bool], time: ManualClock | None = None) -> Recent:
    recent = Recent(time or ManualClock())
    for number, (tenant, failed) in enumerate(messages):
        recent.note(("AOC_RAW", number), tenant, failed=failed)
    return recent


def test_a_message_that_is_done_with_begins_anew() -> None:
    defects = Defects()
    counts = [defects.add(("s", 1)), defects.add(("s", 1)), defects.add(("t", 1))]
    defects.forget(("s", 1))

    assert counts == [1, 2, 1]
    assert defects.add(("s", 1)) == 1


def test_the_memory_of_defects_is_bounded_and_forgets_the_oldest() -> None:
    defects = Defects()
    for number in range(10_001):
        defects.add(("s", number))

    assert len(defects._counts) == 10_000
    assert defects.add(("s", 0)) == 1


def test_nineteen_failing_messages_prove_nothing_and_twenty_do() -> None:
    assert judged(*[("contoso", True)] * 19).trouble() is None
    assert judged(*[("contoso", True)] * 20).trouble() == "fails at 20 of the last 20 messages, of 1 of 1 tenants"


def test_a_message_that_fails_again_and_again_is_one_message() -> None:
    recent = Recent(ManualClock())
    for _ in range(100):
        recent.note(("AOC_RAW", 1), "contoso", failed=True)

    assert recent.trouble() is None


def test_a_service_is_well_when_more_than_a_tenth_succeeds() -> None:
    assert judged(*[("contoso", True)] * 18, *[("contoso", False)] * 2).trouble() is not None
    assert judged(*[("contoso", True)] * 17, *[("contoso", False)] * 3).trouble() is None


def test_one_message_of_another_tenant_that_succeeds_shows_whose_fault_it_is() -> None:
    assert judged(*[("poison", True)] * 500, ("contoso", False)).trouble() is None


def test_what_is_older_than_a_minute_counts_no_more() -> None:
    time = ManualClock()
    recent = judged(*[("contoso", True)] * 20, time=time)
    time.advance(59)
    early = recent.trouble()
    time.advance(2)

    assert early is not None
    assert recent.trouble() is None
    assert not recent._seen
    assert not recent._failing


def test_the_memory_of_what_was_judged_is_bounded() -> None:
    recent = judged(*[(f"t{number}", False) for number in range(5_000)])

    assert len(recent._messages) == len(recent._seen) == 2_000
