"""By what a record and its twin recognise each other: directory changes and users' sign-ins, of Graph and unified.

Computed from the record alone, before names are added: what the directory knows differs from one day to the next. What
was cut for showing is not used: whoever writes a record by what he does chooses where two values differ.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_common.contracts import ids, spelling
from aoc_common.contracts.twins import TwinFacts
from aoc_normalizer.fields import values
from aoc_normalizer.ocsf_classes import AUTHENTICATION
from aoc_normalizer.twins.change_hashes import hashed, statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.contracts.results import Result
    from aoc_common.contracts.twins import Lane
    from aoc_normalizer.draft import Draft, Party

_SIGN_IN: Final = "sign-in"
#: Families of records that come through both APIs; the unified log has many more records of its own family.
_LANES: Final[Mapping[str, Lane]] = {"directory-audit": "graph", _SIGN_IN: "graph", ids.UNIFIED: "unified"}
#: Sign-ins of users: those of applications are in Graph alone.
_SIGN_INS: Final = frozenset({"Sign-in", "Non-interactive sign-in", "UserLoggedIn", "UserLoginFailed"})
#: Words for "no id", in both lanes.
_NO_ID: Final = frozenset({"", "not available", "unknown", "00000000-0000-0000-0000-000000000000"})
#: From this length on an operation may have been cut, so two of them may be one.
_CUT_OPERATION: Final = 200
#: A role has two ids, its own and its template's; properties tell which of them both lanes mean.
_ROLE: Final = "role"
_NO_OTHERS: Final[Mapping[str, set[str]]] = {}


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
    operation = _operation(draft.operation)
    # Targets that were cut away are asserted too.
    if len(operation) >= _CUT_OPERATION or len(draft.stated) > max(1, len(draft.targets)):
        return None
    targets, others = _targets(draft.targets)
    if targets is None:
        return None
    result: Result = draft.result if draft.result_stated else "unknown"
    digest = _digest(tenant, actor, operation, result, *targets)
    session = _known_id(draft.action_id)
    return TwinFacts(lane, digest, statement(draft.stated, others), _hints(draft, session), session, None, result)


def _sign_in(draft: Draft, lane: Lane, tenant: str, actor: str) -> TwinFacts | None:
    """A sign-in tells no changes. Its code tells failures apart, and both lanes know it."""
    if draft.operation not in _SIGN_INS:
        return None
    code = draft.status_code or ("0" if draft.result == "success" else "?")
    digest = _digest(tenant, actor, f"{_SIGN_IN} {code}", draft.result, (draft.app.uid or "").casefold())
    resource = draft.targets[0].uid if draft.targets else None
    session = _known_id(draft.action_id)
    ip = draft.address.ip if draft.address else None
    return TwinFacts(
        lane, digest, _resource(resource) if resource else (), _hints(draft, session), session, ip, draft.result
    )


@lru_cache(maxsize=1024)
def _resource(uid: str) -> tuple[str, ...]:
    return statement((), {"resource": {uid.casefold()}}) if values.is_guid(uid) else ()


def _hints(draft: Draft, session: str | None) -> tuple[str, ...]:
    hints = tuple([one for one in (session, _known_id(draft.record_id)) if one is not None])
    if draft.correlation_id != draft.action_id and (other := _known_id(draft.correlation_id)) is not None:
        hints = (*hints, other)
    return hints


def _known_id(text: str | None) -> str | None:
    folded = text.casefold() if text else ""
    return None if folded in _NO_ID else folded


@lru_cache(maxsize=4096)
def _operation(operation: str) -> str:
    """One spelling of what was done."""
    return spelling.operation(operation).casefold()


@lru_cache(maxsize=8192)
def _identity(party: Party) -> str | None:
    """One spelling of who it is: both lanes know the object id, most often the name. None for a name that was cut."""
    if party.uid and values.is_guid(party.uid) and (uid := party.uid.casefold()) not in _NO_ID:
        return uid
    label = spelling.folded(party.upn or party.name or party.uid or "").strip().casefold()
    return None if label in _NO_ID or len(label) >= values.MAX_TEXT else label


def _targets(listed: Sequence[Party]) -> tuple[tuple[str, ...] | None, Mapping[str, set[str]]]:
    """Those that both lanes name: every user, e.g. who became a member of what, else the first one.

    Beside them the ids of the others by kind, of which a lane may tell fewer. None for one whose name was cut.
    """
    if len(listed) < 2:  # noqa: PLR2004  # the usual one, or none
        return (_target(listed[0]) if listed else ("",)), _NO_OTHERS
    chosen = [one for one in listed if one.kind == "user"] or listed[:1]
    found = [_target(one) for one in chosen]
    if None in found:
        return None, _NO_OTHERS
    named = sorted({name for one in found if one is not None for name in one})
    others: dict[str, set[str]] = {}
    for one in listed:
        if (
            one.uid
            and one.kind != _ROLE
            and one not in chosen
            and values.is_guid(one.uid)
            and (uid := one.uid.casefold()) not in named
        ):
            others.setdefault(one.kind or "", set()).add(uid)
    return tuple(named), others


@lru_cache(maxsize=8192)
def _target(party: Party) -> tuple[str] | None:
    """One target; None for one whose name was cut."""
    cut = len(party.upn or party.name or party.uid or "") >= values.MAX_TEXT
    return None if cut else (_identity(party) or "",)


def _digest(*parts: str) -> str:
    text = "\x1f".join(parts)
    if text.count("\x1f") != len(parts) - 1:  # somebody is called so
        text = repr(parts)
    return hashed(text)
