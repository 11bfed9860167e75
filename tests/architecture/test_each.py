"""A test over a table tells each case that fails, and no other."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from each import each


def notes(group: pytest.ExceptionInfo[ExceptionGroup[Any]]) -> list[str]:
    return [note for error in group.value.exceptions for note in error.__notes__]


def test_every_case_runs_and_each_that_fails_is_named() -> None:
    seen = []

    @each(("left", "right"), [(1, 1), (1, 2), pytest.param(3, 4, id="far")])
    def test(left: int, right: int, fixture: str) -> None:
        seen.append((left, right, fixture))
        assert left == right

    assert list(inspect.signature(test).parameters) == ["fixture"]
    with pytest.raises(ExceptionGroup, match="2 cases of 3 of test") as failed:
        test(fixture="given")

    assert seen == [(1, 1, "given"), (1, 2, "given"), (3, 4, "given")]
    assert notes(failed) == ["case: (1, 2)", "case: far"]


def test_tables_can_stand_over_one_another_and_tests_can_wait() -> None:
    seen = []

    @each("letter", ["a", "b"], ids=str.upper)
    @each("number", range(2))
    async def test(letter: str, number: int) -> None:
        await asyncio.sleep(0)
        seen.append((letter, number))
        assert letter == "a" or number == 0

    with pytest.raises(ExceptionGroup, match="1 cases of 2 of test") as failed:
        asyncio.run(test())

    assert seen == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert notes(failed) == ["case: B"]


def test_a_table_that_is_not_the_tests_is_refused() -> None:
    with pytest.raises(TypeError, match="has no parameters other"):
        each("other", [1])(lambda value: value)
    with pytest.raises(TypeError, match="case 0 has marks"):
        each("value", [pytest.param(1, marks=pytest.mark.slow)])
    with pytest.raises(ValueError, match="shorter"):
        each(("left", "right"), [(1,)])
