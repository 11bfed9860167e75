"""One event as rules see it: its fields by name, without regard to case, each looked up once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_rules.sigma import bounds
from aoc_rules.sigma.shapes import KEYS_REMEMBERED, folded_keys, shape_of
from aoc_rules.sigma.texts import container_text, fold, scalar_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_rules.sigma.fields import Field, Path
    from aoc_rules.sigma.shapes import Lookup

#: Where some interfaces put the record itself, inside of an envelope.
_ENVELOPES: Final = ("properties", "auditData", "RawEventData")
#: How lists of pairs name their pairs, and what they say: `{"Name": "ForwardTo", "Value": "..."}`.
_PAIR_NAMES: Final = ("name", "key", "displayname")
_PAIR_VALUES: Final = ("value", "newvalue")


class Values:
    """What a field has in one event.

    `items`: every value, lists taken apart, nulls included. Its texts are made when somebody asks for them.
    """

    __slots__ = ("_containers", "_folded", "_folded_containers", "_plain", "items", "lists")

    def __init__(self, items: list[Any], lists: list[Any], plain: list[str] | None = None) -> None:
        self.items = items
        self.lists = lists
        self._plain = plain
        self._folded: list[str] | None = None
        self._containers: list[str] | None = None
        self._folded_containers: list[str] | None = None

    @property
    def plain(self) -> list[str]:
        """Texts of the values that are neither object nor list."""
        if self._plain is None:
            texts = [scalar_text(item) for item in self.items if not isinstance(item, dict)]
            self._plain = [text for text in texts if text is not None]
        return self._plain

    @property
    def folded(self) -> list[str]:
        """`plain` without case."""
        if self._folded is None:
            self._folded = [text.casefold() for text in self.plain]
        return self._folded

    @property
    def containers(self) -> list[str]:
        """Texts of the objects and lists."""
        if self._containers is None:
            if self._plain is not None and len(self._plain) == len(self.items) and not self.lists:
                self._containers = []  # nothing but texts
                return self._containers
            objects = [item for item in self.items if isinstance(item, dict)]
            self._containers = [container_text(item) for item in (*objects, *self.lists)]
        return self._containers

    @property
    def folded_containers(self) -> list[str]:
        """`containers` without case."""
        if self._folded_containers is None:
            self._folded_containers = [text.casefold() for text in self.containers]
        return self._folded_containers

    @property
    def exists(self) -> bool:
        """Whether the event has the field, be it null or empty."""
        return bool(self.items) or bool(self.lists)

    @property
    def is_null(self) -> bool:
        """Whether the event lacks the field, or has nothing but null in it."""
        return all(item is None for item in self.items) and (bool(self.items) or not self.lists)


NO_VALUES: Final = Values([], [])


class Record:
    """An event of AOC_EVENTS, read as far as rules ask. Lives for the matching of one event.

    `event`: the OCSF event. `bodies`: the original record as it came, what an envelope holds first. `roots`: both.
    """

    __slots__ = ("_values", "_words", "bodies", "event", "roots", "shape")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        #: The record inside of its envelopes, then the envelopes. Empty for a record that is no JSON object.
        self.bodies: list[dict[str, Any]] = _bodies(event.get("raw_data"))
        self.roots: tuple[Mapping[str, Any], ...] = (event, *self.bodies)
        self.shape = shape_of(tuple(map(tuple, self.roots)))
        self._values: dict[int, Values] = {}
        self._words: Values | None = None

    def values(self, field: Field) -> Values:
        """What the event has in a field: of the first of the field's places that it has."""
        known = self._values.get(field.number)
        if known is None:
            plan = self.shape.plan(field)
            known = self._values[field.number] = self._looked_up(plan) if plan else NO_VALUES
        return known

    def words(self) -> Values:
        """Every value of the record that is neither object nor list: where keywords are looked for."""
        if self._words is None:
            roots: list[Any] = list(self.bodies[-1:]) or [self.event]
            self._words = Values([item for root in roots for item in _leaves(root)], [])
        return self._words

    def _looked_up(self, plan: tuple[Lookup, ...]) -> Values:
        """What lies at the first place that has something; null only where no other has more."""
        null: Values | None = None
        for computed, root, key, rest in plan:
            if computed is not None:
                made = list(computed(self))
                if made:
                    return Values(made, [])
                continue
            value = self.roots[root][key]
            text = text_at(value, rest)
            if text is not None:  # most are
                return Values([text], [], [text[: bounds.TEXT_LENGTH]])
            found = _Found()
            _walk(value, rest, 0, found)
            if found.items or found.lists:
                values = Values(found.items, found.lists)
                if found.lists or found.items[0] is not None or not values.is_null:
                    return values
                null = null or values
        return null or NO_VALUES


class _Found:
    __slots__ = ("items", "lists", "looked")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.lists: list[Any] = []
        self.looked = 0


def text_at(value: Any, path: Path) -> str | None:
    """The text at the end of a path through objects alone, which spell their keys as the path does."""
    for spelt, _ in path:
        if not isinstance(value, dict) or spelt not in value:
            return None
        value = value[spelt]
    return value if isinstance(value, str) else None


def _walk(value: Any, path: Path, at: int, found: _Found, depth: int = 0) -> None:
    """Collect what lies at the end of a path, through lists and through JSON that stands in a text.

    `depth`: lists around it that lie in one another. Records, and JSON in them, are an attacker's: lists may be deep.
    """
    found.looked += 1
    if found.looked > bounds.FIELD_VALUES or depth > bounds.FIELD_DEPTH:
        return
    if at == len(path):
        _take(value, found)
        return
    if isinstance(value, str):
        value = _inner_json(value)
    if isinstance(value, dict):
        _step(value, path, at, found)
    elif isinstance(value, list):
        pairs = True
        for item in value[: bounds.FIELD_VALUES]:
            if isinstance(item, dict) and _key_of(item, path[at]) is not None:
                pairs = False
                _step(item, path, at, found)
            else:
                _walk(item, path, at, found, depth + 1)
        if pairs:
            _named_pair(value, path, at, found)


def _step(value: Mapping[str, Any], path: Path, at: int, found: _Found) -> None:
    key = _key_of(value, path[at])
    if key is not None:
        _walk(value[key], path, at + 1, found)
    elif at + 1 < len(path):  # a key may have dots of its own: `X.Y`
        key = _key_of(value, _dotted(path, at))
        if key is not None:
            _take(value[key], found)


def _named_pair(value: list[Any], path: Path, at: int, found: _Found) -> None:
    """A list of pairs has no such key: the pair of that name stands for it, dots and all (`Role.DisplayName`)."""
    for pair in value[: bounds.FIELD_VALUES]:
        if not isinstance(pair, dict):
            continue
        keys = folded_keys(tuple(pair))
        named = next((pair[keys[name]] for name in _PAIR_NAMES if name in keys), None)
        end = _end_of_name(fold(named), path, at) if isinstance(named, str) else None
        if end is not None:
            for name in _PAIR_VALUES:
                if name in keys:
                    _walk(pair[keys[name]], path, end, found)


def _end_of_name(named: str, path: Path, at: int) -> int | None:
    """How many steps of a path are behind when those after `at` spell a name; None where they do not."""
    end = at + named.count(".") + 1
    return end if end <= len(path) and named == ".".join(step[1] for step in path[at:end]) else None


def _take(value: Any, found: _Found) -> None:
    if not isinstance(value, list):
        found.items.append(value)
        return
    found.lists.append(value)
    pending = [iter(value)]
    while pending and len(found.items) < bounds.FIELD_VALUES:
        for item in pending[-1]:
            if isinstance(item, list) and len(pending) < bounds.FIELD_DEPTH:
                pending.append(iter(item))
                break
            found.items.append(item)
            if len(found.items) >= bounds.FIELD_VALUES:
                break
        else:
            pending.pop()


def _key_of(value: Mapping[str, Any], step: tuple[str, str]) -> str | None:
    """How an object spells a key."""
    spelt, folded = step
    if spelt in value:
        return spelt
    if len(value) <= KEYS_REMEMBERED:
        return folded_keys(tuple(value)).get(folded)
    return next((key for key in value if fold(key) == folded), None)


def _dotted(path: Path, at: int) -> tuple[str, str]:
    return ".".join(step[0] for step in path[at:]), ".".join(step[1] for step in path[at:])


def _inner_json(text: str) -> Any:
    if text[:1] not in "[{" or len(text) > bounds.TEXT_LENGTH:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _bodies(raw: Any) -> list[dict[str, Any]]:
    body = raw if isinstance(raw, dict) else _parsed(raw) if isinstance(raw, str) else None
    found: list[dict[str, Any]] = []
    while isinstance(body, dict):
        found.insert(0, body)
        if len(found) > len(_ENVELOPES):
            break
        inner = next((body[name] for name in _ENVELOPES if name in body), None)
        body = _inner_json(inner) if isinstance(inner, str) else inner
    return found


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:  # what orjson is strict about: half characters, numbers without end
        return json.loads(text, parse_int=_whole_number)
    except (ValueError, RecursionError):
        return None


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) < 20 else digits  # noqa: PLR2004  # what a 64-bit number has


def _leaves(root: Any) -> Iterator[Any]:
    pending, seen = [root], 0
    while pending and seen < bounds.FIELD_VALUES:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif value is not None:
            seen += 1
            yield value
