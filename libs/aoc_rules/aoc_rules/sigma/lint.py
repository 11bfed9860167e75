"""What is wrong with a rule that can be used: what it asks for and no record has, and what it does not mean.

Known without history: by the log source, its fields, the values that these can have, and the tenant's lists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.types import SigmaExists, SigmaNull, SigmaNumber, SigmaString

from aoc_rules.sigma import log_sources, vocabulary
from aoc_rules.sigma.fields import without_envelope
from aoc_rules.sigma.requirements import required
from aoc_rules.sigma.texts import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_rules.sigma.log_sources import LogSource
    from aoc_rules.sigma.named_lists import NamedLists
    from aoc_rules.sigma.rule import CompiledRule

_PLACEHOLDER: Final = re.compile(r"%[^%\s]+%")
#: How names of operations begin: with what is done, and to what. A name has one such beginning.
_OPERATION: Final = re.compile(r"(?i)(add|delete|remove|update|set|create|disable|enable|change|reset|invite)\s+\w+")
_JSON_PART: Final = re.compile(r'"\s*:\s*["\[{]')


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a rule that its author should know.

    `code`: one of `log-source`, `missing-list`, `unknown-field`, `unknown-value`, `stand-in`, `part-of-text`,
    `two-operations`, `placeholder`, `broad`, `never`. `place`: the field, or empty for the whole rule. `suggestion`:
    may be empty.
    """

    code: str
    place: str
    message: str
    suggestion: str = ""


def lint(rule: CompiledRule, lists: NamedLists | None = None) -> tuple[Finding, ...]:
    """Findings about a rule, each once. `lists`: a tenant's, to say which of those that the rule names are missing."""
    found = [*_lists(rule, lists), *_log_source(rule)]
    trees = [condition.parse() for condition in rule.sigma.detection.parsed_condition]
    sources = tuple(rule.conditions)
    for tree in trees:
        found.extend(_of_tree(tree, sources, negated=False))
        found.extend(_two_operations(tree))
    if sources and not any(_possible(tree, source) for tree in trees for source in sources):
        found.append(Finding("never", "", "this rule never fires: what it asks for is in no record of its log source"))
    if any(required(condition) is None for condition in rule.conditions.values()):
        message = "every record of the log source could match: the rule asks for nothing that a record must have"
        found.append(Finding("broad", "", message, "ask for an operation or another whole value as well"))
    return tuple(dict.fromkeys(found))


def never_fires(rule: CompiledRule) -> bool:
    """Whether no record can match, as far as is known without history."""
    return any(finding.code in {"log-source", "never"} for finding in lint(rule))


def _lists(rule: CompiledRule, lists: NamedLists | None) -> Iterator[Finding]:
    for name in sorted(rule.lists) if lists is not None else ():
        if lists is not None and lists.get(name) is None:
            message = f"the tenant has no list {name!r}: without it the rule does not match"
            yield Finding("missing-list", "", message, f"make the list {name!r}, empty if need be")


def _log_source(rule: CompiledRule) -> Iterator[Finding]:
    if not rule.conditions:
        source = rule.sigma.logsource
        named = ", ".join(
            f"{key} {value}"
            for key, value in (("category", source.category), ("product", source.product), ("service", source.service))
            if value
        )
        near = get_close_matches(f"{source.product}/{source.service}", log_sources.LOG_SOURCES, n=1)
        yield Finding(
            "log-source", "", f"no records here are of this log source ({named})", f"perhaps {near[0]}" if near else ""
        )


def _of_tree(tree: Any, sources: tuple[LogSource, ...], *, negated: bool) -> Iterator[Finding]:
    if isinstance(tree, ConditionFieldEqualsValueExpression):
        for source in sources:
            yield from _of_field(tree, source, negated=negated)
        yield from _of_value(tree)
    elif isinstance(tree, ConditionAND | ConditionOR | ConditionNOT):
        inverted = negated is not isinstance(tree, ConditionNOT)
        for part in tree.args:
            yield from _of_tree(part, sources, negated=inverted)


def _of_field(tree: ConditionFieldEqualsValueExpression, source: LogSource, *, negated: bool) -> Iterator[Finding]:
    step, known = _step(tree.field), vocabulary.FIELDS[source.name]
    if fold(step) not in known:
        near = get_close_matches(_letters(step), {_letters(name): name for name in known.values()}, n=1, cutoff=0.8)
        spelt = next((name for name in known.values() if near and _letters(name) == near[0]), "")
        if spelt or source.name not in vocabulary.OPEN:
            effect = "so this never excludes anything" if negated else "so this never matches"
            yield Finding(
                "unknown-field",
                tree.field,
                f"records of {source.name} have no field {step!r}, {effect}",
                _perhaps(spelt),
            )
    if not _can_have(tree, source):
        key = source.name, fold(without_envelope(tree.field))
        values = vocabulary.VALUES.get(key) or vocabulary.SPELLINGS[key]
        near = get_close_matches(str(tree.value), values, n=1, cutoff=0.6)
        yield Finding(
            "unknown-value",
            tree.field,
            f"{str(tree.value)[:100]!r} is never a value of this field in {source.name}",
            _perhaps(near[0] if near else "", values),
        )


def _perhaps(near: str, values: tuple[str, ...] = ()) -> str:
    if near:
        return f"perhaps {near!r}"
    return f"values are {', '.join(dict.fromkeys(value.casefold() for value in values))}" if values else ""


def _of_value(tree: ConditionFieldEqualsValueExpression) -> Iterator[Finding]:
    text = whole_text(tree.value)
    if text is None:
        return
    if fold(text) in vocabulary.STAND_INS:
        message = f"{text!r} stands for a value of your own: no record has it"
        yield Finding(
            "stand-in", tree.field, message, "name a list of the tenant (`|expand: '%list%'`), or leave it out"
        )
    if _PLACEHOLDER.fullmatch(text):
        message = f"{text!r} is a plain text here: only `|expand` makes a list of it"
        yield Finding("placeholder", tree.field, message, f"{tree.field}|expand: {text!r}")
    if _is_part(tree.field, text):
        message = "this reads like a part of a record's JSON, but is compared with the whole of an operation's name"
        yield Finding("part-of-text", tree.field, message, "TargetResources.modifiedProperties|contains")


def _is_part(field: str, text: str) -> bool:
    return _JSON_PART.search(text) is not None and fold(without_envelope(field)) in vocabulary.OPERATIONS


def _possible(tree: Any, source: LogSource) -> bool:
    """Whether a record of the log source could fulfil a condition; an opposite is always held to be possible."""
    if isinstance(tree, ConditionAND):
        return not any(_two_operations(tree)) and all(_possible(part, source) for part in tree.args)
    if isinstance(tree, ConditionOR):
        return any(_possible(part, source) for part in tree.args)
    if not isinstance(tree, ConditionFieldEqualsValueExpression):
        return True
    if isinstance(tree.value, SigmaNull) or (isinstance(tree.value, SigmaExists) and not tree.value.exists):
        return True
    closed = source.name not in vocabulary.OPEN
    if closed and fold(_step(tree.field)) not in vocabulary.FIELDS[source.name]:
        return False
    text = whole_text(tree.value)
    stand_in = text is not None and (fold(text) in vocabulary.STAND_INS or _is_part(tree.field, text))
    return not stand_in and _can_have(tree, source)


def _can_have(tree: ConditionFieldEqualsValueExpression, source: LogSource) -> bool:
    key, text = (source.name, fold(without_envelope(tree.field))), whole_text(tree.value)
    if text is None:
        return True
    if key in vocabulary.VALUES:
        return fold(text) in map(fold, vocabulary.VALUES[key])
    alike = [value for value in vocabulary.SPELLINGS.get(key, ()) if _letters(value) == _letters(text)]
    return not alike or fold(text) in map(fold, alike)


def _operations(tree: Any) -> dict[str, list[str]]:
    """Names of operations that a condition wants to be within one value, by field: all of them at once."""
    wanted: dict[str, list[str]] = {}
    for part in tree.args if isinstance(tree, ConditionAND) else ():
        for field, names in _operations(part).items():
            wanted.setdefault(field, []).extend(names)
        if isinstance(part, ConditionFieldEqualsValueExpression) and isinstance(part.value, SigmaString):
            text = "".join(piece for piece in part.value.s if isinstance(piece, str)).strip()
            if fold(without_envelope(part.field)) in vocabulary.OPERATIONS and _OPERATION.match(text):
                wanted.setdefault(part.field, []).append(text)
    return {field: list(dict.fromkeys(names)) for field, names in wanted.items()}


def _two_operations(tree: Any) -> Iterator[Finding]:
    for field, wanted in _operations(tree).items():
        names = [name for name in wanted if not any(fold(name) in fold(other) and name != other for other in wanted)]
        if len(names) > 1:
            message = f"no operation is {' and '.join(map(repr, names))} at once: a record tells of one"
            yield Finding("two-operations", field, message, "make two rules, and a correlation of them")


def whole_text(value: Any) -> str | None:
    """The text that a value has to be; None for patterns and other tests."""
    if isinstance(value, SigmaNumber):
        return str(value.number)
    if not isinstance(value, SigmaString) or value.contains_special() or value.contains_placeholder():
        return None
    return "".join(part for part in value.s if isinstance(part, str))


def _step(field: str) -> str:
    return without_envelope(field).partition(".")[0]


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
