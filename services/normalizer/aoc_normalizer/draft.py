"""What a mapper fills in: the facts of a record, without the shape of OCSF."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aoc_common.contracts.results import Result

INFORMATIONAL: Final = 1
LOW: Final = 2
MEDIUM: Final = 3
HIGH: Final = 4
CRITICAL: Final = 5

USER: Final = 1
ADMIN: Final = 2
SYSTEM: Final = 3
SERVICE: Final = 4

#: Security identifiers that are nobody's own (windows-itpro-docs, security-identifiers.md), as sentences call them.
WELL_KNOWN: Final = {
    "S-1-0-0": "Nobody",
    "S-1-1-0": "Everyone",
    "S-1-5-7": "Anonymous",
    "S-1-5-10": "Self",
    "S-1-5-18": "Local System",
    "S-1-5-19": "Local Service",
    "S-1-5-20": "Network Service",
}


class Party(NamedTuple):
    """A user, application, group, device, file ...: whoever acts or is acted upon. `kind` in lower case."""

    name: str | None = None
    upn: str | None = None
    uid: str | None = None
    kind: str | None = None
    user_type: int = USER

    @property
    def known(self) -> bool:
        """Whether the record says who it is."""
        return bool(self.name or self.upn or self.uid)

    @property
    def label(self) -> str | None:
        """How a person would call it, for pivots: the address before the name before the id."""
        return self.upn or self.name or self.uid

    @property
    def spoken(self) -> str:
        """How a sentence calls it: the name before the address before the id."""
        return self.name or self.upn or (WELL_KNOWN.get(self.uid, self.uid) if self.uid else "somebody")


NOBODY: Final = Party()


class Address(NamedTuple):
    """A parsed address: canonical text and the port, if the record has one."""

    ip: str
    port: int | None = None


class Device(NamedTuple):
    """What an actor sits at. `os`: the system's name, as the record has it."""

    name: str | None = None
    uid: str | None = None
    os: str | None = None


#: The kind of fact that tells of an object of the tenant's directory.
DIRECTORY: Final = "directory"


class Fact(NamedTuple):
    """Something known of a value of the event that OCSF has no attribute for. `about` names the attribute.

    `kind`: what sort of knowledge (`directory`, `conditional access` ...). `data` has keys of ours only.
    """

    about: str
    value: str
    kind: str
    data: Mapping[str, Any]
    provider: str | None = None


class Change(NamedTuple):
    """A property that changed. Values are decoded from JSON in strings: scalars or lists of them; None is unknown."""

    name: str
    old: Any
    new: Any


@dataclass(slots=True)
class Draft:
    """The facts of one record. `used`: its fields that found a home; the others become `unmapped`.

    `sentence` makes the message, once names for ids are known; without the mapper's own it is a sentence of `phrase`
    (the operation's, or `otherwise` where a name for that is missing), `words` (names beyond the targets') and
    `remark` (what it must not leave out).
    `spelt`: the operation as the record spells it, where that has characters that nobody sees.
    `content`: the record inside a wrapper, by which one without an id is known. `former`: families and record ids by
    which older versions of AOC identified the same record. `coarse_ms`: when it happened by another interface that
    brings the same record, where that tells it less exactly; `exact_elsewhere`: another one may tell it more exactly
    than to the second.

    For twins, of records that can have one: `stated` has the lists of changed properties as the record has them, whole
    (`changes` are cut to what can be shown); `action_id` the id that both lanes tell of one action; `result_stated` is
    whether the record itself says how it ended.
    """

    record_id: str | None = None
    family: str = "generic"
    time_ms: int | None = None
    original_time: str | None = None
    product: str = "Microsoft 365"
    service: str = "m365"
    log_name: str | None = None
    organisation: str | None = None
    operation: str = ""
    spelt: str | None = None
    result: Result = "unknown"
    status_code: str | None = None
    status_detail: str | None = None
    class_uid: int = 6003
    activity_id: int = 99
    severity: int = INFORMATIONAL
    phrase: str | None = None
    otherwise: str | None = None
    words: dict[str, str] = field(default_factory=dict)
    remark: str | None = None
    sentence: Callable[[Draft], str] | None = None
    actor: Party = NOBODY
    app: Party = NOBODY
    address: Address | None = None
    location: Mapping[str, Any] | None = None
    network: Mapping[str, Any] | None = None
    user_agent: str | None = None
    correlation_id: str | None = None
    session_uid: str | None = None
    mfa: bool | None = None
    factors: Sequence[str] = ()
    device: Device | None = None
    targets: list[Party] = field(default_factory=list)
    privileges: Sequence[str] = ()
    parameters: Sequence[tuple[str, str]] = ()
    changes: list[Change] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    rest: dict[str, Any] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)
    former: list[tuple[str, str]] = field(default_factory=list)
    coarse_ms: int | None = None
    exact_elsewhere: bool = False
    stated: tuple[Any, ...] = ()
    action_id: str | None = None
    result_stated: bool = True
