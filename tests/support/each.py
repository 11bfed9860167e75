"""Many cases of one table in one test.

`@each(names, cases)` stands where `@pytest.mark.parametrize` could, and takes the same. It costs a test, not a test a
case: a run of the whole suite has thousands of cases whose own work is less than what pytest spends on each. It is for
cases that need no fixture of their own: what a test is given lives as long as the test, so fixtures that keep what a
case leaves in them are refused; context variables are each case's own. All cases run; those that fail are raised
together, each with its values. A table without cases, which would prove nothing, is refused, and so is a case that
skips: it would hide the others.
"""

from __future__ import annotations

import asyncio
import inspect
from contextvars import copy_context
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

type Test = Callable[..., Any]

#: How a case fails. What `pytest.raises`, `pytest.fail` and `pytest.skip` raise is no `Exception`.
_FAILS: Final = (Exception, pytest.fail.Exception, pytest.skip.Exception)
#: Fixtures of pytest that are made afresh for each test, since tests leave something in them.
_OF_ONE_TEST: Final = frozenset({"capfd", "caplog", "capsys", "monkeypatch", "recwarn", "tmp_path"})
#: Failures that are shown; of the others, the names are told.
_SHOWN: Final = 10
_LONGEST_NAME: Final = 300


def each(names: str | Sequence[str], cases: Iterable[Any], ids: Any = None) -> Callable[[Test], Test]:
    """Run a test for each of the cases, values of the parameters `names`. `ids`: the cases' names, or a function."""
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    rows = list(_rows(wanted, isinstance(names, str), cases, ids))
    if not rows:
        raise ValueError(f"no case of {', '.join(wanted)}")

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)
        rest = [parameter for name, parameter in signature.parameters.items() if name not in wanted]
        _check(test.__name__, wanted, signature, rest)

        @wraps(test)
        def run(**fixtures: Any) -> None:
            failures = _Failures(test.__name__, len(rows))
            for name, values in rows:
                try:
                    copy_context().run(test, **fixtures, **values)
                except _FAILS as error:
                    failures.add(name, error)
            failures.tell()

        @wraps(test)
        async def run_async(**fixtures: Any) -> None:
            failures = _Failures(test.__name__, len(rows))
            for name, values in rows:
                try:
                    await asyncio.create_task(test(**fixtures, **values))
                except _FAILS as error:
                    failures.add(name, error)
            failures.tell()

        chosen: Any = run_async if inspect.iscoroutinefunction(test) else run
        chosen.__signature__ = signature.replace(parameters=rest)
        return cast("Test", chosen)

    return decorate


def _check(test: str, wanted: Sequence[str], signature: inspect.Signature, rest: Sequence[inspect.Parameter]) -> None:
    if len(rest) + len(wanted) != len(signature.parameters):
        raise TypeError(f"{test} has no parameters {', '.join(wanted)}")
    if kept := _OF_ONE_TEST.intersection(parameter.name for parameter in rest):
        raise TypeError(f"{test} takes {', '.join(sorted(kept))}: a case would find what others left there")


def _rows(names: Sequence[str], as_text: bool, cases: Iterable[Any], ids: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cases' names and their values by parameter."""
    alone = as_text and len(names) == 1
    named = None if ids is None or callable(ids) else list(ids)
    for number, case in enumerate(cases):
        # A case may be a `pytest.param`; one with marks is a test of its own.
        if getattr(case, "marks", ()):
            raise TypeError(f"case {number} has marks")
        values = case.values if hasattr(case, "marks") else (case,) if alone else tuple(case)
        if callable(ids):
            name = "-".join(str(ids(value)) for value in values)
        elif named is not None:
            name = str(named[number])
        else:
            name = getattr(case, "id", None) or repr(values[0] if alone else values)
        yield name, dict(zip(names, values, strict=True))


class _Failures:
    def __init__(self, test: str, cases: int) -> None:
        self._what = f"cases of {cases} of {test}"
        self._errors: list[BaseException] = []
        self._beyond: list[str] = []

    def add(self, name: str, error: BaseException) -> None:
        name = name[:_LONGEST_NAME]
        if len(self._errors) == _SHOWN:
            self._beyond.append(name)
            return
        error.add_note(f"case: {name}")
        self._errors.append(error)

    def tell(self) -> None:
        """Raise what was added, if anything."""
        if not self._errors:
            return
        group = BaseExceptionGroup(f"{len(self._errors) + len(self._beyond)} {self._what}", self._errors)
        if self._beyond:
            group.add_note(f"cases that are not shown: {', '.join(self._beyond)}")
        raise group
