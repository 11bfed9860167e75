"""Records that were not understood, say no time or lost something are remarked by source, and doctor names one."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from aoc_cli.doctor.remarks import of_remarks
from aoc_collector.findings import Grade
from aoc_common.contracts.event import PackedEvent
from aoc_normalizer.write.data_quality import remarks

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def event(number: int, *tags: str, understood: bool = True) -> PackedEvent:
    return PackedEvent(
        UUID(int=number), "contoso", "import", 0, 6003, "x", b"", b"", 0, "", understood=understood, remarks=tags
    )


def test_what_tells_less_than_it_should_is_remarked_with_an_example_and_doctor_says_so() -> None:
    found = remarks(
        [
            (event(1, "no-time", understood=False), True),
            (event(2, understood=False), True),
            (event(3, "incomplete-record"), True),
            (event(4), True),
        ],
        NOW,
    )
    findings = of_remarks(found)

    counts = {one.kind: (one.source, one.count, one.example) for one in found}
    assert counts == {
        "no-time": ("import", 1, UUID(int=1)),
        "not-understood": ("import", 2, UUID(int=1)),
        "incomplete-record": ("import", 1, UUID(int=3)),
    }
    assert {one.grade for one in findings} == {Grade.WARN}
    text = " ".join(one.found for one in findings)
    assert "2 of import have a shape that no mapper knows" in text
    assert str(UUID(int=1)) in text
