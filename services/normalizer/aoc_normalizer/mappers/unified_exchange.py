"""Exchange in the unified log: cmdlets (record type 1), mailbox actions (2, 3), mail items accessed (50)."""

from __future__ import annotations

import re
from typing import Final

from aoc_normalizer.draft import HIGH, Draft, Party
from aoc_normalizer.fields import values
from aoc_normalizer.mappers.base import Record, named_party

_RISKY: Final = frozenset(
    {"forwardto", "forwardasattachmentto", "redirectto", "forwardingsmtpaddress", "forwardingaddress", "deletemessage"}
)
_IDENTITY: Final = ("Identity", "Name", "Mailbox", "User")
_ON_COMMAND_LINE: Final = re.compile(r'-(\w+)\s+(?:"([^"]*)"|\'([^\']*)\'|(\S+))')
_LEAF: Final = re.compile(r"[\\/]")


def fill(record: Record, draft: Draft) -> None:
    """Cmdlet parameters, mailbox owner, items."""
    parameters = _parameters(record.get("Parameters"))
    if parameters:
        draft.used.add("Parameters")
        _cmdlet(record, draft, parameters)
        return
    draft.used |= {"MailboxOwnerUPN", "MailboxGuid", "Item", "Subject"}
    owner = values.first(record, "MailboxOwnerUPN", "MailboxOwnerSid")
    item = values.mapping(record.get("Item")) or next(iter(values.objects(record.get("AffectedItems"))), {})
    subject = values.text(item.get("Subject"))
    if owner is not None:
        mailbox = named_party(owner, "mailbox")
        draft.targets = [
            Party(mailbox.name, mailbox.upn, values.text(record.get("MailboxGuid")) or mailbox.uid, "mailbox")
        ]
    if subject:
        draft.targets.append(Party(name=subject, uid=values.text(item.get("InternetMessageId")), kind="message"))


def _cmdlet(record: Record, draft: Draft, parameters: dict[str, str]) -> None:
    lower = {name.casefold(): value for name, value in parameters.items()}
    forwarding = sorted(name for name in _RISKY & lower.keys() if lower[name] and lower[name].casefold() != "false")
    if forwarding:
        draft.severity = max(draft.severity, HIGH)
        draft.search += [lower[name] for name in forwarding]
        away = [lower[name] for name in forwarding if name != "deletemessage"]
        said = [f"forwarding to {', '.join(away)}"] if away else []
        draft.remark = " and ".join(said + ["deleting what it catches"] * ("deletemessage" in forwarding))
    name = values.text(record.get("ObjectId")) or next(
        (lower[key.casefold()] for key in _IDENTITY if lower.get(key.casefold())), None
    )
    rule = lower.get("name")
    if draft.operation.casefold().endswith(("rule", "rules")) and rule:
        draft.targets = [Party(name=rule, uid=name, kind="rule")]
    elif name:
        leaf = _LEAF.split(name)[-1] or name
        party = named_party(leaf, "mailbox" if "mailbox" in draft.operation.casefold() else "object")
        draft.targets = [Party(party.name, party.upn, name if name != leaf else party.uid, party.kind)]
    user = lower.get("user") or lower.get("trustee")
    if user:
        draft.targets.append(named_party(user, "user"))
        draft.words["user"] = user
    if rights := lower.get("accessrights"):
        draft.privileges = [right.strip() for right in rights.split(",")]


def _parameters(value: object) -> dict[str, str]:
    """Parameters by name: a name/value list, or one command line."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return {found[1]: found[2] or found[3] or found[4] or "" for found in _ON_COMMAND_LINE.finditer(value[:8192])}
    return dict(values.pairs(value))
