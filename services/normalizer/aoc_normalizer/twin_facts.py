"""By what a record and its twin recognise each other: directory changes and users' sign-ins, of Graph and unified.

Computed from the record alone, before names are added: what the directory knows differs from one day to the next. What
was cut for showing is not used: whoever writes a record by what he does chooses where two values differ.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import spelling
from aoc_common.contracts.twins import TwinFacts
from aoc_normalizer.fields import values
from aoc_normalizer.ocsf import AUTHENTICATION
from aoc_normalizer.statements import hashed, statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.contracts.event import Result
    from aoc_common.contracts.twins import Lane
    from aoc_normalizer.draft import Draft, Party

_SIGN_IN: Final = "sign-in"
#: Families of records that come through both APIs; the unified log has many more records of its own family.
_LANES: Final[Mapping[str, Lane]] = {"directory-audit": "graph", _SIGN_IN: "graph", "ual": "unified"}
#: Sign-ins of users: those of applications are in Graph alone.
_SIGN_INS: Final = frozenset({"Sign-in", "Non-interactive sign-in", "UserLoggedIn", "UserLoginFailed"})
#: Words for "no id", in both lanes.
_NO_ID: Final = frozenset({"", "not available", "unknown", "00000000-0000-0000-0000-000000000000"})
#: From this length on an operation may have been cut, so two of them may be one.
_CUT_OPERATION: Final = 200


def of(draft: Draft, tenant: str) -> TwinFacts | None:
    """The facts of a record that can have a twin, else None."""
    lane = _LANES.get(draft.family)
    if lane is None or draft.service != "entra" or not draft.time_ms:
        return None
    actor = _identity(draft.actor)
    if actor is None:
        return None
    if draft.class_uid == AUTHENTICATION and draft.family != "directory-audit":
        return _sign_in(draft, lane, tenant, actor)
    operation = spelling.operation(draft.operation).casefold()
    # Targets that were cut away are asserted too.
    if len(operation) >= _CUT_OPERATION or len(draft.stated) > max(1, len(draft.targets)):
        return None
    targets, others = _targets(draft.targets)
    if targets is None:
        return None
    result: Result = draft.result if draft.result_said else "unknown"
    return TwinFacts(
        lane,
        _digest(tenant, actor, operation, result, *targets),
        told=statement(draft.stated, others),
        hints=_hints(draft),
        session=_told_id(draft.action_id),
        result=result,
    )


def _sign_in(draft: Draft, lane: Lane, tenant: str, actor: str) -> TwinFacts | None:
    """A sign-in tells no changes. Its code tells failures apart, and both lanes know it."""
    if draft.operation not in _SIGN_INS:
        return None
    code = draft.status_code or ("0" if draft.result == "success" else "?")
    app = (draft.app.uid or "").casefold()
    resource = draft.targets[0].uid if draft.targets else None
    others = {"resource": {resource.casefold()}} if resource and values.is_guid(resource) else {}
    return TwinFacts(
        lane,
        _digest(tenant, actor, f"{_SIGN_IN} {code}", draft.result, app),
        told=statement((), others),
        hints=_hints(draft),
        session=_told_id(draft.action_id),
        ip=draft.address.ip if draft.address else None,
        result=draft.result,
    )


def _hints(draft: Draft) -> tuple[str, ...]:
    told = (draft.action_id, draft.correlation_id, draft.record_id)
    return tuple(sorted({hint for said in told if (hint := _told_id(said)) is not None}))


def _told_id(said: str | None) -> str | None:
    told = said.casefold() if said else ""
    return None if told in _NO_ID else told


@lru_cache(maxsize=8192)
def _identity(party: Party) -> str | None:
    """One spelling of who it is: both lanes know the object id, most often the name too. None for a name that was cut."""
    if party.uid and values.is_guid(party.uid) and (uid := party.uid.casefold()) not in _NO_ID:
        return uid
    label = (party.upn or party.name or party.uid or "").strip().casefold()
    return None if label in _NO_ID or len(label) >= values.MAX_TEXT else label


def _targets(listed: Sequence[Party]) -> tuple[list[str] | None, dict[str, set[str]]]:
    """Those that both lanes name: every user, e.g. who became a member of what, else the first one.

    Beside them the ids of the others by kind, of which a lane may tell fewer. None for one whose name was cut.
    """
    if not listed:
        return [""], {}
    chosen = [one for one in listed if one.kind == "user"] or [listed[0]]
    named = [_identity(one) for one in chosen]
    if len(listed) == 1:
        return ([named[0] or ""] if _whole(chosen[0]) else None), {}
    found: dict[str, set[str]] = {}
    for one in listed:
        if one.uid and values.is_guid(one.uid) and (uid := one.uid.casefold()) not in named:
            found.setdefault(one.kind or "", set()).add(uid)
    return (sorted({one or "" for one in named}) if all(map(_whole, chosen)) else None), found


def _whole(party: Party) -> bool:
    return len(party.upn or party.name or party.uid or "") < values.MAX_TEXT


def _digest(*parts: str) -> str:
    return hashed("".join([f"{len(part)}:{part}" for part in parts]))
