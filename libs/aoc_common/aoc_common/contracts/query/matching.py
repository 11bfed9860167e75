"""Whether an event at hand matches a query: what a store is asked, without a store. For events as they arrive."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import spelling, terms
from aoc_common.contracts.query.filters import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.query.filters import Check, Clause, Field, Value
    from aoc_common.contracts.results import Result


@dataclass(frozen=True, slots=True)
class Facts:
    """What an event can be found by. `terms`: its search terms; `texts`: the values of each field that are checked."""

    terms: AbstractSet[str]
    texts: Mapping[Field, tuple[str, ...]] = field(default_factory=dict)


def matches(where: Iterable[Clause], facts: Facts) -> bool:
    """Whether all clauses match."""
    return all(
        any(_matches(value, facts, clause.field) for value in clause.values) is not clause.excluded for clause in where
    )


def _matches(value: Value, facts: Facts, of: Field) -> bool:
    for need in value.needs:
        if not any(
            span.term in facts.terms if span.term is not None else any(term in span for term in facts.terms)
            for span in need
        ):
            return False
    if value.check is None:
        return True
    pattern = _pattern(value.check)
    return any(pattern.search(text) is not None for text in facts.texts.get(of, ()))


@lru_cache(maxsize=256)
def _pattern(check: Check) -> re.Pattern[str]:
    return re.compile(check.pattern, re.IGNORECASE)


def facts_of(message: EventMessage) -> Facts:
    """The facts of an event on AOC_EVENTS. Raises `Malformed` for a body that cannot be read.

    Its terms are the words of everything in it, which are more than the store finds it by.
    """
    return facts_in(message.event, message)


def facts_in(event: Mapping[str, Any], message: EventMessage) -> Facts:
    """The same, of what somebody sees of the event of a message."""
    api, actor = _object(event.get("api")), _object(event.get("actor"))
    user, metadata = _object(actor.get("user")), _object(event.get("metadata"))
    endpoint = _object(event.get("src_endpoint"))
    operation = str(api.get("operation") or metadata.get("event_code") or message.operation)
    labels = [seen.get("value") for seen in _objects(event.get("observables")) if seen.get("name") == "actor"]
    people = [*labels, *(user.get(name) for name in ("name", "uid", "email_addr")), actor.get("app_name")]
    texts: dict[Field, tuple[str, ...]] = {
        "text": (str(event.get("message") or ""), str(event.get("raw_data") or "")),
        "source": (message.source,),
        "service": _service(message, _object(metadata.get("product"))),
        "operation": (spelling.operation(operation),),
        "result": (result_of(event.get("status_id")),),
        "actor": tuple(
            spelling.actor(value) for value in (*people, actor.get("app_uid")) if isinstance(value, str) and value
        ),
        "target": texts_of(event, "target"),
        "session": texts_of(event, "session"),
        "ip": tuple(value for value in (endpoint.get("ip"),) if isinstance(value, str)),
        "raw": (str(event.get("raw_data") or ""),),
        "correlation_id": tuple(str(value) for value in (metadata.get("correlation_uid"),) if value),
    }
    words: set[str] = set(terms.operation_terms(operation))
    for text in _texts(event):
        words.update(terms.name_terms(text), terms.id_terms(text))
    if texts["result"] == ("failure",):
        words.add("failed")
    if not message.understood:
        words.add(terms.NOT_UNDERSTOOD)
    return Facts(words, texts)


def _service(message: EventMessage, product: Mapping[str, Any]) -> tuple[str, ...]:
    """Which service it is of; where the message does not say, it is known by the words of its product's name."""
    if message.service:
        return (message.service,)
    name = str(product.get("name") or "")
    return name, *terms.pieces(name), "-".join(terms.pieces(name))


_RESULTS: Final[Mapping[int, Result]] = {1: "success", 2: "failure", 99: "partial"}


def result_of(status: Any) -> Result:
    """The result that an OCSF status_id says."""
    return _RESULTS.get(status, "unknown") if isinstance(status, int) else "unknown"


def _texts(value: Any) -> Iterator[str]:
    """All texts and numbers in an event, without recursion."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str | int) and not isinstance(item, bool):
            yield str(item)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
