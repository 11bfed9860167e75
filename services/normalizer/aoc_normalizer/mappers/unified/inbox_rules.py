"""Inbox rules as `Get-InboxRule` lists them: what a mailbox does with mail now. No events, and without a time.

Source: exchange-docs, Get-InboxRule.md. Recipients are written `"Name" [SMTP:address]`, and lists `{a, b}`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from aoc_normalizer.draft import HIGH, Draft, Party
from aoc_normalizer.fields import values
from aoc_normalizer.fields.spellings import letters
from aoc_normalizer.mappers.base import Mapper, Record, named_party
from aoc_normalizer.mappers.unified import exchange_rules
from aoc_normalizer.ocsf_classes import ENTITY_MANAGEMENT

_READ: Final = 2
_MOST_NAMES: Final = 200
_NEEDS: Final = frozenset({"name", "deletemessage", "movetofolder"})
_ONE_OF: Final = frozenset({"forwardto", "redirectto", "forwardasattachmentto"})
#: Of a cmdlet's record in the unified log.
_OF_EVENTS: Final = frozenset({"operation", "creationtime", "parameters"})
_OWNERS: Final = ("mailboxownerid", "mailbox", "userprincipalname", "user", "mailboxowner", "primarysmtpaddress")
_IDS: Final = ("ruleidentity", "identity")
_ADDRESS: Final = re.compile(r'"?([^"\[\]]*)"?\s*\[(?:SMTP|EX):([^\]]{1,320})\]', re.IGNORECASE)


def recognises(record: Record) -> bool:
    """A rule has a name and says of mail whether it is deleted, moved and forwarded, in any spelling."""
    if len(record) > _MOST_NAMES:
        return False
    keys = {letters(name) for name in record}
    return keys >= _NEEDS and not keys.isdisjoint(_ONE_OF) and keys.isdisjoint(_OF_EVENTS)


def fill(record: Record, draft: Draft) -> None:
    """Whose it is, what it looks for and what it does."""
    found = {letters(name): text for name, value in record.items() if (text := _text(value)) is not None}
    draft.used |= set(record)
    draft.product, draft.service, draft.log_name = "Exchange Online", "exchange", "Inventory"
    draft.family, draft.operation, draft.result = "standing-inbox-rule", "Inventory inbox rule", "success"
    draft.class_uid, draft.activity_id = ENTITY_MANAGEMENT, _READ
    rule = exchange_rules.of_cmdlet(found)
    draft.severity = HIGH if rule.severe else draft.severity
    name, owner = found.get("name"), next((found[key] for key in _OWNERS if key in found), None)
    draft.targets = [Party(name, uid=next((found[key] for key in _IDS if key in found), None), kind="rule")]
    draft.targets += [named_party(owner, "mailbox")] if owner else []
    draft.search += [*rule.away, *found.values()]
    off = found.get("enabled", "").casefold() == "false"
    told = f"Inbox rule {name or 'without a name'}" + (f" of {owner}" if owner else "") + (" (off)" * off)
    draft.sentence = lambda _done: f"{told}: {rule.summary}" if rule.summary else told


def _text(value: Any) -> str | None:
    """What a cell or a property says: lists in one text, and of recipients the addresses."""
    shown = ", ".join(filter(None, map(_text, value))) if isinstance(value, list) else values.shown(value)
    if not shown:
        return None
    said = shown.strip()
    said = said[1:-1].strip() if said.startswith("{") and said.endswith("}") else said
    return _ADDRESS.sub(lambda found: found[2] if "@" in found[2] else found[1] or found[2], said) or None


MAPPER: Final = Mapper("inbox-rule", 1, recognises, fill)
