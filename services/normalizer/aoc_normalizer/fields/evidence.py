"""Where a record may hold an address, a user agent, an application and how it ended: the most trusted place first.

Services put the same fact in different places, and one service in several. Each table here is an order of trust: the
first place that says something readable counts. docs/reference/trust.md says why each order is as it is.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aoc_normalizer.bounds import ITEMS, listed
from aoc_normalizer.fields import addresses, values
from aoc_normalizer.fields.results import of_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.contracts.results import Result
    from aoc_normalizer.draft import Address

#: Fields of a record that hold the address of whoever acted.
ADDRESSES: Final = (
    "ClientIP", "ClientIPAddress", "Client_IPAddress", "ActorIpAddress", "SenderIp", "ClientIp", "UserIp", "ipAddress",
    "IpAddress", "IPAddress", "clientIP", "clientIp", "callerIpAddress", "CallerIpAddress", "ActorIPAddress",
)  # fmt: skip
AGENTS: Final = ("UserAgent", "userAgent", "ClientInfoString", "BrowserName")
#: Name/value lists that services put the rest into. `additionalDetails` of the unified log is JSON in one of its pairs.
_LISTS: Final = ("ExtendedProperties", "additionalDetails", "AdditionalDetails")
#: How they spell the name of a pair.
_KEYS: Final = ("Name", "key", "name", "Key")
#: Names in those lists, in lower case and without blanks, dashes and underscores.
_ADDRESS_NAMES: Final = (
    "clientip", "clientipaddress", "ipaddr", "ipaddress", "callerip", "calleripaddress", "actoripaddress", "sourceip",
    "requestip", "remoteip", "userip", "ip",
)  # fmt: skip
_AGENT_NAMES: Final = ("useragent", "clientuseragent")
_APP_NAMES: Final = ("appid", "clientappid", "applicationid", "clientid")
_REASON_NAMES: Final = ("failurereason", "errormessage", "resultdescription", "resultreason", "errorcode")
_SQUEEZED: Final = str.maketrans("", "", " -_")
_MAX_ADDRESSES: Final = 20
#: Characters of an address, and of a comma behind it.
_LONGEST: Final = 64

#: Plain flags, which some services have beside a status word of their own.
FLAGS: Final = ("IsSuccess", "Succeeded")
#: Fields that a record has only because something went wrong.
_ERRORS: Final = ("ErrorMessage", "FailureReason", "ErrorCode", "Error")
_NO_ERROR: Final = frozenset({"0", "success", "no error", "noerror", "ok", "false"})


class Outcome(NamedTuple):
    """How it ended. `stated`: whether the record says so; `reason`: why it failed, in the service's words."""

    result: Result
    stated: bool
    reason: str | None = None


def details(record: Mapping[str, Any]) -> dict[str, str]:
    """What the name/value lists of a record say, by name in lower case without blanks, dashes and underscores."""
    found: dict[str, str] = {}
    for name in _LISTS:
        if not record.get(name):
            continue
        for item in listed(values.objects(record[name])):
            key = next((said for spelt in _KEYS if isinstance(said := item.get(spelt), str)), None)
            if key is None:
                continue
            value, key = item.get("Value", item.get("value")), squeezed(key)
            if key == "additionaldetails":
                for inner, said in islice(values.mapping(value).items(), ITEMS):
                    if (text := values.shown(said)) is not None:
                        found.setdefault(squeezed(inner), text)
            elif (text := values.text(value)) is not None:
                found.setdefault(key, text)
    return found


@lru_cache(maxsize=2048)
def squeezed(name: str) -> str:
    """`useragent` of `User-Agent`, `User Agent` and `user_agent`."""
    return name.casefold().translate(_SQUEEZED)


def address(record: Mapping[str, Any], said: Mapping[str, str] | None = None) -> Address | None:
    """The first place that holds an address: fields, then the lists (`said`, of `details`), then a list of several."""
    for name in ADDRESSES:
        if (value := record.get(name)) is not None and (found := _address_in(value)) is not None:
            return found
    if said:
        for name in _ADDRESS_NAMES:
            if name in said and (found := _address_in(said[name])) is not None:
                return found
    return next(iter(several(record)), None) if "ClientIPs" in record else None


def _address_in(value: Any) -> Address | None:
    """The address in a field. Of several, as proxies write (`198.51.100.7, 10.0.0.1`), the first is the client's."""
    if isinstance(value, str) and "," in value[:_LONGEST]:
        value = value.partition(",")[0]
    return addresses.parse(value)


def several(record: Mapping[str, Any]) -> list[Address]:
    """The addresses of a record about more than one."""
    found = (addresses.parse(item) for item in values.sequence(record.get("ClientIPs"))[:_MAX_ADDRESSES])
    return [one for one in found if one is not None]


def agent(record: Mapping[str, Any], said: Mapping[str, str]) -> str | None:
    """The user agent, or what a client of Exchange calls itself."""
    return values.first(record, *AGENTS) or _first(said, _AGENT_NAMES)


def application(said: Mapping[str, str]) -> str | None:
    """The id of the application that was used, where only a list tells it."""
    return _first(said, _APP_NAMES)


def outcome(record: Mapping[str, Any], said: Mapping[str, str]) -> Outcome:
    """How an action ended: a plain flag, then the status word, then an error. Services that say none log what was done.

    Not for sign-ins, whose words are wrong more often than not: see `mappers/unified/sign_ins.py`.
    """
    for name in FLAGS:
        if name in record and (flag := values.flag(record[name])) is not None:
            return Outcome("success", stated=True) if flag else Outcome("failure", True, _why(record, said))
    word = values.text(record.get("ResultStatus"))
    result = of_word(word)
    if result in {"failure", "partial"}:
        return Outcome(result, True, _why(record, said))
    if result == "unknown" and (error := _error(record)) is not None:
        return Outcome("failure", True, error)
    return Outcome(result if word else "success", word is not None)


def _why(record: Mapping[str, Any], said: Mapping[str, str]) -> str | None:
    return _error(record) or values.first(record, "ResultDescription", "ResultReason") or _first(said, _REASON_NAMES)


def _error(record: Mapping[str, Any]) -> str | None:
    for name in _ERRORS:
        if name in record and (found := values.text(record[name])) and found.casefold() not in _NO_ERROR:
            return found
    return None


def _first(said: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((said[name] for name in names if name in said), None) if said else None
