"""Fields that are dropped, hashed or cut before an entry leaves. Pure.

A value that is redacted stands in other places too: in the record's own text, in the sentence that tells the event,
among its observables. So the record's text goes, and wherever else in the event the value stands, it is replaced, also
as JSON or an address inside of a text spells it. What is no text has no hash and no beginning, and is dropped.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aoc_common.contracts.sinks import Redaction
    from aoc_exporter.entry import Entry

_HASH_CHARACTERS: Final = 32
_GONE: Final = "[redacted]"
#: A shorter value stands in many texts that have nothing to do with it: it is replaced as a whole value only.
_SHORTEST: Final = 4
#: What is a text of its own that holds the whole record.
_RECORDS: Final = ("raw_data",)


class Redactor:
    """Redacts by field paths; `*` of a list is every element of it by itself."""

    def __init__(self, redactions: Sequence[Redaction], key: bytes = b"") -> None:
        self._redactions = [(one.field.split("."), one) for one in redactions]
        self.key = key

    def redacted(self, entry: Entry) -> Entry:
        """The entry without what is to be hidden. Raises `Malformed` for a body that is no event."""
        event: Any = orjson.loads(orjson.dumps(entry.event))  # `entry.event` is shared
        for name in _RECORDS:
            event.pop(name, None)
        replaced: dict[str, str] = {}
        for path, redaction in self._redactions:
            # An alert has what it is about in its evidence.
            for about in (event, event.get("evidences")):
                self._apply(about, path, redaction, replaced)
        event = _everywhere(event, _replacing(replaced))
        return replace(entry, body=orjson.dumps(event))

    def _apply(self, inside: Any, path: Sequence[str], redaction: Redaction, replaced: dict[str, str]) -> None:
        if isinstance(inside, list):
            for one in inside:
                self._apply(one, path, redaction, replaced)
            return
        if not isinstance(inside, dict) or path[0] not in inside:
            return
        if path[1:]:
            self._apply(inside[path[0]], path[1:], redaction, replaced)
            return
        for text in _texts(inside[path[0]]):
            replaced[text] = self._instead(text, redaction)
        left = None if redaction.how == "drop" else _hidden(inside[path[0]], replaced)
        if left is None:
            del inside[path[0]]
        else:
            inside[path[0]] = left

    def _instead(self, text: str, redaction: Redaction) -> str:
        if redaction.how == "truncate":
            return text[: redaction.length]
        if redaction.how == "hash":
            return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:_HASH_CHARACTERS]
        return _GONE


def _hidden(value: Any, replaced: dict[str, str]) -> Any:
    """The value with its texts replaced and all else dropped; None where nothing is left."""
    if isinstance(value, str):
        return replaced.get(value, value)
    if isinstance(value, list):
        return [hidden for one in value if (hidden := _hidden(one, replaced)) is not None]
    if isinstance(value, dict):
        return {name: hidden for name, one in value.items() if (hidden := _hidden(one, replaced)) is not None}
    return None


def _texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value} if value else set()
    if isinstance(value, list):
        return {text for one in value for text in _texts(one)}
    if isinstance(value, dict):
        return {text for one in value.values() for text in _texts(one)}
    return set()


def _replacing(replaced: dict[str, str]) -> Callable[[str], str]:
    spelt = {form: instead for text, instead in replaced.items() for form in _spellings(text)} | replaced
    # The longest first: an address contains a name.
    long = sorted((text for text in spelt if len(text) >= _SHORTEST), key=len, reverse=True)
    found = re.compile("|".join(map(re.escape, long)), re.IGNORECASE) if long else None
    folded = {text.casefold(): instead for text, instead in spelt.items()}

    def instead(text: str) -> str:
        if text in replaced:
            return replaced[text]
        if found is None:
            return text
        return found.sub(lambda match: folded.get(match[0].casefold(), _GONE), text)

    return instead


def _spellings(text: str) -> set[str]:
    """A text as it stands within JSON, within JSON inside of JSON, and in an address."""
    once = [orjson.dumps(text).decode()[1:-1], json.dumps(text)[1:-1]]
    return {*once, *(json.dumps(one)[1:-1] for one in once), quote(text), quote(text, safe="")}


def _everywhere(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_everywhere(one, change) for one in value]
    if isinstance(value, dict):
        return {name: _everywhere(one, change) for name, one in value.items()}
    return value
