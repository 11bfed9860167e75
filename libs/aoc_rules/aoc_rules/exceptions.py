"""Exceptions of rules as Sigma filter documents: made of what an alert shows, written and read. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_OID, uuid5

import yaml

from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.store.rules import RuleException
from aoc_rules.sigma import bounds
from aoc_rules.sigma.faults import Fault, RuleRefused
from aoc_rules.sigma.reading import read
from aoc_rules.sigma.yaml_documents import documents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sigma.filters import SigmaFilter
    from sigma.rule import SigmaRule

    from aoc_common.contracts.alert import FieldValue

_SELECTION: Final = "excepted"
#: The key of a file that says who wants an exception, why and until when; and what it may say.
_ABOUT: Final = "aoc"
_KEYS: Final = ("reason", "author", "made_at", "until", "tenants")
_LONGEST: Final[Mapping[str, int]] = {"reason": 1_000, "author": 256}
_TENANT: Final = re.compile(TENANT_PATTERN)


#: What an alert calls the event's own -> the field that has it, by log source.
_OWN: Final[Mapping[str, Mapping[str, str]]] = {
    "azure/auditlogs": {"actor": "initiatedBy.user.userPrincipalName", "ip": "initiatedBy.user.ipAddress"},
    "azure/signinlogs": {"actor": "userPrincipalName", "ip": "ipAddress"},
    "azure/activitylogs": {"actor": "caller", "ip": "callerIpAddress"},
    "azure/riskdetection": {"actor": "userPrincipalName", "ip": "ipAddress"},
    "m365/audit": {"actor": "UserId", "ip": "ClientIP"},
    "m365/exchange": {"actor": "UserId", "ip": "ClientIP"},
    "m365/intune": {"actor": "actor.userPrincipalName"},
}


def filter_document(rule: SigmaRule, values: Sequence[FieldValue], identity: str) -> str:
    """The filter that excepts events with all of these, several values of one field being alternatives.

    `values`: as an alert shows them, fields with the rule's modifiers. Raises `RuleRefused` for a value that was cut.
    """
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    own = _OWN.get(f"{rule.logsource.product}/{rule.logsource.service}", {})
    for one in values:
        if len(one.value) >= bounds.SHOWN_LENGTH:
            raise RuleRefused([Fault(str(rule.id), one.field, "the alert has only a part of its value")])
        name = one.field.partition("|")[0]
        wanted[own.get(name, name)].append(_escaped(one.value))
    source = {"category": rule.logsource.category, "product": rule.logsource.product, "service": rule.logsource.service}
    return _dumped(
        {
            "title": f"Exception of {rule.title}"[:256],
            "id": identity,
            "logsource": {key: value for key, value in source.items() if value},
            "filter": {
                "rules": [str(rule.id)],
                _SELECTION: {name: found[0] if len(found) == 1 else found for name, found in wanted.items()},
                "condition": f"not {_SELECTION}",
            },
        }
    )


def filters_of(text: str, name: str) -> tuple[SigmaFilter, ...]:
    """The filters of a text. Raises `RuleRefused` for faults."""
    reading = read(text, name)
    if reading.faults:
        raise RuleRefused(reading.faults)
    return reading.filters


def written(exception: RuleException) -> str:
    """An exception as a file: the filter, with who wants it, why, and until when."""
    about: dict[str, Any] = {
        "reason": exception.reason,
        "author": exception.author,
        "made_at": _text(exception.made_at),
    }
    if exception.until is not None:
        about["until"] = _text(exception.until)
    if exception.tenants:
        about["tenants"] = sorted(exception.tenants)
    document = documents(exception.text, f"exception {exception.id}")[0]
    return _dumped({**document, "id": exception.id, _ABOUT: about})


def exceptions_of(text: str, name: str, author: str, now: datetime) -> dict[str, tuple[RuleException, ...]]:
    """The exceptions of a file, by the id of the rule that they are of. Raises `RuleRefused`."""
    found: defaultdict[str, list[RuleException]] = defaultdict(list)
    for document in documents(text, name):
        about = _about(document.pop(_ABOUT, {}), name)
        plain = _dumped(document)
        filters = filters_of(plain, name)
        if len(filters) != 1:
            raise RuleRefused([Fault(name, "", "expected a filter document")])
        rules = document["filter"].get("rules")
        if not isinstance(rules, list) or not rules:
            raise RuleRefused([Fault(name, "filter.rules", "expected a list with the ids of rules")])
        made = RuleException(
            id=str(filters[0].id or uuid5(NAMESPACE_OID, plain)),
            text=plain,
            author=str(about.get("author", author)),
            reason=str(about.get("reason", "no reason is given")),
            made_at=_moment(about.get("made_at"), name) or now,
            until=_moment(about.get("until"), name),
            tenants=frozenset(map(str, about.get("tenants", ()))),
        )
        for rule in dict.fromkeys(str(one).lower() for one in rules):
            found[rule].append(made)
    return {rule: tuple(some) for rule, some in found.items()}


def excepted(text: str) -> str:
    """What a filter excepts, the same for the same: however it is written, and whatever it is called.

    Raises `RuleRefused` for a text that cannot be read.
    """
    found = documents(text, "exception")
    held = [{key: value for key, value in one.items() if key not in {"id", _ABOUT}} for one in found]
    return json.dumps(held, sort_keys=True, default=str)


def _about(held: Any, name: str) -> dict[str, Any]:
    """Who wants an exception, why, until when and where. What is misspelt here would except for ever, or everywhere."""
    if not isinstance(held, dict):
        raise _refused(name, _ABOUT, "expected a map")
    for key, value in held.items():
        place = f"{_ABOUT}.{str(key)[:60]}"
        if key not in _KEYS:
            raise _refused(name, place, f"there is no such key; there are {', '.join(_KEYS)}")
        if value is None:
            raise _refused(name, place, "has no value: leave the key out")
        if key == "tenants" and not _are_tenants(value):
            raise _refused(name, place, "expected a list of tenants' names; without the key it is everywhere")
        longest = _LONGEST.get(key)
        if longest is not None and len(str(value)) > longest:
            raise _refused(name, place, f"{len(str(value)):,} characters; at most {longest:,} are taken")
    return held


def _are_tenants(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_TENANT.fullmatch(str(one)) for one in value)


def _refused(name: str, place: str, reason: str) -> RuleRefused:
    return RuleRefused([Fault(name, place, reason)])


def _escaped(value: str) -> str:
    return "".join(f"\\{char}" if char in "*?\\" else char for char in value)


def _moment(value: Any, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise _refused(name, _ABOUT, f"{str(value)[:40]!r} is no time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _dumped(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
