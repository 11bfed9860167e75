"""What an event must have for a rule to match: the words by which the index finds the rules that could.

A requirement is a set of marks of which at least one is in every event that the condition holds for. The index may give
too many rules, never too few: what is not certain is no requirement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from aoc_rules.sigma.nodes import And, Or, Test
from aoc_rules.sigma.patterns import Kind
from aoc_rules.sigma.texts import fold
from aoc_rules.sigma.value_tests import Exists, FitsRegex, IsNull, IsText

if TYPE_CHECKING:
    from aoc_rules.sigma.fields import Field
    from aoc_rules.sigma.nodes import Node


class Sort(Enum):
    """How a mark is found in an event."""

    WHOLE = "a value of the field is this text"
    PART = "a value of the field has this text within"
    PRESENT = "the event has the field"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that an event has or lacks. `field`: None for any value of the record; `text`: without case."""

    sort: Sort
    field: Field | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Marks of which a matching event has one. `share`: a guess at how many events have one, to choose by."""

    marks: frozenset[Mark]
    share: float


#: Fields of which a value is nothing special, by their last step without case.
_COMMON: Final = frozenset(
    {
        "activity_id", "category", "category_uid", "class_uid", "eventsource", "errorcode", "errornumber", "recordtype",
        "result", "resultstatus", "resulttype", "risklevel", "riskstate", "service", "severity", "severity_id",
        "status", "status_code", "status_id", "type", "type_uid", "userid", "usertype", "version", "workload",
        "conditionalaccessstatus", "authenticationrequirement", "isinteractive", "loggedbyservice", "product",
    }
)  # fmt: skip
_RARE_SHARE: Final = 0.01
_COMMON_SHARE: Final = 0.4
_PART_SHARE: Final = 0.03
_SHORT: Final = 3
_PRESENT_SHARE: Final = 0.9


def required(node: Node) -> Requirement | None:
    """What a condition requires; None where it may hold for an event without any mark."""
    if isinstance(node, And):
        every = [one for part in node.nodes if (one := required(part)) is not None]
        return min(every, key=lambda one: one.share, default=None)
    if isinstance(node, Or):
        found = [required(part) for part in node.nodes]
        known = [one for one in found if one is not None]
        if len(known) < len(found) or not known:
            return None
        return Requirement(frozenset().union(*(one.marks for one in known)), sum(one.share for one in known))
    return _of_test(node) if isinstance(node, Test) else None


def _of_test(test: Test) -> Requirement | None:
    marks: list[Mark] | None = None
    if isinstance(test, IsText):
        marks = _of_texts(test)
    elif isinstance(test, FitsRegex) and test.literal:
        marks = [Mark(Sort.PART, test.field, test.literal)]
    elif isinstance(test, IsNull) or (isinstance(test, Exists) and not test.wanted):
        return None
    if marks is None:
        if test.field is None:
            return None
        marks = [Mark(Sort.PRESENT, test.field)]
    common = test.name.rpartition(".")[2].casefold() in _COMMON
    return Requirement(frozenset(marks), sum(_share(mark, common=common) for mark in marks))


def _of_texts(test: IsText) -> list[Mark] | None:
    patterns = test.texts.every
    if any(one.kind is not Kind.WHOLE and not one.text for one in patterns):
        return None
    if test.field is None:
        return [Mark(Sort.PART, None, fold(one.text)) for one in patterns]
    return [Mark(Sort.WHOLE if one.kind is Kind.WHOLE else Sort.PART, test.field, fold(one.text)) for one in patterns]


def _share(mark: Mark, *, common: bool) -> float:
    if mark.sort is Sort.PRESENT:
        return _PRESENT_SHARE
    if mark.sort is Sort.WHOLE:
        return _COMMON_SHARE if common else _RARE_SHARE
    return _PART_SHARE if len(mark.text) > _SHORT else _COMMON_SHARE
