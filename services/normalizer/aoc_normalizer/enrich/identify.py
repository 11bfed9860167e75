"""Who and what the parties of a record were: what the tenant's directory says of them, as of the record's time.

A record often has an id where a person needs a name, and never says that its actor was a Global Administrator, a guest
or disabled. The directory knows, and since when. An id is believed, whatever user name stands beside it: names are
given away again. A user name alone means who had it then. What the directory does not know yet stays as it is, and the
event says so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import directory, periods
from aoc_normalizer.draft import ADMIN, DIRECTORY, SERVICE, USER, Fact, Party
from aoc_normalizer.enrich.preserved import NOT_STORED, PROVIDER, Preserved, PreservedObject, further_names, is_news
from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_common.contracts.periods import View
    from aoc_normalizer.draft import Draft
    from aoc_normalizer.enrich.lookup import EnrichmentData

#: Targets that are looked up.
_TARGETS: Final = 20
#: Ids of an event that are remembered as unknown.
_UNNAMED: Final = 8
#: Kinds that a directory holds; a record that says nothing of the kind, or only "object", may mean one of them.
_KINDS: Final = frozenset(
    {"user", "group", "role", "service principal", "application", "device", "service", "mailbox", "object", None}
)
_VAGUE: Final = frozenset({"object", None})
#: What stands where there is no id.
_NIL: Final = "00000000-0000-0000-0000-000000000000"


def keys(draft: Draft) -> Iterator[str]:
    """What to look up for a record."""
    for party in (draft.actor, draft.app, *draft.targets[:_TARGETS]):
        if (key := _key(party)) is not None:
            yield key


def identify(draft: Draft, enrichment: EnrichmentData, preserved: Preserved = NOT_STORED) -> tuple[str, ...]:
    """Add names, and what else is known of actor, application and targets; the ids that stay ids.

    `preserved`: what the stored event says already, which stays.
    """
    draft.facts += preserved.everything
    for fact in preserved.everything:
        draft.search[:0] = further_names(fact)
    if enrichment.histories or enrichment.read or preserved.now_ms:
        known = _Known(draft, enrichment, preserved)
        draft.actor = known.party("actor.user", draft.actor)
        draft.app = known.party("actor.app", draft.app)
        draft.targets[:_TARGETS] = [known.party("target", target) for target in draft.targets[:_TARGETS]]
    unnamed: dict[str, None] = {}
    for party in (draft.actor, draft.app, *draft.targets[:_TARGETS]):
        name, upn, uid, _kind, _user_type = party
        if uid and not name and not upn and (key := _key(party)) is not None:
            unnamed[key] = None
    return tuple(unnamed)[:_UNNAMED]


@lru_cache(maxsize=8192)
def _key(party: Party) -> str | None:
    """How a directory knows a party: by its id, else by its user name. None for what no directory holds."""
    if party.kind not in _KINDS:
        return None
    if party.uid and party.uid != _NIL and values.is_guid(party.uid):
        return directory.key(party.uid)
    return directory.key(party.upn) if party.upn else None


class _Known:
    """Brings to the parties of one draft what is known of them."""

    def __init__(self, draft: Draft, enrichment: EnrichmentData, preserved: Preserved) -> None:
        self._draft = draft
        self._enrichment = enrichment
        self._preserved = preserved

    def party(self, place: str, party: Party) -> Party:
        """The party with its names; facts of it go to the draft."""
        key = _key(party)
        if key is None:
            return self._disambiguated(party, None) if party.kind in _KINDS else party
        view = periods.find(key, self._enrichment.histories.get(key, ()), self._draft.time_ms or None)
        if self._preserved.now_ms:
            return self._added_to(place, key, party, self._preserved.of(key), view)
        if view is None and self._enrichment.read and party.kind == "user":
            view = periods.UNKNOWN
        if view is None:
            return self._disambiguated(party, None)
        named = _named(party, view)
        entity = view.entity
        if (
            entity is None
            or entity.kind == "user"
            or entity.roles
            or (named.name, named.upn) != (party.name, party.upn)
        ):
            fact = Fact(place, _value(key, view), DIRECTORY, view.data, PROVIDER)
            self._draft.facts.append(fact)
            if view.mark == "between readings":
                self._draft.search[:0] = further_names(fact)
        return self._disambiguated(named, None if entity is None else entity.id)

    def _added_to(self, place: str, key: str, party: Party, earlier: PreservedObject, view: View | None) -> Party:
        """A party of a stored event: what that says stays, and what is new is added with its date."""
        entity = None if view is None else view.entity
        named = party._replace(
            name=party.name or earlier.name,
            upn=party.upn or earlier.upn,
            uid=party.uid or earlier.uid,
            user_type=_type(party, admin=earlier.admin, service=earlier.service),
        )
        if view is None or entity is None:
            return self._disambiguated(named, earlier.uid)
        if is_news(view, earlier, named=bool(party.name)):
            fact = self._preserved.added(place, _value(key, view), view)
            self._draft.facts.append(fact)
            self._draft.search[:0] = further_names(fact)
        if not earlier.standing:
            # Nothing was known then, and now something is.
            named = _named(named, view)
        elif named.kind in _VAGUE and directory.key(earlier.uid or "") == directory.key(entity.id):
            named = named._replace(kind=entity.kind)
        return self._disambiguated(named, earlier.uid or entity.id)

    def _disambiguated(self, party: Party, object_id: str | None) -> Party:
        return self._enrichment.confusable.disambiguated(party, object_id)


def _value(key: str, view: View) -> str:
    """The value that a fact is about: a user by his user name, others by what they were looked up by."""
    entity = view.entity
    if entity is None or entity.kind != "user" or not entity.upn:
        return key
    # A name that he had among others in a time that is summed up.
    return key if "by" in view.data and entity.upn.casefold() != key else entity.upn


def _named(party: Party, view: View) -> Party:
    entity = view.entity
    if entity is None:
        return party
    return party._replace(
        name=party.name or entity.name,
        upn=party.upn or entity.upn,
        uid=party.uid or entity.id,
        kind=entity.kind if party.kind in _VAGUE else party.kind,
        user_type=_type(party, admin=view.admin, service=view.service),
    )


def _type(party: Party, *, admin: bool, service: bool) -> int:
    """A kind of user: one that may have been an administrator is shown as one."""
    if party.user_type != USER:
        return party.user_type
    return ADMIN if admin else SERVICE if service else USER
