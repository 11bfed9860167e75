"""By what a record and its twin recognise each other: directory changes and users' sign-ins, of Graph and unified.

Computed from the record alone, before names are added: what the directory knows differs from one day to the next.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import spelling
from aoc_common.contracts.twins import TwinFacts
from aoc_normalizer.fields import values
from aoc_normalizer.ocsf import AUTHENTICATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.contracts.twins import Lane
    from aoc_normalizer.draft import Change, Draft, Party

_SIGN_IN: Final = "sign-in"
#: Families of records that come through both APIs; the unified log has many more records of its own family.
_LANES: Final[Mapping[str, Lane]] = {"directory-audit": "graph", _SIGN_IN: "graph", "ual": "unified"}
#: Sign-ins of users: those of applications are in Graph alone.
_SIGN_INS: Final = frozenset({"Sign-in", "Non-interactive sign-in", "UserLoggedIn", "UserLoginFailed"})
#: The unified log's words for "no id".
_NO_ID: Final = frozenset({"", "not available", "unknown", "00000000-0000-0000-0000-000000000000"})
_MAX_TOLD: Final = 24
#: Characters of a value that may come again, e.g. `true`: its hash is remembered.
_SHORT: Final = 40


def of(draft: Draft, tenant: str) -> TwinFacts | None:
    """The facts of a record that can have a twin, else None."""
    lane = _LANES.get(draft.family)
    if lane is None or draft.service != "entra" or not draft.time_ms:
        return None
    actor = _identity(draft.actor)
    if actor is None:
        return None
    hints = tuple({hint.casefold() for hint in (draft.correlation_id, draft.record_id) if hint})
    if draft.class_uid == AUTHENTICATION and draft.family != "directory-audit":
        if draft.operation not in _SIGN_INS:
            return None
        # The code tells failures apart and success from failure; both lanes know it.
        digest = _digest(tenant, actor, f"{_SIGN_IN} {_code(draft)}", (draft.app.uid or "").casefold())
        return TwinFacts(
            lane,
            digest,
            hints=hints,
            session=(draft.correlation_id or "").casefold() or None,
            ip=draft.address.ip if draft.address else None,
        )
    digest = _digest(tenant, actor, spelling.operation(draft.operation).casefold(), _target(draft.targets))
    return TwinFacts(lane, digest, told=_told(draft.changes), hints=hints)


def _code(draft: Draft) -> str:
    return draft.status_code or ("0" if draft.result == "success" else "?")


@lru_cache(maxsize=8192)
def _identity(party: Party) -> str | None:
    """One spelling of who it is: both lanes know the object id, most often the name too."""
    if party.uid and values.is_guid(party.uid) and (uid := party.uid.casefold()) not in _NO_ID:
        return uid
    label = (party.upn or party.name or party.uid or "").strip().casefold()
    return None if label in _NO_ID else label


def _target(targets: Sequence[Party]) -> str:
    """The one target that both lanes name: of several the user, e.g. who became a member of what."""
    chosen = next((target for target in targets if target.kind == "user"), targets[0] if targets else None)
    return (chosen and _identity(chosen)) or ""


def _digest(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=12).hexdigest()


def _told(changes: Sequence[Change]) -> tuple[str, ...]:
    """`name:value` of each changed property, hashed: the new value, or the old one of what was taken away."""
    told: dict[str, str] = {}
    for change in changes[:_MAX_TOLD]:
        said = _plain(change.new if change.new is not None else change.old)
        told.setdefault(_name_hash(change.name), _often(said) if len(said) <= _SHORT else _hash(said, 8))
    return tuple(sorted(f"{name}:{value}" for name, value in told.items()))


@lru_cache(maxsize=4096)
def _name_hash(name: str) -> str:
    return _hash(name.casefold(), 4)


@lru_cache(maxsize=8192)
def _often(said: str) -> str:
    return _hash(said, 8)


def _plain(value: Any) -> str:
    """A value in one spelling: `true`, `True` and `["True"]` are the same."""
    if isinstance(value, list):
        return "\x1e".join(map(_plain, value))
    return "" if value is None else str(value).strip().casefold()


def _hash(text: str, size: int) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=size).hexdigest()
