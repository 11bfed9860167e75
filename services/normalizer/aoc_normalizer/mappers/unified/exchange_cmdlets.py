"""Cmdlets of Exchange and Purview in the unified log: what was called with which parameters, and what that does."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import CRITICAL, HIGH, LOW, SYSTEM, Draft, Party
from aoc_normalizer.fields import command_line, joined, values
from aoc_normalizer.mappers.base import named_party
from aoc_normalizer.mappers.unified import exchange_rules
from aoc_normalizer.render.sentences import listed_few

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_normalizer.mappers.base import Record

_IDENTITY: Final = ("Identity", "Name", "Mailbox", "User")
_MAX_PARAMETERS: Final = 200
_MAX_SAID: Final = 80
_MAX_MEMBERS: Final = 50
#: Parameters that name who gets something; several names are parted by commas.
_MEMBERS: Final = ("user", "trustee", "member", "members", "links", "owner", "securitygroup")
#: Values that turn protection off, and how severe that is.
_WEAKENS: Final = {
    ("unifiedauditlogingestionenabled", "false"): CRITICAL,
    ("adminauditlogenabled", "false"): CRITICAL,
    ("auditdisabled", "true"): CRITICAL,
    ("auditbypassenabled", "true"): CRITICAL,
    ("auditenabled", "false"): HIGH,
    ("autoforwardenabled", "true"): HIGH,
    ("autoforwardingmode", "on"): HIGH,
    ("setscl", "-1"): HIGH,
    ("smtpclientauthenticationdisabled", "false"): HIGH,
    ("oauth2clientprofileenabled", "false"): HIGH,
    ("purge", "true"): HIGH,
}
_WEAKENING: Final = frozenset(name for name, _ in _WEAKENS)
#: Parameters that say nothing about what was done, or that the sentence has already.
_UNTOLD: Final = frozenset(
    {"identity", "name", "mailbox", "user", "trustee", "member", "members", "links", "role", "accessrights", "force",
     "confirm", "whatif", "erroraction", "warningaction", "organization", "domaincontroller",
     "alwaysdeleteoutlookrulesblob", "stopprocessingrules", "inheritancetype", "automapping", "nonpiiparameters",
     "ignoredefaultscope", "delivertomailboxandforward", *exchange_rules.SENDS_AWAY}
)  # fmt: skip


def fill(record: Record, draft: Draft) -> bool:
    """Parameters, what the cmdlet was about, and what it did. False when there are no parameters."""
    parameters = _parameters(record["Parameters"])
    if not parameters:
        return False
    draft.used.add("Parameters")
    draft.parameters = list(islice(parameters.items(), _MAX_PARAMETERS))
    lower = {values.word(name): value for name, value in parameters.items()}
    about = draft.operation.casefold()
    if draft.actor.user_type == SYSTEM:  # Microsoft's own upkeep; what a cmdlet weakens counts all the same
        draft.severity = min(draft.severity, LOW)
    if about.endswith(("rule", "rules")):
        _rule(record, draft, lower)
    else:
        _object(record, draft, lower)
        _forwarding(draft, lower)
    _access(draft, lower)
    weakened = [_WEAKENS.get((name, values.word(lower[name])), 0) for name in _WEAKENING & lower.keys()]
    draft.severity = max([draft.severity, *weakened])
    if draft.remark is None:
        draft.remark = _summary(parameters, about)
    return True


def _rule(record: Record, draft: Draft, lower: Mapping[str, str]) -> None:
    """A rule's name, whose it is, and what it does to which mail."""
    place = values.text(record.get("ObjectId")) or lower.get("identity")
    leaf = _leaf(place) if place else None
    name = lower.get("name") or leaf
    if name:
        draft.targets = [Party(name=name, uid=place if place != name else None, kind="rule")]
    rule = exchange_rules.of_cmdlet(lower)
    draft.search += rule.away
    stopped = exchange_rules.ended(lower) if draft.operation.casefold().startswith("set-") else None
    draft.remark = ", ".join(part for part in (rule.summary, stopped) if part) or None
    if rule.severe:
        draft.severity = max(draft.severity, HIGH)
    owner = lower.get("mailbox") or (_leaf(place.rpartition("\\")[0]) if place and "\\" in place else None)
    if owner and "inbox" in draft.operation.casefold():
        draft.targets.append(named_party(owner, "mailbox"))
        if not _same(draft.actor, owner):
            draft.remark = f"in mailbox {owner}" + (f", {draft.remark}" if draft.remark else "")


def _same(actor: Party, mailbox: str) -> bool:
    """Whether a mailbox is the actor's own, as far as names tell: an id does not."""
    names = [name.casefold() for name in (actor.upn, actor.name) if name]
    return values.is_guid(mailbox) or mailbox.casefold() in {*names, *(name.partition("@")[0] for name in names)}


def _object(record: Record, draft: Draft, lower: Mapping[str, str]) -> None:
    """The mailbox, policy or group that the cmdlet was called for."""
    name = values.text(record.get("ObjectId")) or next(
        (lower[key.casefold()] for key in _IDENTITY if lower.get(key.casefold())), None
    )
    if name:
        leaf = _leaf(name)
        party = named_party(leaf, "mailbox" if "mailbox" in draft.operation.casefold() else "object")
        draft.targets = [Party(party.name, party.upn, name if name != leaf else party.uid, party.kind)]


def _forwarding(draft: Draft, lower: Mapping[str, str]) -> None:
    """Where a mailbox sends all its mail, or that it no longer does."""
    sent = {name: lower[name] for name in exchange_rules.SENDS_AWAY & lower.keys()}
    if not sent:
        return
    rule = exchange_rules.of_cmdlet(sent)
    draft.remark = rule.summary or exchange_rules.ended(sent)
    draft.search += rule.away
    if rule.severe:
        draft.severity = max(draft.severity, HIGH)


def _access(draft: Draft, lower: Mapping[str, str]) -> None:
    """Who got which rights, or came into which group."""
    names = next((lower[name] for name in _MEMBERS if lower.get(name)), None)
    if names:
        leaves = [_leaf(name.strip()) for name in names.split(",")[:_MAX_MEMBERS] if name.strip()]
        draft.targets += [named_party(leaf, "user") for leaf in leaves]
        draft.words["user"] = draft.words["member"] = listed_few(leaves)
    if role := lower.get("role"):
        draft.words["role"] = role
    if rights := lower.get("accessrights"):
        draft.privileges = [right.strip() for right in rights.split(",")]
        draft.remark = f"with {rights}" if draft.remark is None else draft.remark


def _summary(parameters: Mapping[str, str], about: str) -> str | None:
    """`setting AuditEnabled to False`, `with ContentMatchQuery password`: the first few parameters."""
    notable = {
        name: value
        for name, value in parameters.items()
        if value and len(value) <= _MAX_SAID and name.casefold() not in _UNTOLD
    }
    if about.startswith("get-"):
        return None
    if about.startswith("set-"):
        emptied = [name for name, value in parameters.items() if not value and name.casefold() not in _UNTOLD]
        parts = (("setting", [f"{name} to {value}" for name, value in notable.items()]), ("clearing", emptied))
        return ", ".join(f"{verb} {listed_few(names)}" for verb, names in parts if names) or None
    return f"with {listed_few([f'{name} {value}' for name, value in notable.items()])}" if notable else None


def _leaf(name: str) -> str:
    """The end of a path or distinguished name, which is what people call it."""
    return name.rstrip("\\/").replace("\\", "/").rpartition("/")[2] or name


def _parameters(value: object) -> dict[str, str]:
    """Parameters by name: a name/value list, pairs in one text, or one command line, where a switch has no value."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return joined.pairs(value) or command_line.parameters(value)
    return dict(values.pairs(value))
