"""Values that no mapper reads, and that name something: a person, a file, a host, a message, a token.

Mappers know where a record says who did what to whom. Services add fields as they like, deep inside of lists of
entities, actions and items; an analyst types what stands there. Which of them name something is told by the name of the
field, wherever it stands. What is the same in thousands of records (ids of the tenant, versions, servers, conditional
access policies that had no say) is not among them: it would cost every event a term, and finds none.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

type Kind = Literal["address", "words", "id", "path", "url", "prose"]
"""How a value is searched for, the most telling first. What is `prose` in a list is the same for all that list it."""

type _Object = tuple[Mapping[str, Any], bool]
"""An object in a record, and whether it stands in a list."""

#: Ends of names of fields, in lower case. Sources: the references of Graph's resources, of the unified log's schemas
#: and of advanced hunting's tables; Microsoft names alike what is alike.
_ENDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "address": ("ip", "ips", "ipaddress", "ipaddresses", "ipv4", "ipv6", "address"),
    "words": (
        "displayname", "username", "accountname", "principalname", "upn", "devicename", "hostname", "machinename",
        "filename", "rulename", "policyname", "groupname", "teamname", "channelname", "sitename", "appname",
        "applicationname", "email", "mailaddress", "emailaddress", "smtpaddress", "primaryaddress", "recipient",
        "recipients", "sender", "subject", "title", "commandline", "attachments", "malwarefamily",
        "threatname", "threatnames", "threatfamily",
    ),
    "id": (
        "sha256", "sha1", "md5", "messageid", "messageids", "alertid", "alertids", "investigationid", "incidentid",
        "sessionid", "correlationid", "uniquetokenid", "uniquetokenidentifier", "signinactivityid", "accountsid",
    ),
    "path": ("path",),
    "url": ("url", "urls"),
    "prose": ("description", "resultreason"),
}  # fmt: skip
_KINDS: Final[Mapping[str, Kind]] = {end: kind for kind, ends in _ENDS.items() for end in ends}
_ANY_END: Final = tuple(_KINDS)
_RANKS: Final[Mapping[Kind, int]] = {kind: rank for rank, kind in enumerate(_ENDS)}
#: Of names that end so: what is the same in all records of a tenant or of a program.
_SAME: Final = ("versioninfo", "organization", "tenant", "weburl", "deeplink", "loginsessionid", "logonsessionid")
#: Lists of names and values, which mappers read.
_PAIRS: Final = frozenset(
    {"Actor", "DeviceProperties", "ExtendedProperties", "ExtraProperties", "ModifiedProperties", "OperationProperties",
     "Parameters", "Target", "additionalDetails", "authenticationProcessingDetails"}
)  # fmt: skip
#: What JSON in a text begins with.
_OPENING: Final = frozenset({"{", "["})
#: Values that are looked at, and texts that are taken of one record.
_MOST_VALUES: Final = 1000
_MOST_TEXTS: Final = 100
#: Characters of a text with JSON in it, and of one that is taken.
_LONGEST_JSON: Final = 1 << 18
_LONGEST: Final = 1024


def named(unread: Mapping[str, Any]) -> list[tuple[Kind, str]]:
    """The values that name something among fields that no mapper reads, the most telling first."""
    return sorted(_named(unread), key=lambda value: _RANKS[value[0]])[:_MOST_TEXTS]


def _named(unread: Mapping[str, Any]) -> Iterator[tuple[Kind, str]]:
    # Level by level, so that depth costs no stack.
    level: list[_Object] = [(unread, False)]
    left = _MOST_VALUES
    while level and left > 0:
        below: list[_Object] = []
        for fields, listed in level:
            for name, value in islice(fields.items(), left):
                left -= 1
                if isinstance(value, str):
                    kind = kind_of(name)
                    if kind is not None and (kind != "prose" or not listed):
                        yield kind, value[:_LONGEST]
                    elif value[:1] in _OPENING:
                        below += _inside(value, listed=listed)
                elif isinstance(value, dict):
                    below.append((value, listed))
                elif isinstance(value, list) and value and name not in _PAIRS:
                    below += [(item, True) for item in islice(value, left) if isinstance(item, dict)]
                    yield from _of_list(name, value)
        level = below


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind | None:
    """What the name of a field says of its values; None when they name nothing."""
    folded = name.lower().replace("_", "").replace(" ", "")
    if not folded.endswith(_ANY_END) or any(same in folded for same in _SAME):
        return None
    return _KINDS[max((end for end in _ANY_END if folded.endswith(end)), key=len)]


def _of_list(name: str, items: list[Any]) -> Iterator[tuple[Kind, str]]:
    if (kind := kind_of(name)) is None:
        return
    for item in islice(items, _MOST_TEXTS):
        if isinstance(item, str):
            yield kind, item[:_LONGEST]


def _inside(text: str, *, listed: bool) -> list[_Object]:
    """The objects that are JSON in a text."""
    if len(text) > _LONGEST_JSON:
        return []
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    if isinstance(value, dict):
        return [(value, listed)]
    return [(item, True) for item in value if isinstance(item, dict)] if isinstance(value, list) else []
