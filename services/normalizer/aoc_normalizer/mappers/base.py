"""What a mapper is, and what several of them need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer import operations
from aoc_normalizer.draft import ADMIN, SERVICE, SYSTEM, USER, Draft, Party
from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Callable

_SYSTEM: Final = re.compile(r"(?i)^(nt authority|system)\b|\\system$")

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mapper:
    """Takes the records of one shape.

    `recognises` looks at a few keys only. `fill` writes what it finds into a draft; it may raise: the record then
    becomes a generic event that says so. `version` grows when its output changes, so that stored records can be mapped
    again.
    """

    name: str
    version: int
    recognises: Callable[[Record], bool]
    fill: Callable[[Record, Draft], None]


def user_party(record: Record) -> Party:
    """A Graph user identity: `id`, `displayName`, `userPrincipalName`."""
    upn = values.first(record, "userPrincipalName", "upn", "UPN")
    name = values.first(record, "displayName", "userDisplayName", "name")
    return Party(name=name, upn=upn.lower() if upn else None, uid=values.first(record, "id", "userId"), kind="user")


def named_party(identity: str | None, kind: str = "user") -> Party:
    """A party out of one string: an address, a GUID or a name."""
    if identity is None:
        return Party(kind=kind)
    if values.is_email(identity):
        return Party(upn=identity.lower(), kind=kind, user_type=USER)
    if values.is_guid(identity):
        return Party(uid=identity, kind=kind)
    system = _SYSTEM.search(identity) is not None
    service = identity.startswith(("ServicePrincipal_", "Certificate")) or "serviceprincipal" in identity.lower()
    return Party(name=identity, kind=kind, user_type=SYSTEM if system else SERVICE if service else USER)


def admin(party: Party) -> Party:
    """The same party, as an administrator."""
    return Party(party.name, party.upn, party.uid, party.kind, ADMIN)


def apply_operation(draft: Draft, operation: str | None) -> operations.Meaning:
    """Set operation, class, activity and severity from the table."""
    draft.operation = operations.shown(operation or "")
    found = operations.meaning(draft.operation)
    draft.class_uid, draft.activity_id, draft.severity = found.class_uid, found.activity_id, found.severity
    return found


def sentence(draft: Draft, phrase: str | None, **names: str | None) -> str:
    """`Dana Reyes added Sam Ortiz to role Global Administrator`, from a phrase of the operations table."""
    actor = draft.actor.spoken if draft.actor.known else draft.app.spoken if draft.app.known else "Somebody"
    target = draft.targets[0].spoken if draft.targets and draft.targets[0].known else None
    known = {"target": target, **names}
    text = None
    if phrase is not None:
        try:
            text = phrase.format_map(_Required(known))
        except KeyError:
            text = None
    if text is None:
        text = f"ran {draft.operation or 'an unnamed operation'}" + (f" on {target}" if target else "")
    elif target and target == actor:
        text = _own(text, target)
    if draft.remark:
        text += f", {draft.remark}"
    return f"Failed: {actor} {text}" if draft.result == "failure" else f"{actor} {text}"


def _own(text: str, name: str) -> str:
    """`the password of X` by X is `their own password`."""
    for thing in ("password", "sessions", "inbox rules"):
        text = text.replace(f"the {thing} of {name}", f"their own {thing}")
    text = text.replace(f"mail of {name}", "their own mail")
    for before in ("mailbox ", "mail in ", "mail from ", "item in "):
        if text.endswith(before + name):
            return f"{text.removesuffix(name).removesuffix('mailbox ')}their own mailbox"
    return text.removesuffix(name) + "themselves" if text.endswith((f" for {name}", f" of {name}")) else text


class _Required(dict[str, str | None]):
    def __getitem__(self, name: str) -> str:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found
