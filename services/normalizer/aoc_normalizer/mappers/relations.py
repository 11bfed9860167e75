"""The second object of a directory operation: whose member, owner, user or role somebody becomes, or no longer is.

Both lanes tell it by the names of modified properties (`Group.ObjectID`, `Application.DisplayName`, `User.UPN`), in the
new value where something was added and in the old one where it was removed. Graph lists the object among its targets
too, most often without a name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import Party
from aoc_normalizer.fields import values
from aoc_normalizer.render.sentences import listed_few

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_normalizer.draft import Change, Draft

#: What a property's name begins with, in lower case -> the kind of object.
_KINDS: Final = {
    "user": "user",
    "group": "group",
    "serviceprincipal": "service principal",
    "application": "application",
    "device": "device",
    "role": "role",
    "administrativeunit": "administrative unit",
    "accesspackage": "access package",
}
_MOST: Final = 100
_SCOPE: Final = re.compile(r"Scope:([^\],]*)")
_ORDINARY: Final = frozenset({"openid", "profile", "email", "offline_access", "user.read"})
#: What it ends with -> the attribute. `AppId` is no directory id of the object.
_ATTRIBUTES: Final = {
    "objectid": "uid",
    "displayname": "name",
    "upn": "upn",
    "userprincipalname": "upn",
}


def add(draft: Draft) -> None:
    """Add what the changes of a draft name beside its target, or name the targets that are listed without one."""
    for found in named_in(draft.changes):
        known = next((at for at, target in enumerate(draft.targets) if _same(target, found)), None)
        if known is None:
            draft.targets.append(found)
        else:
            target = draft.targets[known]
            draft.targets[known] = target._replace(
                name=target.name or found.name, upn=target.upn or found.upn, uid=target.uid or found.uid
            )
        if found.kind and found.kind != "user" and found.name:
            draft.words.setdefault(found.kind, found.name)
    role = draft.words.get("role") or next((t.spoken for t in draft.targets if t.kind == "role" and t.known), None)
    if role:
        draft.privileges = [role]
    elif granted := permissions_in(draft.changes):
        draft.privileges = granted
        draft.remark = f"for {listed_few(sorted(granted, key=_is_ordinary))}"


def _is_ordinary(permission: str) -> bool:
    """Whether nearly every application asks for it: what opens more is named before."""
    return permission.casefold() in _ORDINARY


def permissions_in(listed: Iterable[Change]) -> list[str]:
    """The delegated permissions that were granted or consented to: `Mail.Read`, `offline_access` ...

    A consent tells them in a text of Microsoft's own (`[] => [[Id: ..., Scope: Mail.Read User.Read]]; `).
    """
    for change in listed:
        name = change.name.casefold()
        text = change.new or change.old
        if not isinstance(text, str):
            continue
        if name == "delegatedpermissiongrant.scope":
            return text.split()[:_MOST]
        if name == "consentaction.permissions":
            before, arrow, after = text.partition("=>")
            had = set(_scopes(before)) if arrow else set()
            granted = _scopes(after if arrow else text)
            return ([name for name in granted if name not in had] or granted)[:_MOST]
    return []


def _scopes(text: str) -> list[str]:
    """The permissions of all grants in such a text: a consent has one for each service that it opens."""
    return list(dict.fromkeys(name for scope in _SCOPE.findall(text) for name in scope.split()))


def named_in(listed: Iterable[Change]) -> list[Party]:
    """The objects that changed properties name, in the order of the record."""
    found: dict[str, Party] = {}
    for change in listed:
        before, dot, after = change.name.casefold().partition(".")
        if not dot or (kind := _KINDS.get(before)) is None or (attribute := _ATTRIBUTES.get(after)) is None:
            continue
        value = change.new or change.old
        if isinstance(value, str):
            party = found.get(kind) or Party(kind=kind)
            if attribute == "upn":
                party = party._replace(upn=value.lower() if values.is_email(value) else value)
            else:
                party = party._replace(name=value) if attribute == "name" else party._replace(uid=value)
            found[kind] = party
    return list(found.values())


def _same(listed: Party, found: Party) -> bool:
    """Whether a target is the object that properties name: by its id, else by its kind where it has no name.

    A role has two ids, its own and its template's.
    """
    if listed.uid and found.uid and listed.uid.casefold() == found.uid.casefold():
        return True
    if listed.uid and found.uid and not (listed.kind == found.kind == "role"):
        return False
    if listed.upn and found.upn:
        return listed.upn == found.upn
    return listed.kind == found.kind and (not listed.name or listed.name == found.name)
