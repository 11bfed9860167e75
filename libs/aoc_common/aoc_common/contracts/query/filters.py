"""A query as data. A store turns it into its own language; `matching` says the same of one event at hand.

A value has two parts. `needs` are what an index over terms can serve: an event that matches has, for each need, a term
in one of its spans. `check` is what terms cannot tell; it is None where the needs say all. So a store may look up any
one need, and filters by the others and by the check.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

type Field = Literal[
    "text",
    "source",
    "service",
    "operation",
    "result",
    "actor",
    "target",
    "ip",
    "session",
    "correlation_id",
    "raw",
    "tag",
]
"""What a clause is about.

`text`: anything that can be searched for; `raw`: the text of the record itself. `target`: who or what was acted upon.
"""

type CheckKind = Literal["equal", "name", "start", "phrase", "begun"]
"""How a stored value is compared, in any case.

- `equal`: the whole of it. `name`: the whole of it, or all before the `@` of an address.
- `start`: it begins so. `phrase`: it has these words side by side; `begun`: the last of them begins so.
"""

#: Behind every character: where the terms of a prefix end.
_LAST: Final = "\U0010ffff"

#: Field -> where a stored document has what is checked; one of these values has to match. Of `tag`: the event's notes.
PATHS: Final[Mapping[Field, tuple[str, ...]]] = {
    "text": ("event.message", "raw"),
    "source": ("source",),
    "service": ("service",),
    "operation": ("operation",),
    "result": ("result",),
    "actor": (
        "actor",
        "event.actor.user.name",
        "event.actor.user.uid",
        "event.actor.user.email_addr",
        "event.actor.app_name",
        "event.actor.app_uid",
    ),
    "target": (
        *(f"event.{thing}.{name}" for thing in ("user", "group", "entity", "resources") for name in ("uid", "name")),
        "event.user.email_addr",
        "event.file.name",
        "event.file.path",
    ),
    "ip": ("ip",),
    "session": ("event.session.uid", "event.actor.session.uid"),
    "correlation_id": ("correlation_id",),
    "raw": ("raw",),
    "tag": ("tags",),
}


def texts_at(event: Mapping[str, Any], path: str) -> list[str]:
    """The texts that an OCSF event has at one of the `PATHS` into it, of every member of a list on the way."""
    found: list[Any] = [event]
    for name in path.removeprefix("event.").split("."):
        items = [item for one in found for item in (one if isinstance(one, list) else [one])]
        found = [item[name] for item in items if isinstance(item, dict) and name in item]
    return [one for one in found if isinstance(one, str)]


def texts_of(event: Mapping[str, Any], field: Field) -> tuple[str, ...]:
    """The texts that an OCSF event has of a field all of whose `PATHS` lead into it."""
    return tuple(text for path in PATHS[field] for text in texts_at(event, path))


@dataclass(frozen=True, slots=True)
class Span:
    """Terms from `first` to `last`, both of them included, in the order of code points (which is that of UTF-8)."""

    first: str
    last: str

    @classmethod
    def of(cls, term: str) -> Span:
        """One term."""
        return cls(term, term)

    @classmethod
    def beginning(cls, start: str) -> Span:
        """All terms that begin so."""
        return cls(start, start + _LAST)

    @property
    def term(self) -> str | None:
        """The one term of it; None when there are more."""
        return self.first if self.first == self.last else None

    def __contains__(self, term: str) -> bool:
        return self.first <= term <= self.last


type Need = tuple[Span, ...]
"""An event that matches has a term in one of these spans."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is compared with a stored value. `text`: in lower case, without what nobody sees."""

    kind: CheckKind
    text: str

    @property
    def pattern(self) -> str:
        """A regular expression that finds it, to be used without regard to case; it has nothing to go back over.

        It is understood alike by Python and by PCRE, MongoDB's.
        """
        if self.kind in {"phrase", "begun"}:
            words = [_spelt(word) for word in _PIECES.findall(self.text)]
            between = _BETWEEN_WITH_QUOTES if '"' in self.text else _BETWEEN
            return _BEFORE + between.join(words) + ("" if self.kind == "begun" else r"(?:[^0-9A-Za-z]|$)")
        return "^" + re.escape(self.text) + _END[self.kind]


_END: Final[Mapping[CheckKind, str]] = {"equal": "$", "name": "(?:@|$)", "start": ""}
#: The words of a phrase, and what may stand between two of them: signs and blanks, but not the end of a JSON string,
#: unless who asks has a quotation mark there.
_PIECES: Final = re.compile(r"[^\W_]+")
#: A line that ends in front of a word is `\n` in JSON, and a sign that is not ASCII may be its code.
_BEFORE: Final = r"(?:^|[^0-9A-Za-z]|\\[nrt]|\\u[0-9A-Fa-f]{4})"
_BETWEEN: Final = r"(?:[^0-9A-Za-z\"\\]|\\[nrt]?){1,8}"
_BETWEEN_WITH_QUOTES: Final = r"(?:[^0-9A-Za-z\\]|\\[nrt]?){1,8}"


def _spelt(word: str) -> str:
    """A word as the text of a record may have it: some writers of JSON spell what is not ASCII by its code."""
    return "".join(re.escape(letter) if letter.isascii() else _coded(letter) for letter in word)


def _coded(letter: str) -> str:
    cases = dict.fromkeys((letter, letter.upper(), letter.lower()))
    codes = [json.dumps(case)[1:-1].replace("\\", r"\\") for case in cases]
    return f"(?:{'|'.join([letter, *codes])})"


@dataclass(frozen=True, slots=True)
class Value:
    """One thing to look for. `needs`: all of them; `check`: on one of the field's `PATHS`."""

    needs: tuple[Need, ...] = ()
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """An event matches when one of the values does; with `excluded`, when none does."""

    field: Field
    values: tuple[Value, ...]
    excluded: bool = False
