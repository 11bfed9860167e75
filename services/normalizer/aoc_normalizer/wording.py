"""The one sentence that tells an event, in plain words and with names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_normalizer import signin_errors

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft


def sentence(draft: Draft) -> str:
    """`Dana Reyes added Sam Ortiz to role Global Administrator`: the actor, and the operation's phrase.

    A phrase's `{target}` is the first target, `{user}`, `{group}`, `{role}` ... the first of that kind, unless the
    mapper said otherwise in `draft.words`. Without a phrase, or without what it needs: "ran <operation> on <target>".
    """
    actor = draft.actor.spoken if draft.actor.known else draft.app.spoken if draft.app.known else "Somebody"
    target = draft.targets[0].spoken if draft.targets and draft.targets[0].known else None
    text = None
    if draft.phrase is not None:
        try:
            text = draft.phrase.format_map(_names(draft, target))
        except KeyError:
            text = None
    if text is None:
        text = f"ran {draft.operation or 'an unnamed operation'}" + (f" on {target}" if target else "")
    elif target and target == actor:
        text = _own(text, target)
    if draft.remark:
        text += f", {draft.remark}"
    return f"Failed: {actor} {text}" if draft.result == "failure" else f"{actor} {text}"


def _names(draft: Draft, target: str | None) -> dict[str, str]:
    found = {"target": target, "user": target} if target else {}
    for party in reversed(draft.targets):
        if party.kind and party.known:
            found[party.kind] = party.spoken
    return found | draft.words


def _own(text: str, name: str) -> str:
    """`the password of X` by X is `their own password`."""
    for thing in ("password", "sessions", "inbox rules"):
        text = text.replace(f"the {thing} of {name}", f"their own {thing}")
    text = text.replace(f"mail of {name}", "their own mail")
    for before in ("mailbox ", "mail in ", "mail from ", "item in "):
        if text.endswith(before + name):
            return f"{text.removesuffix(name).removesuffix('mailbox ')}their own mailbox"
    return text.removesuffix(name) + "themselves" if text.endswith((f" for {name}", f" of {name}")) else text


def sign_in(draft: Draft) -> str:
    """`Sign-in of kim@... from 203.0.113.9 (Lisbon) to Teams failed: wrong password (50126)`."""
    who = draft.actor.upn or draft.actor.spoken if draft.actor.known else draft.app.spoken
    place = f" from {draft.address.ip}" if draft.address else ""
    city = (draft.location or {}).get("city") or (draft.location or {}).get("country")
    if place and city:
        place += f" ({city})"
    service = next((target.name for target in draft.targets if target.kind == "service" and target.name), None)
    said = f"Sign-in of {who}{place}" + (f" to {service}" if service else "")
    code = signin_errors.number(draft.status_code)
    if draft.result == "failure":
        return f"{said} failed: {draft.status_detail or 'no reason given'}" + (f" ({code})" if code else "")
    if code:
        return f"{said} went on: {signin_errors.words(code) or 'a further step'} ({code})"
    if draft.result == "unknown":
        return f"{said}: the record does not say how it ended"
    return f"{said} succeeded"
