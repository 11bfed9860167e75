"""Exchange in the unified log: cmdlets (record type 1), mailbox actions (2, 3), mail items accessed (50)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import HIGH, LOW, MEDIUM, Draft, Party
from aoc_normalizer.fields import values
from aoc_normalizer.fields.changes import changes
from aoc_normalizer.mappers.base import named_party
from aoc_normalizer.mappers.unified import exchange_cmdlets, exchange_rules
from aoc_normalizer.render.sentences import listed_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_normalizer.mappers.base import Record

#: Items of one record whose ids can be searched.
_MAX_ITEMS: Final = 50
_ITEM_IDS: Final = ("InternetMessageId", "Id")
_ACCESS: Final = {
    "addfolderpermissions": "gave {user} access to",
    "removefolderpermissions": "took away {user}'s access to",
}
#: Members that are no single person, and rights that show them no content.
_EVERYBODY: Final = frozenset({"everyone", "default", "anonymous", "s-1-1-0"})
_HARMLESS: Final = frozenset({"no rights", "FreeBusySimple", "FreeBusyDetailed", "AvailabilityOnly", "LimitedDetails"})


def fill(record: Record, draft: Draft) -> None:
    """Cmdlet parameters, or a mailbox, its owner and items."""
    if "ModifiedProperties" in record:
        draft.changes = changes(record["ModifiedProperties"])
        draft.used.add("ModifiedProperties")
    if record.get("Parameters") and exchange_cmdlets.fill(record, draft):
        return
    _mailbox(record, draft)
    _items(record, draft)
    _accessed(record, draft)
    _folder_access(record, draft)
    _rule(record, draft)
    if asked := values.text(record.get("QueryText")):
        draft.used.add("QueryText")
        draft.remark = f"for {_quoted(asked)}"


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
        draft.search += [text for uid in ids if (text := values.text(uid))]
    folders = (values.mapping(record.get(name)).get("Id") for name in ("Folder", "DestFolder"))
    draft.search += [text for uid in folders if (text := values.text(uid))]
    if items and (about := values.text(items[0].get("Subject"))):
        more = f" and {len(items) - 1} more" if len(items) > 1 else ""
        draft.remark = f"{_quoted(about)}{more}{_attachments(one)}"
    folder = values.text(values.mapping(one.get("ParentFolder")).get("Path"))
    destination = values.text(values.mapping(record.get("DestFolder")).get("Path"))
    if destination:
        draft.remark = f"{draft.remark or 'mail'} to {destination}"
    elif folder and not draft.remark:
        draft.remark = f"in folder {folder}"


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


def _attachments(item: Mapping[str, Any]) -> str:
    """` with a.pdf and b.zip`, of `a.pdf (3117b); b.zip (99b)`."""
    listed = (values.text(item.get("Attachments")) or "").split(";")
    names = [name for part in listed if (name := part.rpartition(" (")[0].strip() or part.strip())]
    return f" with {listed_few(names)}" if names else ""


def _accessed(record: Record, draft: Draft) -> None:
    """Mail items accessed: `Bind` is single messages, `Sync` a whole folder. A throttled record stands for more.

    Source: purview-docs, audit-log-investigate-accounts.md.
    """
    listed = list(islice(_folder_items(record), _MAX_ITEMS + 1))
    if not listed and draft.operation.casefold() != "mailitemsaccessed":
        return
    folders = values.objects(record.get("Folders"))[:_MAX_ITEMS]
    draft.search += [text for folder in folders if (text := values.text(folder.get("Id")))]
    draft.search += [text for item in listed for name in _ITEM_IDS if (text := values.text(item.get(name)))]
    if len(listed) > _MAX_ITEMS:
        draft.tags.append("truncated")
    properties = record.get("OperationProperties")
    kind = values.pair(properties, "mailaccesstype")
    count = values.text(record.get("OperationCount")) or (str(len(listed)) if listed else None)
    way = f" ({kind})" if kind else ""
    paths = [path for folder in folders if (path := values.text(folder.get("Path")))]
    if kind == "Sync":
        draft.severity = max(draft.severity, LOW)
        draft.remark = listed_few(paths) or draft.remark
        draft.words["read"] = f"a whole folder{way}"
    elif count:
        draft.words["read"] = f"{count} message{'' if count == '1' else 's'}{way}"
    if "read" in draft.words:
        draft.phrase = "read {read} in mailbox {target}" if draft.targets else "read {read} in a mailbox"
    if kind != "Sync" and (subjects := [text for item in listed if (text := values.text(item.get("Subject")))]):
        draft.remark = _quoted(subjects[0]) + (f" and {len(listed) - 1} more" if len(listed) > 1 else "")
    if values.flag(values.pair(properties, "isthrottled")):
        draft.remark = "recording was throttled: there were more"


def _folder_items(record: Record) -> Iterator[Record]:
    for folder in values.objects(record.get("Folders")):
        yield from values.objects(folder.get("FolderItems"))


def _folder_access(record: Record, draft: Draft) -> None:
    """Who got which rights to a folder: `Item.ParentFolder` has `MemberUpn`, `MemberRights` and `Path`."""
    folder = values.mapping(values.mapping(record.get("Item")).get("ParentFolder"))
    member = values.first(folder, "MemberUpn", "MemberSid")
    if member is None:
        return
    # "None" is a right here, and says nothing anywhere else.
    rights = "no rights" if folder.get("MemberRights") == "None" else values.first(folder, "MemberRights")
    draft.targets.append(named_party(member))
    draft.words |= {"user": member, "folder": values.first(folder, "Path", "Name") or "a folder"}
    verb = _ACCESS.get(draft.operation.casefold(), "changed {user}'s access to")
    draft.phrase = f"{verb} folder {{folder}} in mailbox {{target}}"
    draft.remark = f"with {rights}" if rights else None
    draft.privileges = [right.strip() for right in (rights or "").split(",") if right.strip()]
    if member.casefold() in _EVERYBODY and rights and not _HARMLESS.issuperset(draft.privileges):
        draft.severity = max(draft.severity, MEDIUM)


def _rule(record: Record, draft: Draft) -> None:
    """An inbox rule that Outlook changed: its name and what it does are operation properties."""
    properties = dict(values.pairs(record.get("OperationProperties")))
    name = properties.get("RuleName")
    if not (name or "RuleActions" in properties):
        return
    draft.used.add("OperationProperties")
    draft.parameters = [(key, value) for key, value in properties.items() if key.casefold().startswith("rule")]
    rule = exchange_rules.of_outlook(properties.get("RuleActions"))
    draft.search += rule.away
    if name:
        draft.targets.append(Party(name=name, kind="rule"))
    draft.remark = ", ".join(part for part in (f"rule {name}" if name else None, rule.summary) if part) or None
    if rule.severe:
        draft.severity = max(draft.severity, HIGH)
