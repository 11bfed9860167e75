"""What it takes to make the gateway's rules those of files: a plan, which is shown, and then carried out."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import ValidationError
from sigma.correlations import SigmaCorrelationRule

from aoc_common.errors import BadConfiguration
from aoc_common.gateway.rules import RuleExceptionAsked, RuleRequest
from aoc_rules.catalogue import documents_of
from aoc_rules.correlation.reading import references
from aoc_rules.exceptions import excepted
from aoc_rules.sigma.faults import RuleRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aoc_cli.rules.files import Files
    from aoc_common.gateway.rules import RuleDetail, RuleOverlay
    from aoc_common.store.rules import RuleException

#: Stands for an attribute of which an overlay says nothing.
_LEFT: Final = object()

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
    """The steps, in the order in which they can be done. `there`: the gateway's, of the files and what people changed.

    `prune`: what people changed, and is in no file, is taken back; exceptions too. Raises `BadConfiguration` for files
    that no gateway would take.
    """
    named = {*files.rules, *files.overlays, *files.exceptions}
    if nowhere := sorted(named - files.rules.keys() - there.keys()):
        raise BadConfiguration(f"{', '.join(nowhere[:5])}: changed or excepted from, and neither a file's nor there")
    steps = [_step(files, identity, there.get(identity), prune=prune) for identity in named]
    if prune:
        others = [rule for identity, rule in there.items() if identity not in named and rule.source != "shipped"]
        others.sort(key=lambda rule: (not rule.correlation, rule.title.casefold(), rule.id))
        removed = [Step("remove", rule.id, rule.title, _taken_back(rule)) for rule in others]
    else:
        removed = []
    return [*_in_order(steps, files, there), *removed]


def _taken_back(rule: RuleDetail) -> tuple[str, ...]:
    return _lines(rule.text, "") if rule.shipped is None else _changed(rule, RuleRequest(exceptions=[]))


def _in_order(steps: Iterable[Step], files: Files, there: Mapping[str, RuleDetail]) -> list[Step]:
    """By title, those first that others name: a gateway refuses a correlation of rules that are not there."""
    ids = {str(name): one.id for one in files.rules.values() for name in (one.id, one.sigma.name) if name}
    by_id = {step.id: step for step in sorted(steps, key=lambda step: (step.title.casefold(), step.id))}
    later = {one: step for one, step in by_id.items() if _is_correlation(one, files, there)}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for one in later:
        sigma = files.rules[one].sigma if one in files.rules else None
        named = references(sigma) if isinstance(sigma, SigmaCorrelationRule) else []
        sorter.add(one, *(ids[name] for name in named if ids.get(name) in later))
    try:
        return [
            *(step for one, step in by_id.items() if one not in later),
            *(later[one] for one in sorter.static_order()),
        ]
    except CycleError as error:
        raise BadConfiguration(f"these correlations name one another: {', '.join(error.args[1])}") from None


def _is_correlation(identity: str, files: Files, there: Mapping[str, RuleDetail]) -> bool:
    if identity in files.rules:
        return isinstance(files.rules[identity].sigma, SigmaCorrelationRule)
    return there[identity].correlation


def _step(files: Files, identity: str, there: RuleDetail | None, *, prune: bool) -> Step:
    rule, said = files.rules.get(identity), files.overlays.get(identity, {})
    text = None if rule is None else rule.text
    if there is not None:
        if text is None and (not prune or there.shipped is None):
            text = there.overlay.text
        text = None if there.shipped is not None and _same_text(text, there.shipped) else text
    asked: dict[str, Any] = {"text": text, **said}
    if identity not in files.overlays and there is not None and not prune:
        asked |= there.overlay.model_dump(include={"enabled", "severity", "attributes"})
    exceptions = _exceptions(files.exceptions.get(identity, ()), there, prune=prune)
    if exceptions is not None:
        asked["exceptions"] = exceptions
    title = str(rule.sigma.title) if rule is not None else there.title if there is not None else identity
    try:
        request = RuleRequest.model_validate(asked)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadConfiguration(f"{title} ({identity}): {place}: {first['msg']}") from None
    if there is None:
        return Step("add", identity, title, _lines("", text or ""), request)
    lines = _changed(there, request)
    kind: Kind = "change" if lines else "unchanged"
    return Step(kind, identity, title, lines, request, there.revision)


def _exceptions(
    wanted: Iterable[RuleException], there: RuleDetail | None, *, prune: bool
) -> list[dict[str, Any]] | None:
    """Those of the files, beside those that are there; with `prune` in their place. None: they stay."""
    made = {one.id: one for one in wanted}
    if not made and not prune:
        return None
    held = {} if prune or there is None else {one.id: one for one in there.exceptions_in_force}
    return [_asked(one) for one in (held | made).values()]


def _asked(one: RuleException | RuleExceptionAsked) -> dict[str, Any]:
    return {"id": one.id, "text": one.text, "reason": one.reason, "until": one.until, "tenants": sorted(one.tenants)}


def _changed(there: RuleDetail, request: RuleRequest) -> tuple[str, ...]:
    before, after = there.overlay, request
    old = before.text if before.text is not None else there.shipped or ""
    new = after.text if after.text is not None else there.shipped or ""
    lines = [] if _same_text(old, new) else [*_lines(old, new)]
    for name in ("enabled", "severity"):
        if getattr(before, name) != getattr(after, name):
            lines += [f"-{name}: {_value(getattr(before, name))}", f"+{name}: {_value(getattr(after, name))}"]
    lines += [
        line
        for name in sorted({*before.attributes, *after.attributes})
        if before.attributes.get(name, _LEFT) != after.attributes.get(name, _LEFT)
        for line in (f"-aoc.{name}: {_attribute(before, name)}", f"+aoc.{name}: {_attribute(after, name)}")
    ]
    if after.exceptions is not None:
        held = {one.id: _key(one) for one in there.exceptions_in_force}
        wanted = {one.id: _key(one) for one in after.exceptions}
        lines += [f"-exception {one}" for one in held if held[one] != wanted.get(one)]
        lines += [f"+exception {one}" for one in wanted if held.get(one) != wanted[one]]
    return tuple(lines)


def _key(one: RuleExceptionAsked) -> tuple[object, ...]:
    try:
        what = excepted(one.text)
    except RuleRefused:
        what = one.text.strip()
    return what, one.reason, one.until, tuple(sorted(one.tenants))


def _value(value: object) -> str:
    return "as the rule says" if value is None else str(value).lower()


def _attribute(overlay: RuleOverlay, name: str) -> str:
    held = overlay.attributes.get(name, _LEFT)
    return "as the rule says" if held is _LEFT else "taken away" if held is None else json.dumps(held, default=str)


def _same_text(one: str | None, other: str | None) -> bool:
    return _parts(one or "") == _parts(other or "")


def _parts(text: str) -> list[str]:
    return [document.strip() for document in documents_of(text.replace("\r\n", "\n"))]


def _lines(old: str, new: str) -> tuple[str, ...]:
    return tuple(difflib.unified_diff(old.splitlines(), new.splitlines(), "now", "then", lineterm="", n=2))
