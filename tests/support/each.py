"""Many cases of one table in one test.

`@each(names, cases)` stands where `@pytest.mark.parametrize` could, and takes the same. It costs a test, not a test a
case: a run of the whole suite has thousands of cases whose own work is less than what pytest spends on each. It is for
cases that need no fixture of their own: what a test is given lives as long as the test. All cases run; those that fail
are raised together, each with its values.
"""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

type Test = Callable[..., Any]

#: Failures that are shown; the rest is counted.
_SHOWN: Final = 10
_LONGEST_NAME: Final = 300


def each(names: str | Sequence[str], cases: Iterable[Any], ids: Any = None) -> Callable[[Test], Test]:
    """Run a test for each of the cases, values of the parameters `names`. `ids`: the cases' names, or a function."""
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    rows = list(_rows(wanted, isinstance(names, str), cases, ids))

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)
        rest = [parameter for name, parameter in signature.parameters.items() if name not in wanted]
        if len(rest) + len(wanted) != len(signature.parameters):
            raise TypeError(f"{test.__name__} has no parameters {', '.join(wanted)}")

        @wraps(test)
        def run(**fixtures: Any) -> None:
            failures = _Failures(test.__name__, len(rows))
            for name, values in rows:
                try:
                    test(**fixtures, **values)
                except Exception as error:  # noqa: BLE001  # raised below
                    failures.add(name, error)
            failures.tell()

        @wraps(test)
        async def run_async(**fixtures: Any) -> None:
            failures = _Failures(test.__name__, len(rows))
            for name, values in rows:
                try:
                    await test(**fixtures, **values)
                except Exception as error:  # noqa: BLE001  # raised below
                    failures.add(name, error)
            failures.tell()

        chosen: Any = run_async if inspect.iscoroutinefunction(test) else run
        chosen.__signature__ = signature.replace(parameters=rest)
        return cast("Test", chosen)

    return decorate


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
        self._errors: list[Exception] = []

    def add(self, name: str, error: Exception) -> None:
        error.add_note(f"case: {name[:_LONGEST_NAME]}")
        self._errors.append(error)

    def tell(self) -> None:
        """Raise what was added, if anything."""
        if self._errors:
            raise ExceptionGroup(f"{len(self._errors)} {self._what}", self._errors[:_SHOWN])
