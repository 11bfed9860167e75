"""What an event is found by: the words of its sentence, all of them, and what else names it, the most telling first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts import spelling, terms
from aoc_normalizer import bounds
from aoc_normalizer.fields import addresses, identifying

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aoc_normalizer.draft import Draft, Party

#: What failed is found by this word, whatever its sentence calls it.
FAILED: Final = "failed"
#: The kind that most of them are, `User`, is no longer than this.
_USER: Final = 4
#: Targets that an event is found by.
_TARGETS: Final = 20
#: Fields of records that people look for, though no mapper shows them of every record.
_FIELDS: Final = ("UserId", "SearchQueryText", "TargetUserOrGroupType", "ItemType", "InvestigationName", "LogonError",
                  "SourceRelativeUrl")  # fmt: skip
#: `203.0.113.0/24`, as named locations and firewall rules have it: it is found by its address.
_NETWORK: Final = re.compile(r"(?=[^/]*[.:])[0-9A-Fa-f.:]{3,45}/\d{1,3}")
#: What programs that are no browsers call themselves at the beginning of a user agent.
_PROGRAM: Final = re.compile(r"(?!Mozilla/)[^/;(]{2,40}")
#: How names of changed properties begin that repeat who did it, and to whom.
_OF_IDS: Final = ("targetid.", "actorid.")
#: Values that are the same in thousands of records: switches, numbers, sizes of mailboxes.
_SWITCH: Final = re.compile(r"(?i)true|false|yes|no|none|null|[-+\d.,:]+|[\d.]+ [kmgt]?b \([\d,]+ bytes\)")


def found_by(draft: Draft, message: str, named: Iterable[str], *, understood: bool) -> tuple[tuple[str, ...], bool]:
    """The search terms of an event, and whether the index takes no more of them. `named`: as `names` has it."""
    first = [] if understood else [terms.NOT_UNDERSTOOD]
    if draft.address:
        first.append(spelling.ordered_address(draft.address.ip))
    if draft.result == "failure":
        first.append(FAILED)
    first += terms.name_terms(message)
    return most_telling(first, named)


def most_telling(first: Sequence[str], others: Iterable[str]) -> tuple[tuple[str, ...], bool]:
    """All that are first, and of the others as many as there is room for; whether some were left out."""
    listed = terms.first_terms([*first, *others], bounds.SENTENCE_TERMS)
    if len(listed) <= bounds.TERMS:
        return listed, False
    return listed[: max(len(set(first)), bounds.TERMS)], True


def names(draft: Draft, record: Mapping[str, Any], unread: Mapping[str, Any]) -> list[str]:
    """The terms of what names an event beside its sentence; before names are spelt as they are shown.

    `unread`: the fields of the record that no mapper reads.
    """
    named: list[str] = []
    for party in (draft.actor, *draft.targets[:_TARGETS]):
        named += _of_party(party)
    named += terms.operation_terms(draft.operation)
    device = draft.device
    of_device = () if device is None else (device.name, device.uid)
    for uid in (*of_device, draft.record_id, draft.correlation_id, draft.session_uid, draft.app.uid):
        if uid:
            named += terms.id_terms(uid)
    for text in _texts(draft):
        if text:
            named += terms.name_terms(text)
    for name in _FIELDS:
        if name in record and isinstance(text := record[name], str):
            named += terms.name_terms(text)
    if "Target" in record:
        named += _kinds_of(record["Target"])
    named += unread_terms(unread)
    return named


def unread_terms(unread: Mapping[str, Any]) -> Iterator[str]:
    """The terms of what names something among the fields that no mapper reads."""
    for kind, text in identifying.named(unread):
        if kind == "address":
            if (address := addresses.parse(text)) is not None:
                yield spelling.ordered_address(address.ip)
        elif kind == "id":
            yield from terms.id_terms(text)
        elif (words := telling(_file_of(text) if kind == "path" else text)) is not None:
            yield from terms.name_terms(words)


def _kinds_of(listed: Any) -> Iterator[str]:
    """What kinds of objects a record of the unified log lists among their ids: `{"ID": "ServicePrincipal"}`."""
    for item in listed[:_TARGETS] if isinstance(listed, list) else ():
        if isinstance(item, dict) and isinstance(kind := item.get("ID"), str) and len(kind) > _USER and kind.isalpha():
            yield from terms.name_terms(kind)


def telling(value: Any) -> str | None:
    """A value that somebody may look for: not a number, a size or a switch."""
    if not isinstance(value, str) or _SWITCH.fullmatch(value):
        return None
    return _leaf(value)


def _of_party(party: Party) -> list[str]:
    name, upn, uid, _kind, _user_type = party
    named: list[str] = []
    if upn:
        named += terms.name_terms(upn)
    if name:
        named += terms.name_terms(name)
    if uid:
        named += terms.name_terms(uid) if "://" in uid else terms.id_terms(_leaf(uid))
        if (kind := uid.partition("_")[0]).isalpha():  # `ServicePrincipal_` and a GUID
            named += terms.name_terms(kind)
    return named


def _texts(draft: Draft) -> list[str | None]:
    """What else is searched for by its words."""
    city = draft.location.get("city") if draft.location else None
    texts = [draft.app.name, city, *draft.privileges, *bounds.listed(draft.search, bounds.FOUND), draft.status_detail]
    if draft.status_code != "0":
        texts.append(draft.status_code)
    if draft.user_agent and (program := _PROGRAM.match(draft.user_agent)):
        texts.append(program[0])
    texts += [telling(value) for _name, value in draft.parameters[: bounds.ITEMS]]
    for change in draft.changes[: bounds.ITEMS]:
        if not change.name.lower().startswith(_OF_IDS):
            texts.append(change.name)
        for value in (change.new, change.old):
            texts += map(telling, value[: bounds.VALUES] if isinstance(value, list) else (value,))
    return texts


def _leaf(uid: str) -> str:
    """The end of a distinguished name: what leads to it is the same for thousands. Paths of files are whole."""
    if _NETWORK.fullmatch(uid):
        return uid.partition("/")[0]
    return uid.rstrip("/").rpartition("/")[2] if "/" in uid and "://" not in uid else uid


def _file_of(path: str) -> str:
    """The end of a path, which is a file or a folder."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
