"""What every builder works with: the scene, and the ways in which Microsoft writes ids and times."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from random import Random

    from aoc_sim.inventory import Device, Directory, Person, Place

type Json = dict[str, Any]

Source = Literal[
    "graph-directory-audits",
    "graph-signins",
    "graph-signins-noninteractive",
    "graph-signins-serviceprincipal",
    "graph-signins-managedidentity",
    "graph-intune",
    "graph-alerts",
    "graph-risk-detections",
    "graph-risk-detections-serviceprincipal",
    "graph-risky-users",
    "graph-risky-serviceprincipals",
    "graph-pim-alerts",
    "o365-azuread",
    "o365-exchange",
    "o365-sharepoint",
    "o365-general",
    "o365-dlp",
]
SOURCES: tuple[Source, ...] = get_args(Source)
#: Their collections show the present state of somebody or something only: an earlier one is gone.
STATES: Final = frozenset({"graph-risky-users", "graph-risky-serviceprincipals", "graph-pim-alerts"})


@dataclass(slots=True)
class Scene:
    """One moment of one person's work: what a builder makes a record from."""

    rng: Random
    tenant: Directory
    at: datetime
    who: Person
    ip: str
    place: Place
    device: Device

    def other(self) -> Person:
        """A colleague."""
        return self.rng.choice(self.tenant.people)

    def admin(self) -> Person:
        """Somebody of the IT department."""
        return self.rng.choice(self.tenant.admins)

    def guid(self) -> str:
        """A GUID."""
        return hex_guid(self.rng.getrandbits(128))


type Builder = Callable[[Scene], Json]


class Raises(NamedTuple):
    """That a record is to be in an alert of a rule, by the rule's name in the pack.

    Records of a story with the same `rule` and `incident` are to be in one alert, and no other. `at_least`: of how many
    of these events the rule makes it, whichever they are.
    """

    rule: str
    incident: str = ""
    at_least: int = 1


class Draft(NamedTuple):
    """A record that is not published yet.

    `key` is its identity in its source when that is more than the record's own `Id`
    or `id`: DLP pairs share an Id and differ in Operation, states of one user's risk in
    time. Two drafts with the same `twin` are one action. `raises`: the alerts that it is to be in, by itself or by its
    twin.
    """

    source: Source
    at: datetime
    body: Json
    key: str | None = None
    twin: str | None = None
    raises: tuple[Raises, ...] = ()

    def identity(self) -> str:
        """The record's identity in its source."""
        return self.key or str(self.body.get("Id") or self.body["id"])


def hex_guid(bits: int) -> str:
    """128 bits in the 8-4-4-4-12 form; like Microsoft's ids, not always an RFC 9562 UUID."""
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def token_id(guid: str) -> str:
    """The unique id of a token of Entra's: 16 bytes in base64url, without padding."""
    return urlsafe_b64encode(bytes.fromhex(guid.replace("-", ""))).decode().rstrip("=")


def ual_time(at: datetime) -> str:
    """`2026-01-05T09:30:00`: 19 characters, no zone, UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def graph_time(at: datetime, rng: Random | None = None) -> str:
    """Up to 7 decimals without trailing zeros, then Z, as .NET writes it.

    The seventh decimal comes from `rng`; it is below a microsecond, so it never moves
    a record over a bound that is given in microseconds.
    """
    decimals = f"{at.microsecond:06d}{rng.randrange(10) if rng else 0}".rstrip("0")
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{decimals}" if decimals else "") + "Z"


def offset_time(at: datetime, hours: int) -> str:
    """The same moment with an offset, `...-08:00`, 7 decimals: Intune's other way."""
    local = at.astimezone(timezone(timedelta(hours=hours)))
    return local.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"0{hours:+03d}:00"


def us_time(at: datetime) -> str:
    """`1/5/2026 9:30:00 AM`, UTC, unpadded: what some property values hold."""
    hour = at.hour % 12 or 12
    return f"{at.month}/{at.day}/{at.year} {hour}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}"


def json_list(*values: str) -> str:
    r"""A JSON array in a string, with the line breaks that Entra writes: `"[\r\n  \"x\"\r\n]"`."""
    if not values:
        return "[]"
    return "[\r\n" + ",\r\n".join(f'  "{value}"' for value in values) + "\r\n]"


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A moment in UTC."""
    return datetime(year, month, day, hour, tzinfo=UTC)


def ual(
    scene: Scene,
    operation: str,
    record_type: int,
    workload: str,
    *,
    user_id: str | None = None,
    user_key: str | None = None,
    user_type: int = 0,
    result: str | None = None,
    ip: str | None = None,
    object_id: str | None = None,
) -> Json:
    """The head of a unified audit record, its keys in Microsoft's order.

    Optional keys that are None are absent, as in real records. Source:
    office-365-management-activity-api-schema.md, "Common schema".
    """
    record: Json = {
        "CreationTime": ual_time(scene.at),
        "Id": scene.guid(),
        "Operation": operation,
        "OrganizationId": scene.tenant.tenant_id,
        "RecordType": record_type,
    }
    if result is not None:
        record["ResultStatus"] = result
    record["UserKey"] = scene.who.puid if user_key is None else user_key
    record["UserType"] = user_type
    record["Version"] = 1
    record["Workload"] = workload
    if ip is not None:
        record["ClientIP"] = ip
    if object_id is not None:
        record["ObjectId"] = object_id
    record["UserId"] = scene.who.upn if user_id is None else user_id
    return record


def pairs(**values: str) -> list[Json]:
    """A `{Name, Value}` list."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


def named(items: list[tuple[str, str]]) -> list[Json]:
    """A `{Name, Value}` list whose names are no identifiers."""
    return [{"Name": name, "Value": value} for name, value in items]


def changes(*items: tuple[str, str, str]) -> list[Json]:
    """A `ModifiedProperties` list of (name, old, new)."""
    return [{"Name": name, "NewValue": new, "OldValue": old} for name, old, new in items]
