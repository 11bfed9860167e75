"""Facts of an OCSF event, read without trust: what is missing or of another kind is empty. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_OUTCOMES: Final = {1: "success", 2: "failure"}


def part(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The object there; an empty one for anything else."""
    for name in path:
        found = value.get(name)
        if type(found) is not dict:
            return _NOTHING
        value = found
    return value


def text(value: Mapping[str, Any], name: str) -> str:
    """The text or number of a member, as text; empty for anything else."""
    found = value.get(name)
    if type(found) is str:
        return found
    return str(found) if type(found) is int or type(found) is float else ""


def number(value: Mapping[str, Any], name: str) -> int:
    """The whole number of a member; 0 for anything else."""
    found = value.get(name)
    return found if type(found) is int else 0


def outcome(event: Mapping[str, Any]) -> str:
    """How it ended: `success`, `failure` or `unknown`."""
    return _OUTCOMES.get(number(event, "status_id"), "unknown")


def observed(event: Mapping[str, Any], *types: int) -> list[str]:
    """Values of observables of these types (OCSF `type_id`), each once."""
    observables = event.get("observables")
    seen: dict[str, None] = {}
    for one in observables if type(observables) is list else ():
        if type(one) is dict and one.get("type_id") in types and (value := text(one, "value")):
            seen[value] = None
    return list(seen)


def person(user: Mapping[str, Any]) -> tuple[str, str, str]:
    """Address, name and id of a user."""
    return text(user, "email_addr"), text(user, "name"), text(user, "uid")
