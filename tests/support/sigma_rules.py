"""Rules for tests: a detection as a dict, compiled, and what of it an event matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.named_lists import NamedLists
from aoc_rules.sigma.reading import read_rule
from aoc_rules.sigma.ruleset import RuleSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_rules.sigma.rule import CompiledRule

#: Fields of the event itself, so that a test sees the matcher and no names of Microsoft's.
OCSF = {"product": "aoc", "service": "ocsf"}
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def text_of(detection: Mapping[str, Any], logsource: Mapping[str, str] = OCSF, **others: Any) -> str:
    """A rule as YAML."""
    rule = {"title": "A rule", "logsource": dict(logsource), "detection": dict(detection), **others}
    return yaml.dump(rule, Dumper=_DUMPER, allow_unicode=True)


def rule_of(detection: Mapping[str, Any], logsource: Mapping[str, str] = OCSF, **others: Any) -> CompiledRule:
    """A rule, compiled."""
    return compile_rule(read_rule(text_of(detection, logsource, **others), "rule.yml"))


def rule_on(search: Any, condition: str = "selection", **others: Any) -> CompiledRule:
    """A rule of one search."""
    return rule_of({"selection": search, "condition": condition}, **others)


def fires(rule: CompiledRule, event: Mapping[str, Any], lists: Mapping[str, Iterable[str]] | None = None) -> bool:
    """Whether an event matches a rule, by the index and by trying, which agree."""
    rules, named = RuleSet([rule]), NamedLists(lists)
    by_index, by_trying = rules.match(event, named), rules.match_each(event, named)
    assert by_index == by_trying
    return bool(by_index)
