"""From what somebody asks of one field, or of the text, to a value of a clause."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import notes, spelling, terms
from aoc_common.contracts.query.filters import Check, Clause, Field, Need, Span, Value
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aoc_common.contracts.access import Hidden
    from aoc_common.contracts.results import Result

#: What a prefix has at least: shorter ones are in nearly all events.
SHORTEST_PREFIX: Final = 2
#: Fields whose words are among the terms of an event.
_IN_TERMS: Final[frozenset[Field]] = frozenset({"text", "actor", "target", "operation", "session", "correlation_id"})
_OCTETS: Final = 4
_OCTET: Final = tuple(str(number) for number in range(256))
#: With fewer octets before it, what is not whole is rather a version or a number with decimals.
_ENOUGH: Final = 2
#: How people and products call an outcome.
RESULTS: Final[Mapping[str, Result]] = {
    "success": "success", "succeeded": "success", "ok": "success",
    "failure": "failure", "failed": "failure", "fail": "failure",
    "partial": "partial", "unknown": "unknown",
}  # fmt: skip
_RESULT: Final = "|".join(RESULTS)
#: One of them, or several with commas, in any case.
RESULT_LIST: Final = f"(?i)^({_RESULT})(,({_RESULT}))*$"


class Unsearchable(Malformed):
    """What was asked for cannot be searched; the text says why, in a few words."""


def exactly(field: Field, text: str) -> Value:
    """The whole value of a field, or words, an address or an id anywhere in the text. Raises `Unsearchable`."""
    return _EXACT[field](text)


def beginning(field: Field, text: str) -> Value:
    """What begins so. Raises `Unsearchable`."""
    if field in {"text", "ip"} and (network := _octets(text)) is not None:
        return network
    if field == "raw":
        return Value((), Check("begun", _in_record(text)))
    if field == "tag":
        return Value((), Check("start", _tag_text(text)))
    needs = _prefix_needs(text)
    if field == "text":
        return Value(needs)
    if field == "ip":
        raise Unsearchable("is no beginning of an address; 203.0.113.* and 2001:db8::/32 are networks")
    start = spelling.folded(text).strip().lower()
    return Value(needs if field in _IN_TERMS else (), Check("start", start))


def phrase(text: str) -> Value:
    """Words that stand side by side. Raises `Unsearchable`."""
    value = _words(text)
    if len(terms.pieces(text)) < 2:  # noqa: PLR2004  # one word, or an address: a phrase has two
        return value
    return Value(value.needs, Check("phrase", spelling.folded(text).strip().lower()))


def within(text: str) -> Value | None:
    """Addresses of a network in CIDR notation; None for what is none. Raises `Unsearchable` for one with bits set."""
    address, slash, bits = text.partition("/")
    if not slash or not bits.isdigit() or spelling.address(address) is None:
        return None
    try:
        ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            raise Unsearchable(f"is no network; its own is {ip_network(text, strict=False)}") from None
        raise Unsearchable("is no network") from None
    return Value(((_network(text),),))


def not_understood() -> Clause:
    """Events whose records have a shape that no mapper knows."""
    return Clause("text", (Value(((Span.of(terms.NOT_UNDERSTOOD),),)),))


def not_hidden(hidden: Hidden) -> tuple[Clause, ...]:
    """What leaves out the services and operations that are hidden as a whole."""
    named: tuple[tuple[Field, frozenset[str]], ...] = (("service", hidden.services), ("operation", hidden.operations))
    return tuple(
        Clause(field, tuple(Value((), Check("equal", name)) for name in sorted(names)), excluded=True)
        for field, names in named
        if names
    )


def clause(field: Field, text: str) -> Clause:
    """A clause of one value, as a parameter or an option gives it. Raises `Unsearchable`."""
    return Clause(field, (exactly(field, text),))


def _words(text: str) -> Value:
    network = within(text) or (_octets(text) if text.endswith(".") and text.count(".") > 1 else None)
    if network is not None:
        return network
    tokens = terms.query_terms(text)
    if tokens:
        # What looks like a token's id may be a name as well, of which each word is a term.
        whole = terms.token_id(text.strip())
        other = () if whole is None else (Span.of(whole),)
        return Value(tuple((*_need(term), *other) for term in tokens))
    if not terms.pieces(text):
        raise Unsearchable("has no letter or digit to search for")
    # Single letters, `the` and `com` are in no index: so common that looking at the events themselves finds some soon.
    return Value((), Check("phrase", spelling.folded(text).strip().lower()))


def _need(term: str) -> Need:
    """An event has the term; events of before have addresses in another spelling."""
    former = terms.former_spelling(term)
    return (Span.of(term),) if former is None else (Span.of(term), Span.of(former))


def _actor(text: str) -> Value:
    name = spelling.actor(text)
    if not name:
        raise Unsearchable("is blank")
    needs = tuple(_need(term) for term in terms.query_terms(name))
    return Value(needs, Check("equal" if "@" in name else "name", name))


def _operation(text: str) -> Value:
    name = spelling.operation(text).lower()
    if not name:
        raise Unsearchable("is blank")
    return Value(tuple(_need(term) for term in terms.query_terms(name)), Check("equal", name))


def _ip(text: str) -> Value:
    if (network := within(text)) is not None:
        return network
    if text.endswith(".") and (octets := _octets(text)) is not None:
        return octets
    address = spelling.address(text)
    if address is None:
        raise Unsearchable("is no IP address, nor a network like 203.0.113.0/24")
    return Value((_need(spelling.ordered_address(address)),))


def _result(text: str) -> Value:
    result = RESULTS.get(text.strip().lower())
    if result is None:
        raise Unsearchable("is no result; there are success, failure, partial, unknown")
    return Value((), Check("equal", result))


def _correlation(text: str) -> Value:
    value = _plain(text)
    return Value(tuple(_need(term) for term in terms.query_terms(text)), value.check)


def _session(text: str) -> Value:
    value = _plain(text)
    whole = terms.token_id(text.strip())
    other = () if whole is None else (Span.of(whole),)
    return Value(tuple((*_need(term), *other) for term in terms.query_terms(text)), value.check)


def _target(text: str) -> Value:
    name = spelling.folded(text).strip().lower()
    if not name:
        raise Unsearchable("is blank")
    # Of a name that leads to a thing through others, only its end is in the index; addresses are whole.
    leaf = name.rstrip("/").rpartition("/")[2] if "/" in name and "://" not in name else name
    needs = tuple(_need(term) for term in terms.query_terms(leaf))
    return Value(needs, Check("equal" if "@" in name else "name", name))


def _raw(text: str) -> Value:
    return Value((), Check("phrase", _in_record(text)))


def _in_record(text: str) -> str:
    """Words as they are looked for in the text of a record. Raises `Unsearchable`."""
    if sum(map(len, terms.pieces(text))) < SHORTEST_PREFIX and text.isascii():
        raise Unsearchable(f"is too short: at least {SHORTEST_PREFIX} letters or digits are looked for in a record")
    return spelling.folded(text).strip().lower()


def _tag(text: str) -> Value:
    return Value((), Check("equal", _tag_text(text)))


def _tag_text(text: str) -> str:
    try:
        return notes.tag(text)
    except Malformed:
        raise Unsearchable("is no tag: letters from a to z, digits, and . _ : / - behind the first") from None


def _plain(text: str) -> Value:
    value = spelling.folded(text).strip()
    if not value:
        raise Unsearchable("is blank")
    return Value((), Check("equal", value.lower()))


_EXACT: Final[Mapping[Field, Callable[[str], Value]]] = {
    "text": _words,
    "source": _plain,
    "service": _plain,
    "operation": _operation,
    "result": _result,
    "actor": _actor,
    "target": _target,
    "ip": _ip,
    "session": _session,
    "correlation_id": _correlation,
    "raw": _raw,
    "tag": _tag,
}


def _octets(text: str) -> Value | None:
    """Addresses of which these are the first octets, the last of them perhaps not whole: `203.0.113.`, `203.0.11`."""
    *whole, begun = text.strip().split(".")
    if not 1 <= len(whole) < _OCTETS or (begun and len(whole) < _ENOUGH):
        return None
    if not all(octet.isdecimal() and octet.isascii() and octet in _OCTET for octet in whole):
        return None
    lasts = [octet for octet in _OCTET if octet.startswith(begun)] if begun else [""]
    networks = [".".join([*whole, last] if last else whole) for last in lasts]
    return Value((tuple(_span(octets, 8 * (octets.count(".") + 1)) for octets in networks),)) if networks else None


def _span(octets: str, bits: int) -> Span:
    first = octets + ".0" * (_OCTETS - 1 - octets.count("."))
    return _network(f"{first}/{bits}")


def _network(text: str) -> Span:
    addresses = ip_network(text)
    first, last = (spelling.address(str(addresses[end])) or "" for end in (0, -1))
    return Span(spelling.ordered_address(first), spelling.ordered_address(last))


def _prefix_needs(text: str) -> tuple[Need, ...]:
    whole, start = terms.prefix_terms(text)
    if not whole and len(start) < SHORTEST_PREFIX and start.isascii():
        raise Unsearchable(f"is too short: at least {SHORTEST_PREFIX} letters or digits stand before a *")
    needs = tuple(_need(term) for term in whole)
    return (*needs, (Span.beginning(start),)) if start else needs
