"""The one sentence that tells an event, in plain words and with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.fields import credentials, signin_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_normalizer.draft import Change, Draft, Party

#: Changes that a sentence names, and characters of a value in it.
_MOST_NAMED: Final = 3
_BRIEF: Final = 40
#: Kinds of what may be a person.
_ANYBODY: Final = frozenset({None, "user", "mailbox", "object"})
_PEOPLE: Final = frozenset({"user", "mailbox"})
#: Kinds of which others become members, owners or users, and that can be members themselves where another is named.
_CONTAINERS: Final = frozenset({"group", "role", "application", "service principal", "device", "administrative unit"})
#: After these, whoever acted is "themselves".
_TO_ONESELF: Final = frozenset({"added", "assigned", "gave", "invited", "made", "removed"})
#: The one property that holds a whole policy: what changed of it is said without its name.
_WHOLE_POLICY: Final = "ConditionalAccessPolicy."
#: Properties that repeat what actor and target are.
_OF_IDS: Final = ("targetid.", "actorid.")
#: ... and those of the program that made the change.
_OF_THE_CALLER: Final = frozenset({"spn", "action client name"})


def sentence(draft: Draft) -> str:
    """`Dana Reyes added Sam Ortiz to role Global Administrator`: the actor, and the operation's phrase.

    A phrase's `{target}` is the first target, `{user}`, `{group}`, `{role}` ... the one of that kind, unless the mapper
    has others in `draft.words`. Where a name is missing the operation's other words count, and without any: "ran
    <operation> on <target>".
    """
    actor = draft.actor.spoken if draft.actor.known else draft.app.spoken if draft.app.known else "Somebody"
    target = None
    if draft.targets and draft.targets[0].known:
        target = actor if _is_actor(draft.targets[0], draft.actor) else draft.targets[0].spoken
    text = _filled(draft, target)
    if text is None:
        text = f"ran {draft.operation or 'an unnamed operation'}" + (f" on {target}" if target else "")
    elif target and target == actor:
        text = _own(text, target)
    text = _to_oneself(text, actor)
    if draft.changes and (keys := credentials.described(draft.changes)):
        text += f", {keys}"
    elif draft.changes and text.startswith("changed ") and (described := _described(draft.changes)):
        text += f": {described}"
    if draft.remark:
        text += f", {draft.remark}"
    if draft.result == "failure":
        return f"Failed: {actor} {text}" + (f": {draft.status_detail}" if draft.status_detail else "")
    return f"{actor} {text}"


def _filled(draft: Draft, target: str | None) -> str | None:
    """The operation's phrase with its names, or its other words; None where names are missing for both."""
    if draft.phrase is None:
        return None
    names = _names(draft, target)
    for phrase in (draft.phrase, draft.otherwise):
        if phrase is not None:
            try:
                return phrase.format_map(names)
            except KeyError:
                continue
    return None


def _names(draft: Draft, target: str | None) -> dict[str, str]:
    """Names by kind, the first of each; `user` is also what else became a member, `second` what it is a member of."""
    listed = [draft.actor if _is_actor(party, draft.actor) else party for party in draft.targets]
    found = {party.kind: party.spoken for party in reversed(listed) if party.kind and party.known}
    if target:
        found["target"] = target
        kind = listed[0].kind
        if "user" not in found and (kind in _ANYBODY or (kind in _CONTAINERS and len(listed) > 1)):
            found["user"] = target
    if len(listed) > 1 and listed[1].known:
        found["second"] = listed[1].spoken
        if listed[0].kind == listed[1].kind in _CONTAINERS:  # of a group in a group the second is the one it is in
            found[listed[1].kind or ""] = listed[1].spoken
    return found | draft.words


def _is_actor(party: Party, actor: Party) -> bool:
    """Whether it is who acted, by another name: then the sentence has one name for both.

    Only of a target that has its address or its id alone: two records call nobody by two names.
    """
    if party.name or party.kind not in _PEOPLE or not actor.name:
        return False
    return bool((party.upn and party.upn == actor.upn) or (party.uid and party.uid == actor.uid))


def _described(changes: Sequence[Change]) -> str:
    """`department from Sales to Legal, title and 2 more`: the first few changes, with values that are short."""
    telling = [
        change
        for change in changes
        if not (folded := change.name.casefold()).startswith(_OF_IDS) and folded not in _OF_THE_CALLER
    ]
    shown = [_change(change) for change in telling[:_MOST_NAMED]]
    return listed_few(shown + [""] * (len(telling) - len(shown)))


def _change(change: Change) -> str:
    old, new, name = _brief(change.old), _brief(change.new), change.name.removeprefix(_WHOLE_POLICY)
    if new is not None:
        return f"{name} from {old} to {new}" if old is not None else f"{name} set to {new}"
    return f"{name} cleared (was {old})" if old is not None and change.new is None else name


def _brief(value: Any) -> str | None:
    """A value that a sentence has room for."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, (str, int, float)) else None
    return text if text and len(text) <= _BRIEF else None


def _own(text: str, name: str) -> str:
    """`the password of X` by X is `their own password`."""
    for thing in ("password", "sessions", "inbox rules"):
        text = text.replace(f"the {thing} of {name}", f"their own {thing}")
    text = text.replace(f"mail of {name}", "their own mail")
    for before in ("mailbox ", "mail in ", "mail from ", "item in "):
        if text.endswith(before + name):
            return f"{text.removesuffix(name).removesuffix('mailbox ')}their own mailbox"
    return text.removesuffix(name) + "themselves" if text.endswith((f" for {name}", f" of {name}")) else text


def _to_oneself(text: str, actor: str) -> str:
    """`gave dana access to ...` by dana is `gave themselves access to ...`."""
    verb, _, rest = text.partition(" ")
    if verb in _TO_ONESELF and rest.startswith(f"{actor} "):
        return f"{verb} themselves{rest.removeprefix(actor)}"
    return text


def listed_few(names: Sequence[str]) -> str:
    """`Kim, Sam and Dana`, `Kim, Sam, Dana and 5 more`."""
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def sign_in(draft: Draft) -> str:
    """`Sign-in of kim@... from 203.0.113.9 (Lisbon) to Teams failed: wrong password (50126)`."""
    who = draft.actor.upn or draft.actor.spoken if draft.actor.known else draft.app.spoken
    place = f" from {draft.address.ip}" if draft.address else ""
    city = (draft.location or {}).get("city") or (draft.location or {}).get("country")
    if place and city:
        place += f" ({city})"
    service = next((target.name for target in draft.targets if target.kind == "service" and target.name), None)
    text = f"Sign-in of {who}{place}" + (f" to {service}" if service else "")
    text += f" by {draft.words['way']}" if "way" in draft.words else ""
    code = signin_errors.number(draft.status_code)
    if draft.result == "failure":
        reason = ", ".join(part for part in (draft.status_detail or "no reason given", draft.remark) if part)
        return f"{text} failed: {reason}" + (f" ({code})" if code else "")
    if code:
        return f"{text} went on: {signin_errors.words(code) or 'a further step'} ({code})"
    if draft.result == "unknown":
        return f"{text}: the record does not say how it ended"
    return f"{text} succeeded"
