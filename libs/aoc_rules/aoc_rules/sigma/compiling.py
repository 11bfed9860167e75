"""Rules as matchers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from sigma.exceptions import SigmaError
from sigma.types import Placeholder, SigmaExpansion, SigmaRegularExpression, SigmaString

from aoc_rules.sigma import conditions, log_sources
from aoc_rules.sigma.faults import Fault, RuleRefused
from aoc_rules.sigma.nodes import Node, Or
from aoc_rules.sigma.regexes import RegexError
from aoc_rules.sigma.rule import CompiledRule
from aoc_rules.sigma.texts import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sigma.filters import SigmaFilter
    from sigma.rule import SigmaRule

    from aoc_rules.sigma.fields import FieldTable


def compile_rule(rule: SigmaRule, filters: Iterable[SigmaFilter] = ()) -> CompiledRule:
    """A rule as matcher, with the filters that are for it. The rule itself stays as it is.

    Raises `RuleRefused` for a rule that cannot be matched, with the reasons.
    """
    title = rule.title or str(rule.id or "")
    try:
        filtered = copy.deepcopy(rule)
        for one in filters:
            one.apply_on_rule(filtered)
        trees = [condition.parse() for condition in filtered.detection.parsed_condition]
        covered = log_sources.of_rule(rule.logsource)
        made = {source: _condition(trees, source.fields) for source in covered}
        if not covered:  # checked all the same
            _condition(trees, log_sources.OCSF.fields)
    except (SigmaError, RegexError, conditions.Uncompilable, RecursionError) as error:
        raise RuleRefused([Fault(title, "detection", str(error)[:500] or type(error).__name__)]) from None
    return CompiledRule(
        id=str(rule.id or rule.name or title),
        title=title,
        level=rule.level.name.lower() if rule.level is not None else None,
        tags=tuple(str(tag) for tag in rule.tags),
        conditions=made,
        lists=frozenset(_lists(trees)),
        attributes=dict(rule.custom_attributes),
        sigma=filtered,
    )


def _condition(trees: list[Any], table: FieldTable) -> Node:
    """Several conditions of one rule are alternatives."""
    nodes = tuple(conditions.compiled(tree, table) for tree in trees)
    return nodes[0] if len(nodes) == 1 else Or(nodes)


def _lists(trees: list[Any]) -> Iterator[str]:
    """Names of the lists that conditions ask for."""
    pending = list(trees)
    while pending:
        one = pending.pop()
        if isinstance(one, SigmaExpansion):
            pending.extend(one.values)
        elif isinstance(one, SigmaRegularExpression):
            pending.append(one.regexp)
        elif isinstance(one, SigmaString):
            yield from (fold(part.name) for part in one.s if isinstance(part, Placeholder))
        elif hasattr(one, "value"):
            pending.append(one.value)
        elif hasattr(one, "args"):
            pending.extend(one.args)
