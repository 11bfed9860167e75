"""Rules of people's own, and what they have changed of those that are shipped. They are the installation's.

Every method may raise `Transient` when the store is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from aoc_common.contracts.alert import Severity


@dataclass(frozen=True, slots=True)
class RuleException:
    """What a rule is not to find: a Sigma filter document, with who wants it, why, and until when.

    `tenants`: only there; empty: everywhere. `until`: None: it does not end by itself.
    """

    id: str
    text: str
    author: str
    reason: str
    made_at: datetime
    until: datetime | None = None
    tenants: frozenset[str] = frozenset()

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return self.until is None or self.until > now


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What somebody did to a rule, in a few words. `revision`: the one that it made.

    `tenant`: whose exception it was; empty: it concerns all.
    """

    revision: int
    at: datetime
    author: str
    what: str
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule, or what is changed of one that is shipped.

    - `id`: the Sigma rule's. `text`: its YAML; None: the shipped one's stays.
    - `enabled`, `severity`: None leaves them as the rule has them; a rule is enabled unless it says so.
    - `attributes`: of the rule's `aoc`, those that are to be otherwise; None of one takes it away.
    - `revision`: counts each change, from 1. `history`: the latest changes, the last one last.
    - `mark`: another one after each change, also of a rule that was removed and made anew.
    """

    id: str
    text: str | None = None
    enabled: bool | None = None
    severity: Severity | None = None
    exceptions: tuple[RuleException, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    author: str = ""
    changed_at: datetime | None = None
    revision: int = 0
    history: tuple[RuleChange, ...] = ()
    mark: str = field(default="", compare=False)


class RuleStore(Protocol):
    """Keeps them."""

    async def marks(self) -> dict[str, str]:
        """Id -> mark, of all."""
        ...

    async def of(self, ids: Sequence[str]) -> Sequence[StoredRule]:
        """Those of these rules that are there."""
        ...

    async def write(self, rule: StoredRule) -> bool:
        """Store it with the next revision if the stored one still has its own; whether it had."""
        ...

    async def remove(self, rule_id: str) -> bool:
        """Remove it; False where there is none."""
        ...
