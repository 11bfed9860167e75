"""A test over a table tells each case that fails, and no other."""

from __future__ import annotations

import asyncio
import inspect
from contextvars import ContextVar
from typing import Any

import pytest

from each import each


def notes(group: pytest.ExceptionInfo[BaseExceptionGroup[Any]]) -> list[str]:
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


def test_a_case_in_which_nothing_is_raised_or_that_skips_is_named_and_the_others_run() -> None:
    seen = []

    @each("value", [1, 2, 3, 4])
    def test(value: int) -> None:
        seen.append(value)
        if value == 1:
            with pytest.raises(KeyError):
                pass
        if value == 3:
            pytest.skip("not today")
        assert value != 4

    with pytest.raises(BaseExceptionGroup, match="3 cases of 4 of test") as failed:
        test()

    assert seen == [1, 2, 3, 4]
    assert notes(failed) == ["case: 1", "case: 3", "case: 4"]


def test_all_cases_that_fail_are_named_however_many_they_are() -> None:
    @each("value", range(12))
    def test(value: int) -> None:
        assert value < 0

    with pytest.raises(ExceptionGroup, match="12 cases of 12 of test") as failed:
        test()

    assert notes(failed) == [f"case: {number}" for number in range(10)]
    assert failed.value.__notes__ == ["cases that are not shown: 10, 11"]


async def test_what_a_case_leaves_in_its_context_no_other_one_finds() -> None:
    left: ContextVar[int] = ContextVar("left", default=0)
    found = []

    @each("value", [1, 2])
    def test(value: int) -> None:
        found.append(left.get())
        left.set(value)

    @each("value", [1, 2])
    async def waiting(value: int) -> None:
        found.append(left.get())
        left.set(value)

    test()
    await waiting()

    assert found == [0, 0, 0, 0]
    with pytest.raises(TypeError, match="takes monkeypatch: a case would find"):
        each("value", [1])(lambda value, monkeypatch: (value, monkeypatch))


def test_a_table_that_is_not_the_tests_is_refused() -> None:
    with pytest.raises(ValueError, match="no case of value"):
        each("value", [])
    with pytest.raises(TypeError, match="has no parameters other"):
        each("other", [1])(lambda value: value)
    with pytest.raises(TypeError, match="case 0 has marks"):
        each("value", [pytest.param(1, marks=pytest.mark.slow)])
    with pytest.raises(ValueError, match="shorter"):
        each(("left", "right"), [(1,)])
