"""What it takes to make the gateway's rules those of files: a plan, which is shown, and then carried out."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aoc_common.gateway.rules import RuleExceptionAsked, RuleRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_cli.rules.files import Files
    from aoc_common.gateway.rules import RuleDetail
    from aoc_common.store.rules import RuleException

type Kind = Literal["add", "change", "remove", "unchanged"]


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a rule. `difference`: lines of a diff. `revision`: the one that is changed."""

    kind: Kind
    id: str
    title: str
    difference: tuple[str, ...] = ()
    request: RuleRequest | None = None
    revision: int = 0


def plan(files: Files, there: Mapping[str, RuleDetail], *, prune: bool) -> list[Step]:
    """The steps, by title. `there`: the gateway's rules, at least those of the files and what people changed.

    `prune`: what people changed, and is in no file, is taken back; exceptions too.
    """
    named = {*files.rules, *files.overlays, *files.exceptions}
    steps = [_step(files, identity, there.get(identity), prune=prune) for identity in named]
    if prune:
        others = (rule for identity, rule in there.items() if identity not in named and rule.source != "shipped")
        steps += [Step("remove", rule.id, rule.title, _lines(rule.text, "")) for rule in others]
    return sorted(steps, key=lambda step: (step.title.casefold(), step.id))


def _step(files: Files, identity: str, there: RuleDetail | None, *, prune: bool) -> Step:
    rule, said = files.rules.get(identity), files.overlays.get(identity, {})
    text = None if rule is None else rule.text
    if there is not None:
        text = there.overlay.text if text is None else text
        text = None if there.shipped is not None and _same_text(text, there.shipped) else text
    asked: dict[str, Any] = {"text": text, **said}
    if identity not in files.overlays and there is not None and not prune:
        asked |= {"enabled": there.overlay.enabled, "severity": there.overlay.severity}
    exceptions = _exceptions(files.exceptions.get(identity, ()), there, prune=prune)
    if exceptions is not None:
        asked["exceptions"] = exceptions
    request = RuleRequest.model_validate(asked)
    title = str(rule.sigma.title) if rule is not None else there.title if there is not None else identity
    if there is None:
        return Step("add", identity, title, _lines("", text or ""), request)
    lines = _changed(there, request)
    kind: Kind = "change" if lines else "unchanged"
    return Step(kind, identity, title, lines, request, there.revision)


def _exceptions(
    wanted: Iterable[RuleException], there: RuleDetail | None, *, prune: bool
) -> list[dict[str, Any]] | None:
    """Those of the files, beside those that are there; with `prune` in their place. None: they stay."""
    made = {one.id: _asked(one) for one in wanted}
    if not made and not prune:
        return None
    held = {} if prune or there is None else {one.id: one for one in there.exceptions_in_force}
    kept = [RuleExceptionAsked.model_validate(one.model_dump(include=_FIELDS)) for one in held.values()]
    return [one.model_dump(mode="json") for one in (*(one for one in kept if one.id not in made), *made.values())]


_FIELDS = set(RuleExceptionAsked.model_fields)


def _asked(one: RuleException) -> RuleExceptionAsked:
    return RuleExceptionAsked(id=one.id, text=one.text, reason=one.reason, until=one.until, tenants=sorted(one.tenants))


def _changed(there: RuleDetail, request: RuleRequest) -> tuple[str, ...]:
    before, after = there.overlay, request
    old = before.text if before.text is not None else there.shipped or ""
    new = after.text if after.text is not None else there.shipped or ""
    lines = [] if _same_text(old, new) else [*_lines(old, new)]
    for name in ("enabled", "severity"):
        if getattr(before, name) != getattr(after, name):
            lines += [f"-{name}: {_value(getattr(before, name))}", f"+{name}: {_value(getattr(after, name))}"]
    if after.exceptions is not None:
        held = {one.id: _key(one) for one in there.exceptions_in_force}
        wanted = {one.id: _key(one) for one in after.exceptions}
        lines += [f"-exception {one}" for one in held if held[one] != wanted.get(one)]
        lines += [f"+exception {one}" for one in wanted if held.get(one) != wanted[one]]
    return tuple(lines)


def _key(one: RuleExceptionAsked) -> tuple[object, ...]:
    return one.text.strip(), one.reason, one.until, tuple(sorted(one.tenants))


def _value(value: object) -> str:
    return "as the rule says" if value is None else str(value).lower()


def _same_text(one: str | None, other: str | None) -> bool:
    return (one or "").strip() == (other or "").strip()


def _lines(old: str, new: str) -> tuple[str, ...]:
    return tuple(difflib.unified_diff(old.splitlines(), new.splitlines(), "now", "then", lineterm="", n=2))
