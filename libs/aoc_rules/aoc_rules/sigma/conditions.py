"""pySigma's condition tree as nodes that a record can be asked by."""

from __future__ import annotations

import operator
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
)

from aoc_rules.sigma import literals, regexes
from aoc_rules.sigma.networks import Networks
from aoc_rules.sigma.nodes import ANYWHERE, And, Node, Not, Or
from aoc_rules.sigma.patterns import ANY, Kind, Pattern, parts_of, pattern
from aoc_rules.sigma.text_sets import TextSet
from aoc_rules.sigma.texts import fold, scalar_text
from aoc_rules.sigma.value_tests import (
    OPERATORS,
    Compares,
    Exists,
    FitsListedRegex,
    FitsRegex,
    InNetwork,
    IsListed,
    IsNull,
    IsText,
    LikeField,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sigma.types import SigmaType

    from aoc_rules.sigma.fields import Field, FieldTable
    from aoc_rules.sigma.patterns import Parts

_FLAGS: Final = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}


class Uncompilable(ValueError):  # noqa: N818  # the reason is the message
    """A value that cannot be made into a test; the message says which and why."""


def compiled(tree: Any, table: FieldTable) -> Node:
    """The node of a condition tree, its fields found by a table. Raises `Uncompilable`."""
    match tree:
        case ConditionNOT():
            return Not(compiled(tree.args[0], table))
        case ConditionAND():
            return And(tuple(compiled(part, table) for part in tree.args))
        case ConditionOR():
            return _any_of(tree.args, table)
        case ConditionFieldEqualsValueExpression():
            return _any_value(tree.field, [tree.value], table)
        case ConditionValueExpression():
            return _any_value(None, [tree.value], table)
    raise Uncompilable(f"a condition with a {type(tree).__name__}")


def _any_of(parts: Iterable[Any], table: FieldTable) -> Node:
    """Alternatives; those that ask for one field make one test."""
    values: defaultdict[str | None, list[SigmaType]] = defaultdict(list)
    nodes: list[Node] = []
    for part in parts:
        if isinstance(part, ConditionFieldEqualsValueExpression):
            values[part.field].append(part.value)
        elif isinstance(part, ConditionValueExpression):
            values[None].append(part.value)
        else:
            nodes.append(compiled(part, table))
    nodes.extend(_any_value(name, held, table) for name, held in values.items())
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))


def _any_value(name: str | None, values: list[SigmaType], table: FieldTable) -> Node:
    """One of some values of one field, or of the whole record (`name` None)."""
    shown = ANYWHERE if name is None else name
    field = None if name is None else table.field(name)
    patterns: list[Pattern] = []
    networks: list[Any] = []
    nodes: list[Node] = []
    for value in _expanded(values):
        if isinstance(value, SigmaCIDRExpression):
            networks.append(value.network)
        elif isinstance(value, SigmaString | SigmaNumber | SigmaBool) and not _is_special(value):
            patterns.append(_pattern(value, keyword=field is None))
        else:
            nodes.append(_test(shown, field, value, table))
    for cased in (False, True):
        texts = [one for one in patterns if one.cased is cased]
        if texts:
            nodes.append(IsText(shown, field, TextSet.of(texts)))
    if networks:
        nodes.append(InNetwork(shown, field, Networks(networks)))
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))


def _expanded(values: Iterable[SigmaType]) -> Iterator[SigmaType]:
    """Values; those that a modifier made of one (`windash`, `base64offset`) as alternatives."""
    for value in values:
        if isinstance(value, SigmaExpansion):
            yield from _expanded(value.values)
        else:
            yield value


def _is_special(value: SigmaType) -> bool:
    return isinstance(value, SigmaTimestampPart) or (isinstance(value, SigmaString) and value.contains_placeholder())


def _pattern(value: SigmaType, *, keyword: bool) -> Pattern:
    if isinstance(value, SigmaNumber):
        return Pattern(Kind.WHOLE, scalar_text(value.number) or "")
    if isinstance(value, SigmaBool):
        return Pattern(Kind.WHOLE, "true" if value.boolean else "false")
    if not isinstance(value, SigmaString):
        raise Uncompilable(f"a value of type {type(value).__name__}")
    cased = isinstance(value, SigmaCasedString)
    try:
        return pattern(_searched_anywhere(parts_of(value)) if keyword else parts_of(value), cased=cased)
    except regexes.RegexError as error:
        raise Uncompilable(str(error)) from None


def _searched_anywhere(parts: Parts) -> Parts:
    """A keyword's text: it may stand anywhere in a value."""
    return (*(() if parts[:1] == (ANY,) else (ANY,)), *parts, *(() if parts[-1:] == (ANY,) else (ANY,)))


def _test(name: str, field: Field | None, value: SigmaType, table: FieldTable) -> Node:  # noqa: PLR0911  # a table
    match value:
        case SigmaString():
            return _listed(name, field, value)
        case SigmaRegularExpression():
            return _regex(name, field, value)
        case SigmaNull():
            return IsNull(name, field)
        case SigmaExists():
            return Exists(name, field, value.exists)
        case SigmaCompareExpression():
            part = value.number.timestamp_part if isinstance(value.number, SigmaTimestampPart) else None
            return Compares(name, field, OPERATORS[value.op], value.number.number, part)
        case SigmaTimestampPart():
            return Compares(name, field, operator.eq, value.number, value.timestamp_part)
        case SigmaFieldReference():
            return LikeField(name, field, table.field(value.field), _kind(value))
    raise Uncompilable(f"a value of type {type(value).__name__}")


def _listed(name: str, field: Field | None, value: SigmaString) -> Node:
    parts = parts_of(value)
    template = _searched_anywhere(parts) if field is None else parts
    return IsListed(name, field, _list_name(parts), template, isinstance(value, SigmaCasedString))


def _list_name(parts: Parts) -> str:
    names = [part.name for part in parts if isinstance(part, Placeholder)]
    if len(names) != 1:
        raise Uncompilable(f"{len(names)} placeholders in one value ({', '.join(names)}); one is taken")
    return fold(names[0])


def _regex(name: str, field: Field | None, value: SigmaRegularExpression) -> Node:
    letters = "".join(sorted(_FLAGS[flag] for flag in value.flags))
    flags = f"(?{letters})" if letters else ""
    parts = parts_of(value.regexp)
    if any(isinstance(part, Placeholder) for part in parts):
        listed = _list_name(parts)
        at = next(at for at, part in enumerate(parts) if isinstance(part, Placeholder))
        return FitsListedRegex(name, field, listed, flags + _plain(parts[:at]), _plain(parts[at + 1 :]))
    pattern_text = _plain(parts)
    try:
        return FitsRegex(name, field, regexes.compiled(flags + pattern_text), fold(literals.required(pattern_text)))
    except regexes.RegexError as error:
        raise Uncompilable(str(error)) from None


def _plain(parts: Parts) -> str:
    """An expression's own text. `contains` and its like put wildcards around it, which pySigma keeps as `.` and `*`."""
    return "".join(part if isinstance(part, str) else "*" if part == ANY else "?" for part in parts)


def _kind(value: SigmaFieldReference) -> Kind:
    if value.starts_with and value.ends_with:
        return Kind.WITHIN
    if value.starts_with:
        return Kind.START
    return Kind.END if value.ends_with else Kind.WHOLE
