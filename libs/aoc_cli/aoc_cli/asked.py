"""What the arguments and options of a command ask for: words, fields and times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from aoc_cli.case_time import AskedTime
from aoc_common.contracts.query import grammar
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_cli.case_time import Bounds
    from aoc_common.contracts.query.filters import Clause, Field
    from aoc_common.contracts.query.grammar import Asked

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN: Final = re.compile(r"(\d{1,6})([mhdw])")


def asked_by(text: str, **options: str | None) -> list[Asked]:
    """What is asked for by a query and by options, each named after its field."""
    named: list[Asked] = [
        (f"--{field}", cast("Field", field), value) for field, value in options.items() if value is not None
    ]
    return [("TEXT", "text", text), *named] if text.strip() else named


def clauses(asked: Sequence[Asked], *, deep: bool = False) -> tuple[Clause, ...]:
    """What options ask for; `deep`: in the records themselves as well.

    Raises `BadConfiguration`, which names the option and the place where it cannot be read.
    """
    try:
        return (grammar.in_records(asked, ()) if deep else None) or grammar.clauses(asked)
    except grammar.QueryError as error:
        raise BadConfiguration(str(error)) from None


def moment(text: str | None, now: datetime, option: str) -> datetime | None:
    """A duration before `now` (`7d`) or an ISO time (UTC when it names no zone). Raises `BadConfiguration`."""
    if text is None:
        return None
    if span := _SPAN.fullmatch(text.strip()):
        try:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        except OverflowError:
            raise BadConfiguration(f"{option} {text!r}: that is before the year 1") from None
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadConfiguration(f"{option} {text!r}: expected a span like 90m, 24h, 7d, or an ISO time") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def asked_time(since: str | None, until: str | None) -> AskedTime:
    """What the two options mean. Its `bounds` raise `BadConfiguration`, which names the option that is wrong."""

    def bounds(now: datetime) -> Bounds:
        return moment(since, now, "--since"), moment(until, now, "--until")

    return AskedTime(bounds, relative=since is not None and _SPAN.fullmatch(since.strip()) is not None)
