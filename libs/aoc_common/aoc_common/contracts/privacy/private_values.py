"""Taking private values out of JSON: what is named or shaped like one is put away, and remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import orjson

from aoc_common.contracts import spelling
from aoc_common.contracts.privacy.fields import is_private, is_private_kind, shapes, squeezed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

#: Stands where a hidden value was.
MARK: Final = "[hidden]"
#: Levels of JSON that are looked into, JSON in strings among them; what is deeper is hidden as a whole.
DEEPEST: Final = 64
#: Different values that are looked for elsewhere in the event. One that has more is shown without its texts.
MOST_VALUES: Final = 100
#: Shorter values are in too many words to be looked for.
SHORTEST: Final = 3
_LONGEST: Final = 2_048
#: How lists of pairs call a pair's name and its values.
_PAIR_NAMES: Final = ("Name", "name", "Key", "key", "displayName", "DisplayName", "ModifiedPropertyName")
_PAIR_VALUES: Final = frozenset({"value", "newvalue", "oldvalue", "new", "old", "values"})
#: How an object calls its kind, and what then names it.
_KINDS: Final = frozenset({"type", "itemtype", "kind", "objecttype", "resourcetype", "evidencetype", "entitytype"})
_NAMES: Final = frozenset({"name", "uid", "displayname", "title", "path", "url", "objectid", "webid", "objectname"})


@dataclass(slots=True)
class PrivateValues:
    """Private values of one event. `fields`: the kinds. `found`: what was taken out and may stand elsewhere, too."""

    fields: AbstractSet[str]
    found: dict[str, None] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    @property
    def too_many(self) -> bool:
        """Whether not all of them could be remembered."""
        return len(self.found) > MOST_VALUES

    def taken_out(self, value: Any) -> Any:
        """JSON without private values; a copy, of the same shape but where something is hidden as a whole."""
        return self._taken(value, 0)

    def hide(self, value: Any) -> Any:
        """What stands in place of a value that is private as a whole."""
        return self._hidden(value, 0, telling=True)

    def note(self, value: str) -> None:
        """Remember a private value, in the spellings in which it may stand elsewhere."""
        text = value.strip()
        self.whole.add(text[:_LONGEST])
        if not self.too_many:
            self.found |= dict.fromkeys(one for one in _spellings(text[:_LONGEST]) if len(one) >= SHORTEST)

    def _taken(self, value: Any, depth: int) -> Any:
        if depth > DEEPEST:
            return MARK
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return [self._taken(one, depth + 1) for one in value]
        return self._text(value, depth) if isinstance(value, str) else value

    def _object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        of_pair = _is_pair_of(value, self.fields)
        of_kind = _is_kind_of(value, self.fields)
        taken = {}
        for key, one in value.items():
            name = squeezed(key)
            if is_private(key, self.fields) or (of_pair and name in _PAIR_VALUES) or (of_kind and name in _NAMES):
                taken[key] = self._hidden(one, depth + 1, telling=True)
            else:
                taken[key] = self._taken(one, depth + 1)
        return taken

    def _hidden(self, value: Any, depth: int, *, telling: bool) -> Any:
        """A private value, and all that is in it. `telling`: one by itself, no remark on one (`Type`)."""
        if depth > DEEPEST:
            return MARK
        if isinstance(value, dict):
            return {key: self._hidden(one, depth + 1, telling=squeezed(key) in _NAMES) for key, one in value.items()}
        if isinstance(value, list):
            return [self._hidden(one, depth + 1, telling=telling) for one in value]
        if not isinstance(value, str):
            return None
        if (parsed := json_inside(value)) is not None:
            self._hidden(parsed, depth + 1, telling=telling)
        elif value and (telling or any(sign in value for sign in "/\\ .")):
            self.note(value)
        return MARK if value else value

    def _text(self, text: str, depth: int) -> str:
        if (parsed := json_inside(text)) is not None:
            taken = self._taken(parsed, depth + 1)
            return text if taken == parsed else orjson.dumps(taken).decode()
        if text.startswith("<") and self._names_any(text):
            return MARK
        if "address" in self.fields and spelling.address(text.strip("[]")) is not None:
            self.note(text)
            return MARK
        for shape in shapes(self.fields):
            if (match := shape.search(text)) is None:
                continue
            if "address" in self.fields and spelling.address(match[0]) is not None:
                for one in shape.findall(text):
                    self.note(one)
                text = shape.sub(MARK, text)
            else:
                self.note(text)
                return MARK
        return text

    def _names_any(self, markup: str) -> bool:
        """Whether XML has an element or attribute whose name is that of a private value."""
        return any(is_private(word, self.fields) for word in dict.fromkeys(_names_in(markup)))


def json_inside(text: str) -> Any:
    """The object or list that a text is the JSON of; None for any other text."""
    bare = text.strip()
    if len(bare) < 2 or bare[0] + bare[-1] not in {"{}", "[]"}:  # noqa: PLR2004  # brackets
        return None
    try:
        return orjson.loads(bare)
    except orjson.JSONDecodeError:
        return None


def texts(value: Any) -> Iterator[str]:
    """All texts and numbers in JSON, also in JSON in strings; without recursion."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, dict):
            waiting += [(part, depth) for part in one.values()]
        elif isinstance(one, list):
            waiting += [(part, depth) for part in one]
        elif isinstance(one, str) and depth < DEEPEST and (parsed := json_inside(one)) is not None:
            waiting.append((parsed, depth + 1))
        elif isinstance(one, str | int | float) and not isinstance(one, bool):
            yield str(one)


def _is_pair_of(value: Mapping[str, Any], fields: AbstractSet[str]) -> bool:
    return any(isinstance(name := value.get(key), str) and is_private(name, fields) for key in _PAIR_NAMES)


def _is_kind_of(value: Mapping[str, Any], fields: AbstractSet[str]) -> bool:
    return any(
        isinstance(kind, str) and squeezed(key) in _KINDS and is_private_kind(kind, fields)
        for key, kind in value.items()
    )


def _spellings(text: str) -> Iterator[str]:
    """A value as records and sentences have it: as it is, as it is shown, decoded; of a path also its end."""
    for one in dict.fromkeys((text, spelling.shown(text), unquote(text))):
        yield one
        end = one.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
        if end != one:
            yield end


def _names_in(markup: str) -> Iterator[str]:
    """What may be names of elements and attributes, and the values of `Name="..."`."""
    word: list[str] = []
    for character in markup:
        if character.isalnum() or character in "_-.:":
            word.append(character)
        elif word:
            yield "".join(word)
            word.clear()
