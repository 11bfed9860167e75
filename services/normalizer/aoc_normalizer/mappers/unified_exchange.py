"""Exchange in the unified log: cmdlets (record type 1), mailbox actions (2, 3), mail items accessed (50)."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from aoc_normalizer.draft import HIGH, LOW, Draft, Party
from aoc_normalizer.fields import values
from aoc_normalizer.fields.changes import changes
from aoc_normalizer.mappers.base import named_party

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_normalizer.mappers.base import Record

_RISKY: Final = frozenset(
    {"forwardto", "forwardasattachmentto", "redirectto", "forwardingsmtpaddress", "forwardingaddress", "deletemessage"}
)
_IDENTITY: Final = ("Identity", "Name", "Mailbox", "User")
_ON_COMMAND_LINE: Final = re.compile(r'-(\w+)\s+(?:"([^"]*)"|\'([^\']*)\'|(\S+))')
_LEAF: Final = re.compile(r"[\\/]")
#: Items of one record whose ids can be searched.
_MAX_ITEMS: Final = 50
_MAX_PARAMETERS: Final = 200
_ITEM_IDS: Final = ("InternetMessageId", "Id")


def fill(record: Record, draft: Draft) -> None:
    """Cmdlet parameters, or a mailbox, its owner and items."""
    if "ModifiedProperties" in record:
        draft.changes = changes(record["ModifiedProperties"])
        draft.used.add("ModifiedProperties")
    parameters = _parameters(record.get("Parameters"))
    if parameters:
        draft.used.add("Parameters")
        draft.parameters = list(islice(parameters.items(), _MAX_PARAMETERS))
        _cmdlet(record, draft, parameters)
        return
    _mailbox(record, draft)
    _items(record, draft)
    _accessed(record, draft)
    _rule(record, draft)


def _mailbox(record: Record, draft: Draft) -> None:
    draft.used |= {"MailboxOwnerUPN", "MailboxGuid"}
    owner = values.first(record, "MailboxOwnerUPN", "MailboxOwnerSid")
    if owner is not None:
        mailbox = named_party(owner, "mailbox")
        uid = values.text(record.get("MailboxGuid")) or mailbox.uid
        draft.targets = [Party(mailbox.name, mailbox.upn, uid, "mailbox")]
    if posed := values.first(record, "SendAsUserSmtp", "SendOnBehalfOfUserSmtp"):
        draft.used |= {"SendAsUserSmtp", "SendOnBehalfOfUserSmtp"}
        draft.targets.insert(0, named_party(posed, "mailbox"))


def _items(record: Record, draft: Draft) -> None:
    """What was sent, moved or deleted. Some operations list many items; each can be found by its ids."""
    one = values.mapping(record.get("Item"))
    items = [dict(one)] if one else values.objects(record.get("AffectedItems"))
    if len(items) > _MAX_ITEMS:
        draft.tags.append("truncated")
    for item in items[:_MAX_ITEMS]:
        subject, message = values.text(item.get("Subject")), values.text(item.get("InternetMessageId"))
        if subject or message:
            draft.targets.append(Party(name=subject, uid=message, kind="message"))
        ids = (item.get("Id"), values.mapping(item.get("ParentFolder")).get("Id"))
        draft.search += [said for uid in ids if (said := values.text(uid))]
    folders = (values.mapping(record.get(name)).get("Id") for name in ("Folder", "DestFolder"))
    draft.search += [said for uid in folders if (said := values.text(uid))]
    if items and (about := values.text(items[0].get("Subject"))):
        more = f" and {len(items) - 1} more" if len(items) > 1 else ""
        draft.remark = f"\N{LEFT DOUBLE QUOTATION MARK}{about}\N{RIGHT DOUBLE QUOTATION MARK}{more}"
    folder = values.text(values.mapping(one.get("ParentFolder")).get("Path"))
    destination = values.text(values.mapping(record.get("DestFolder")).get("Path"))
    if destination:
        draft.remark = f"{draft.remark or 'mail'} to {destination}"
    elif folder and not draft.remark:
        draft.remark = f"in folder {folder}"


def _accessed(record: Record, draft: Draft) -> None:
    """Mail items accessed: `Bind` is single messages, `Sync` a whole folder. A throttled record stands for more.

    Source: purview-docs, audit-log-investigate-accounts.md.
    """
    listed = list(islice(_folder_items(record), _MAX_ITEMS + 1))
    if not listed and draft.operation.casefold() != "mailitemsaccessed":
        return
    folders = values.objects(record.get("Folders"))[:_MAX_ITEMS]
    draft.search += [said for folder in folders if (said := values.text(folder.get("Id")))]
    draft.search += [said for item in listed for name in _ITEM_IDS if (said := values.text(item.get(name)))]
    if len(listed) > _MAX_ITEMS:
        draft.tags.append("truncated")
    properties = record.get("OperationProperties")
    kind = values.pair(properties, "mailaccesstype")
    count = values.text(record.get("OperationCount")) or (str(len(listed)) if listed else None)
    if kind == "Sync":
        draft.remark, draft.severity = "a whole folder was synchronised", max(draft.severity, LOW)
    elif count:
        draft.remark = f"{count} message{'' if count == '1' else 's'}"
    if values.pair(properties, "isthrottled") == "True":
        draft.remark = f"{draft.remark or 'many messages'}; recording was throttled, there were more"


def _folder_items(record: Record) -> Iterator[Record]:
    for folder in values.objects(record.get("Folders")):
        yield from values.objects(folder.get("FolderItems"))


def _rule(record: Record, draft: Draft) -> None:
    """An inbox rule that Outlook changed: its name and what it does are operation properties."""
    name = values.pair(record.get("OperationProperties"), "rulename")
    if name is None:
        return
    draft.targets.append(Party(name=name, kind="rule"))
    draft.remark = f"rule {name}"
    said = dict(values.pairs(record.get("OperationProperties")))
    draft.parameters = [(key, value) for key, value in said.items() if key.casefold().startswith("rule")]
    actions = (said.get("RuleActions") or "").casefold()
    if any(word in actions for word in ("forward", "redirect", "delete")):
        draft.severity = max(draft.severity, HIGH)


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
    user = lower.get("user") or lower.get("trustee") or lower.get("member")
    if user:
        draft.targets.append(named_party(user, "user"))
        draft.words["user"] = user
    if rights := lower.get("accessrights"):
        draft.privileges = [right.strip() for right in rights.split(",")]
        draft.remark = f"with {rights}" if draft.remark is None else draft.remark


def _parameters(value: object) -> dict[str, str]:
    """Parameters by name: a name/value list, or one command line."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return {found[1]: found[2] or found[3] or found[4] or "" for found in _ON_COMMAND_LINE.finditer(value[:8192])}
    return dict(values.pairs(value))
