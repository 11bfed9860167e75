"""YAML as rules and filters, checked. What is wrong is said for every document, with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule
from sigma.rule.detection import SigmaDetectionItem

from aoc_rules.sigma import bounds, spellings
from aoc_rules.sigma.faults import Fault, RuleRefused
from aoc_rules.sigma.regexes import POLICY, RegexError
from aoc_rules.sigma.yaml_documents import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Documents that change those that follow: an old way, which hides what a rule is.
_ACTIONS: Final = "the key `action` (documents for all others) is not taken: write each rule in full"


#: Characters of a reason. What pySigma says has the value in the middle, and what is wrong at the end.
_MOST_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file has. `faults`: why its other documents cannot be used."""

    rules: tuple[SigmaRule, ...]
    filters: tuple[SigmaFilter, ...]
    correlations: tuple[SigmaCorrelationRule, ...]
    faults: tuple[Fault, ...]


def read(text: str | bytes, name: str) -> Reading:
    """The rules, filters and correlations of a file.

    `name`: what it is called, for faults. Filters are not applied: that is for `compiling.compile_rule`. Raises
    `RuleRefused` for a file of which nothing can be read.
    """
    made: list[SigmaRule | SigmaFilter | SigmaCorrelationRule] = []
    faults: list[Fault] = []
    for number, document in enumerate(documents(text, name), 1):
        title = _title(document, name, number)
        found = list(_faults(document, title))
        if not found:
            one, found = _parsed(document, title)
            made.extend(one)
        faults.extend(found)
    return Reading(
        tuple(one for one in made if isinstance(one, SigmaRule)),
        tuple(one for one in made if isinstance(one, SigmaFilter)),
        tuple(one for one in made if isinstance(one, SigmaCorrelationRule)),
        tuple(faults),
    )


def read_rule(text: str | bytes, name: str) -> SigmaRule:
    """The one rule of a text. Raises `RuleRefused` also where it has faults, or is not just one rule."""
    reading = _sound(text, name)
    if len(reading.rules) != 1 or reading.filters or reading.correlations:
        raise RuleRefused([Fault(name, "", "expected one rule, and nothing else")])
    return reading.rules[0]


def read_stored(text: str | bytes, name: str) -> tuple[SigmaRule | SigmaCorrelationRule, tuple[SigmaRule, ...]]:
    """What a text is about, and the rules beside it: one rule, or one correlation with rules that it names.

    Raises `RuleRefused` for any other.
    """
    reading = _sound(text, name)
    if reading.filters or len(reading.correlations) > 1 or (not reading.correlations and len(reading.rules) != 1):
        raise RuleRefused([Fault(name, "", "expected one rule, or one correlation with the rules that it names")])
    if reading.correlations:
        return reading.correlations[0], reading.rules
    return reading.rules[0], ()


def _sound(text: str | bytes, name: str) -> Reading:
    reading = read(text, name)
    if reading.faults:
        raise RuleRefused(reading.faults)
    return reading


def _title(document: dict[str, Any], name: str, number: int) -> str:
    for key in ("title", "id", "name"):
        if isinstance(document.get(key), str) and document[key].strip():
            return str(document[key])[:200]
    return f"{name}, document {number}"


def _parsed(
    document: dict[str, Any], title: str
) -> tuple[list[SigmaRule | SigmaFilter | SigmaCorrelationRule], list[Fault]]:
    respelt = spellings.respelt(document)
    try:
        collection = SigmaCollection.from_dicts(
            [respelt], collect_errors=True, collect_filters=True, resolve_references=False, policy=POLICY
        )
    except (SigmaError, RegexError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        # pySigma raises its own errors for what it foresees, and Python's for other shapes.
        return [], [Fault(title, "", _words(error))]
    if collection.errors:
        return [], [Fault(title, _place_of(error), _words(error)) for error in collection.errors]
    made = [*collection.rules, *collection.filters]
    faults = [fault for one in made for fault in _condition_faults(one, title)]
    return ([] if faults else made), faults


def _place_of(error: BaseException) -> str:
    name = type(error).__name__.removeprefix("Sigma").removesuffix("Error").lower()
    return {"condition": "detection.condition", "detection": "detection", "logsource": "logsource"}.get(name, "")


def _words(error: BaseException) -> str:
    text = str(error) if isinstance(error, SigmaError | RegexError) else f"{type(error).__name__}: {error}"
    return text if len(text) <= _MOST_WORDS else f"{text[: _MOST_WORDS // 2]} ... {text[-_MOST_WORDS // 2 :]}"


def _condition_faults(rule: SigmaRule | SigmaFilter | SigmaCorrelationRule, title: str) -> Iterator[Fault]:
    """Conditions are read when they are asked for: here, so that a fault is found when the rule comes."""
    if isinstance(rule, SigmaCorrelationRule):
        return
    section, detection = ("filter", rule.filter) if isinstance(rule, SigmaFilter) else ("detection", rule.detection)
    for condition in detection.parsed_condition:
        try:
            tree = condition.parse()
        except (SigmaError, RegexError, RecursionError) as error:
            yield Fault(title, f"{section}.condition", _words(error))
        else:
            if tree is None:
                yield Fault(title, f"{section}.condition", "nothing is left to match")


def _faults(document: dict[str, Any], title: str) -> Iterator[Fault]:
    """What is beyond a bound, and every value that pySigma does not take, with its place."""
    if "action" in document:
        yield Fault(title, "action", _ACTIONS)
        return
    if isinstance(correlation := document.get("correlation"), dict):
        yield from _condition_bounds(correlation.get("condition"), "correlation.condition", title)
    for section in ("detection", "filter"):
        content = document.get(section)
        if not isinstance(content, dict):
            continue
        yield from _condition_bounds(content.get("condition"), f"{section}.condition", title)
        count = patterns = 0
        for name, search in content.items():
            if name in {"condition", "rules"}:
                continue
            for place, key, value in _items(search, f"{section}.{name}"):
                values = value if isinstance(value, list) else [value]
                count += len(values)
                patterns += len(values) if _is_pattern(key, values) else 0
                yield from _item_faults(place, key, values, title)
        if count > bounds.VALUES:
            yield Fault(title, section, _too_many(count, bounds.VALUES, "values"))
        if patterns > bounds.PATTERNS:
            yield Fault(title, section, _too_many(patterns, bounds.PATTERNS, "values that are no whole texts"))


def _too_many(count: int, limit: int, what: str) -> str:
    return f"{count:,} {what}; at most {limit:,} are taken: a named list (`|expand`) holds more"


def _is_pattern(key: str | None, values: list[Any]) -> bool:
    if key is None:
        return True
    modifiers = set(key.split("|")[1:])
    return bool(modifiers - {"all", "cased", "neq", "wide", "base64", "utf16le", "utf16be", "utf16"}) or any(
        isinstance(value, str) and ("*" in value or "?" in value) for value in values
    )


def _condition_bounds(condition: Any, place: str, title: str) -> Iterator[Fault]:
    for one in condition if isinstance(condition, list) else [condition]:
        if not isinstance(one, str):
            continue  # pySigma says what is missing
        depth = deepest = 0
        for char in one:
            depth += (char == "(") - (char == ")")
            deepest = max(deepest, depth)
        if len(one) > bounds.CONDITION_LENGTH:
            yield Fault(title, place, f"{len(one):,} characters; at most {bounds.CONDITION_LENGTH:,} are taken")
        if deepest > bounds.CONDITION_DEPTH:
            yield Fault(title, place, f"brackets {deepest} deep; at most {bounds.CONDITION_DEPTH} are taken")


def _items(search: Any, place: str) -> Iterator[tuple[str, str | None, Any]]:
    """The fields of a search with their values: place, field with its modifiers, value."""
    if isinstance(search, dict):
        for key, value in search.items():
            yield f"{place}.{key}", str(key), value
    elif isinstance(search, list) and any(isinstance(item, dict | list) for item in search):
        for number, item in enumerate(search):
            yield from _items(item, f"{place}[{number}]")
    else:
        yield place, None, search


def _item_faults(place: str, key: str | None, values: list[Any], title: str) -> Iterator[Fault]:
    long = next((value for value in values if isinstance(value, str) and len(value) > bounds.VALUE_LENGTH), None)
    if long is not None:
        yield Fault(title, place, f"a value of {len(long):,} characters; at most {bounds.VALUE_LENGTH:,} are taken")
        return
    if key is not None and "cidr" in key.split("|")[1:] and any(not isinstance(value, str) for value in values):
        yield Fault(title, place, "a network is a text, as '192.0.2.0/24'")
        return
    try:
        SigmaDetectionItem.from_mapping(spellings.modifiers(key), values, policy=POLICY)
    except (SigmaError, RegexError) as error:
        yield Fault(title, place, _words(error))
    except (ValueError, TypeError, AttributeError) as error:
        yield Fault(title, place, f"pySigma does not take it: {_words(error)}")
