"""Names for ids: what the tenant's directory says about the parties of a record.

A record often has an id where a person needs a name, and never says that its actor is a Global Administrator, a guest
or disabled. The directory knows. What it does not know yet stays an id, and the event says which.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import directory
from aoc_normalizer.draft import ADMIN, SERVICE, USER, Fact, Party
from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_common.contracts.directory import Entity
    from aoc_normalizer.draft import Draft

#: Targets that are looked up.
_TARGETS: Final = 20
#: Ids of an event that are remembered as unknown.
_UNNAMED: Final = 8
#: Kinds that a directory holds; a record that says nothing of the kind, or only "object", may mean one of them.
_KINDS: Final = frozenset(
    {"user", "group", "role", "service principal", "application", "device", "service", "mailbox", "object", None}
)
_VAGUE: Final = frozenset({"object", None})
_PROVIDER: Final = "Microsoft Entra ID"


def keys(draft: Draft) -> Iterator[str]:
    """What to look up for a record."""
    for party in (draft.actor, draft.app, *draft.targets[:_TARGETS]):
        yield from _keys(party)


def identify(draft: Draft, names: Mapping[str, Entity]) -> tuple[str, ...]:
    """Add names, and what else is known of actor, application and targets; the ids that stay ids."""
    if names:
        draft.actor = _known(draft, "actor.user", draft.actor, names)
        draft.app = _named(draft.app, _entity(draft.app, names))
        draft.targets[:_TARGETS] = [_known(draft, "target", target, names) for target in draft.targets[:_TARGETS]]
    unnamed: dict[str, None] = {}
    for party in (draft.actor, draft.app, *draft.targets[:_TARGETS]):
        if party.uid and not party.name and not party.upn:
            unnamed.update(dict.fromkeys(_keys(party)))
    return tuple(unnamed)[:_UNNAMED]


@lru_cache(maxsize=8192)
def _keys(party: Party) -> tuple[str, ...]:
    """How a directory knows a party; nothing for what no directory holds."""
    if party.kind not in _KINDS:
        return ()
    found = [directory.key(party.uid)] if party.uid and values.is_guid(party.uid) else []
    return (*found, directory.key(party.upn)) if party.upn else tuple(found)


def _entity(party: Party, names: Mapping[str, Entity]) -> Entity | None:
    return next((names[key] for key in _keys(party) if key in names), None)


def _known(draft: Draft, place: str, party: Party, names: Mapping[str, Entity]) -> Party:
    entity = _entity(party, names)
    if entity is None:
        return party
    if entity.kind == "user":
        draft.facts.append(Fact(place, entity.upn or entity.id, "directory", _standing(entity), _PROVIDER))
    return _named(party, entity)


def _named(party: Party, entity: Entity | None) -> Party:
    if entity is None:
        return party
    user_type = party.user_type
    if user_type == USER:
        user_type = ADMIN if entity.privileged else SERVICE if entity.service_account else USER
    return party._replace(
        name=party.name or entity.name,
        upn=party.upn or entity.upn,
        uid=party.uid or entity.id,
        kind=entity.kind if party.kind in _VAGUE else party.kind,
        user_type=user_type,
    )


def _standing(entity: Entity) -> dict[str, Any]:
    """What alerts ask of a user."""
    found: dict[str, Any] = {
        "uid": entity.id,
        "privileged": entity.privileged,
        "roles": list(entity.roles),
        "guest": entity.guest,
        "enabled": entity.enabled,
        "service_account": entity.service_account,
        "department": entity.department,
    }
    return {name: value for name, value in found.items() if value is not None}
