"""The kinds of values that can be hidden from a role, and where they stand.

They are what works councils and data protection officers ask for: what people write and read, which files they use, and
where they are. Not who did what: an audit log without that is none; services and operations are hidden as a whole.

A record names a value by its key, wherever it stands and however it is spelt (`SourceFileName`, `source_file_name`,
`{"Name": "Subject", "Value": ...}`). Names were collected from the public records that the mappers are tried on and
from Microsoft's schemas (office-365-management-activity-api-schema.md; the tables of advanced hunting). Rather too many
are hidden than too few: Microsoft adds fields every month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, get_args

from aoc_common.contracts import spelling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

type PrivateField = Literal["subject", "content", "file", "address", "location", "device"]
"""- `subject`: of mails, meetings and conversations, also as words that a mail rule looks for.
- `content`: what people write or search for: previews, messages, comments, prompts, search terms, matches of policies.
- `file`: names, paths and addresses of files, folders, attachments, lists and sites.
- `address`: IP and MAC addresses, ports and networks. `location`: countries, cities, coordinates.
- `device`: names, ids and serial numbers of devices, and user agents.
"""

PRIVATE_FIELDS: Final[tuple[PrivateField, ...]] = get_args(PrivateField.__value__)


@dataclass(frozen=True, slots=True)
class Places:
    """Where values of a kind stand. Keys are squeezed: lower case, letters and digits only.

    `parts`: a key that holds one of them; `names`: the whole of a key; `never`: keys that only look so. `kinds`: of
    what is acted upon, in OCSF its `type`. `shape`: a text that is such a value, whatever it is called.
    """

    parts: tuple[str, ...]
    names: frozenset[str]
    never: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    shape: re.Pattern[str] | None = None


_IPV4: Final = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"

PLACES: Final[Mapping[PrivateField, Places]] = {
    "subject": Places(
        parts=("subject", "threadtopic", "conversationtopic", "meetingtitle", "meetingtopic", "chattopic"),
        names=frozenset({"topicname", "topic"}),
        never=frozenset({"subjecttype", "agentsubjecttype", "agentsubjectparentid", "subjectid", "subjectcount"}),
        kinds=frozenset({"message", "mail", "email", "meeting", "mailmessage"}),
    ),
    "content": Places(
        parts=(
            "bodypreview", "bodytext", "messagebody", "messagetext", "messagecontent", "bodycontains", "bodywords",
            "searchquery", "querytext", "searchfilter", "prompttext", "snippet", "transcript", "matchcontext",
            "detectedvalue", "detectedcontent", "matchedcontent", "exceptioninfo", "justification", "surroundingtext",
        ),
        names=frozenset(
            {"body", "preview", "content", "prompt", "prompts", "keywords", "query", "comment", "comments", "excerpt",
             "resolvingcomment", "classificationcomment", "messagepreview"}
        ),
    ),
    "file": Places(
        parts=(
            "filename", "filepath", "folderpath", "relativeurl", "sourcefile", "destinationfile", "targetfile",
            "itemname", "documentname", "documentpath", "objecturl", "fileurl", "foldername", "attachmentname",
            "listtitle", "listurl", "siteurl", "sitecollectionurl", "sitename", "referrerurl", "originurl",
            "workingdirectory", "commandline", "sharename", "weburl", "itemurl", "linkurl", "filedata", "filestates",
            "filelist", "libraryname",
        ),
        names=frozenset(
            {"path", "file", "files", "folder", "folders", "destfolder", "parentfolder", "attachment", "attachments",
             "attachmentdata", "imagefile", "site", "document", "documents", "accessedresources", "folderitems"}
        ),
        never=frozenset({"sourcefileextension", "copytofolder", "movetofolder", "weburlid"}),
        kinds=frozenset(
            {"file", "folder", "item", "document", "page", "site", "list", "listitem", "url", "attachment", "web"}
        ),
        shape=re.compile(
            r"(?i)^(?:https?://[^/\s]*sharepoint[^/\s]*/\S|[a-z]:\\|\\\\[^\\\s]+\\)"
            r"|^https?://[^/\s]+/(?:sites|personal|teams)/|/root:/"
        ),
    ),
    "address": Places(
        parts=(
            "ipaddr", "clientip", "ipv4", "ipv6", "sourceip", "destinationip", "remoteip", "senderip", "recipientip",
            "fromip", "publicip", "localip", "callerip", "logonip", "originip", "sessionip", "userip", "requestip",
            "serverip", "macaddress", "sourceport", "remoteport", "localport", "clientport", "autonomoussystem",
            "networkaddress", "iprange", "subnetprefix", "defaultgateway",
        ),
        names=frozenset({"ip", "ips", "toip", "hostip", "ipaddresses", "sourcemac", "destinationmac", "sip", "cidr"}),
        shape=re.compile(_IPV4),
    ),
    "location": Places(
        parts=(
            "countryorregion", "countrycode", "geocoordinates", "geolocation", "latitude", "longitude", "postalcode",
            "logonlocation", "cityname", "countryname", "stateprovince", "networklocation",
        ),
        names=frozenset({"country", "city", "location", "region", "postaladdress"}),
        never=frozenset({"deliverylocation", "latestdeliverylocation", "originaldeliverylocation", "resourcelocation"}),
    ),
    "device": Places(
        parts=(
            "devicename", "deviceid", "devicedisplay", "devicedetail", "devicehost", "devicednsname", "devicednsdomain",
            "devicetag", "devicetoken", "deviceproperties", "devicenetbios", "remotedevice", "machinename", "machineid",
            "hostname", "computername", "netbiosname", "serialnumber", "useragent", "clientinfostring",
        ),
        names=frozenset(
            {"imei", "meid", "udid", "device", "devices", "browsername", "host", "hoststates", "loggedonusers"}
        ),
        kinds=frozenset({"device", "machine", "computer", "host", "manageddevice"}),
    ),
}  # fmt: skip
_SQUEEZED: Final = re.compile(r"[\W_]+")


@lru_cache(maxsize=16_384)
def squeezed(key: str) -> str:
    """`sourcefilename` of `SourceFileName`, `source_file_name` and `Source File Name`."""
    return _SQUEEZED.sub("", spelling.folded(key[:256]).casefold())


def is_private(key: str, fields: AbstractSet[str]) -> bool:
    """Whether a member of this name holds values of one of these kinds."""
    return not _kinds_of(key).isdisjoint(fields)


@lru_cache(maxsize=16_384)
def _kinds_of(key: str) -> frozenset[str]:
    name = squeezed(key)
    return frozenset(
        kind
        for kind, places in PLACES.items()
        if name in places.names or (name not in places.never and any(part in name for part in places.parts))
    )


def is_private_kind(kind: str, fields: AbstractSet[str]) -> bool:
    """Whether the name of what is acted upon, which is of this kind, is such a value: of a file, a mail, a device."""
    name = squeezed(kind)
    return any(name in PLACES[field].kinds for field in PRIVATE_FIELDS if field in fields)


def shapes(fields: AbstractSet[str]) -> tuple[re.Pattern[str], ...]:
    """What values of these kinds look like, where they look like something."""
    return tuple(shape for field in PRIVATE_FIELDS if field in fields and (shape := PLACES[field].shape) is not None)
