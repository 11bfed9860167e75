"""Entra ID in the unified log: directory changes (record type 8). Sign-ins (record type 15) are in `sign_ins`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_normalizer.draft import USER, Draft, Party
from aoc_normalizer.fields.changes import changes, names_in
from aoc_normalizer.mappers import relations
from aoc_normalizer.mappers.entities import acting, entity

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Record


def fill(record: Record, draft: Draft) -> None:
    """Who acted, on whom or what, and to whom or what that now belongs."""
    draft.used |= {"Actor", "Target", "ModifiedProperties"}
    draft.stated = (record.get("ModifiedProperties"),)
    draft.result_stated = record.get("ResultStatus") is not None
    _actor(record, draft)
    target = entity(record.get("Target"))
    if target.known:
        named = draft.targets[0] if draft.targets and (draft.targets[0].upn or draft.targets[0].name) else target
        kind = target.kind or ("user" if target.upn else _kind_of(draft.operation))
        draft.targets = [Party(target.name or named.name, target.upn or named.upn, target.uid, kind)]
    draft.changes = changes(record.get("ModifiedProperties"))
    draft.words |= names_in(draft.changes)
    relations.add(draft)


def _actor(record: Record, draft: Draft) -> None:
    found, through = acting(record.get("Actor"))
    if not found.known:
        return
    own = draft.actor
    if own.name and found.name:
        # The record calls its actor by two names, e.g. an application and `Certificate`.
        draft.search.append(own.name)
    service = found.kind == "service principal"
    draft.actor = Party(
        found.name or own.name,
        found.upn or own.upn,
        found.uid or own.uid,
        "user",
        found.user_type if service else own.user_type,
    )
    if service:
        through = found._replace(kind="application", user_type=USER)
    if through.known:
        # What acts for itself is named by its list alone; a person's record can name the application elsewhere too.
        app = draft.app
        draft.app = Party(through.name or app.name, uid=through.uid or app.uid, kind="application")


def _kind_of(operation: str) -> str | None:
    words = operation.casefold()
    return next(
        (
            kind
            for word, kind in (
                ("service principal", "service principal"),
                ("application", "application"),
                ("group", "group"),
                ("device", "device"),
                ("user", "user"),
                ("member", "user"),
            )
            if word in words
        ),
        None,
    )
