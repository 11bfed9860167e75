"""Values of public records that are private, by names that were collected by hand: not by the product's own table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEYS: Final[Mapping[str, frozenset[str]]] = {
    "subject": frozenset({"Subject", "EmailSubject", "subject", "SubjectOrBodyContainsWords"}),
    "content": frozenset({"SearchFilter", "Query", "Comments", "resolvingComment", "classification_comment"}),
    "file": frozenset(
        {"FileName", "FilePath", "FolderPath", "InitiatingProcessFileName", "InitiatingProcessFolderPath",
         "PreviousFileName", "PreviousFolderPath", "SourceFileName", "SourceRelativeUrl", "SiteUrl", "ListTitle",
         "SiteCollectionUrl", "RelativeUrl", "ItemName", "FileOriginUrl", "FileOriginReferrerUrl", "FilePathUrl",
         "Path", "ShareName", "InitiatingProcessCommandLine", "ProcessCommandLine", "commandLine", "filePath",
         "fileName", "InitiatingProcessCurrentWorkingDirectory", "InitiatingProcessVersionInfoOriginalFileName"}
    ),
    "address": frozenset(
        {"ClientIP", "ClientIPAddress", "ipAddress", "IPAddress", "callerIpAddress", "ActorIpAddress", "PublicIP",
         "LocalIP", "RemoteIP", "SenderIPv4", "SenderIPv6", "FromIP", "ToIP", "IpAddress", "clientIp", "clientip",
         "Client_IPAddress", "ipaddr", "logonIp", "FileOriginIP", "SenderIp", "IPAddresses", "MacAddress"}
    ),
    "location": frozenset({"city", "City", "latitude", "longitude", "logonLocation", "GeoLocation"}),
    "device": frozenset(
        {"DeviceName", "deviceName", "DeviceId", "deviceId", "azureADDeviceId", "HostName", "MachineName", "IMEI",
         "DeviceHostName", "DeviceDisplayName", "DeviceNetBiosName", "serialNumber", "SerialNumber", "userAgent",
         "UserAgent", "RemoteDeviceName", "TargetDeviceName", "ClientInfoString", "deviceDnsName", "User-Agent"}
    ),
}  # fmt: skip
#: Shorter ones are in too many words for anybody to look for them in an answer.
SHORTEST: Final = 6
_PAIR: Final = ("Name", "name", "key", "Key")


def values(record: Any, kind: str) -> set[str]:
    """The private values of a kind in a record, in lower case."""
    found = {text.strip().casefold() for text in _texts(record, KEYS[kind], private=False)}
    return {text for text in found if len(text) >= SHORTEST and not text.isnumeric()}


def _texts(value: Any, keys: frozenset[str], *, private: bool) -> Iterator[str]:
    if isinstance(value, dict):
        named = next((value[name] for name in _PAIR if isinstance(value.get(name), str)), "")
        for key, one in value.items():
            pair = named in keys and key in {"Value", "value", "NewValue", "newValue"}
            yield from _texts(one, keys, private=key in keys or pair)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, keys, private=private)
    elif isinstance(value, str):
        parsed = _parsed(value)
        if parsed is not None:
            yield from _texts(parsed, keys, private=private)
        elif private:
            yield value


def _parsed(text: str) -> Any:
    if text[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
