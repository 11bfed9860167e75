"""What a mail rule looks for and does, in words: inbox rules and transport rules.

Sources: exchange-docs, New-InboxRule.md and New-TransportRule.md, for the parameters of cmdlets; `RuleActions` of
Outlook's own rules are as Exchange logs them (`[{"ActionType": "Forward", "Recipients": [...]}]`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Conditions and their words; `{}` is the value, and what has none is a switch.
_CONDITIONS: Final = {
    "from": "from {}",
    "fromaddresscontainswords": "from addresses with {}",
    "fromaddressmatchespatterns": "from addresses like {}",
    "frommemberof": "from members of {}",
    "senderdomainis": "from domain {}",
    "fromscope": "from senders {}",
    "senderipranges": "from {}",
    "sentto": "to {}",
    "senttomemberof": "to members of {}",
    "senttoscope": "to recipients {}",
    "recipientaddresscontainswords": "to addresses with {}",
    "recipientdomainis": "to domain {}",
    "anyoftoheader": "to {}",
    "subjectcontainswords": "with {} in the subject",
    "subjectmatchespatterns": "with a subject like {}",
    "bodycontainswords": "with {} in the text",
    "subjectorbodycontainswords": "with {}",
    "subjectorbodymatchespatterns": "with text like {}",
    "headercontainswords": "with {} in a header",
    "attachmentnamematchespatterns": "with attachments named like {}",
    "hasattachment": "with attachments",
    "mynameintobox": "sent to the owner",
    "senttoonlytome": "sent to the owner alone",
}
_AWAY: Final = "forwarding to {}"
#: Actions and their words. Those that send mail away, or hide it, are what makes a rule severe.
_ACTIONS: Final = {
    **dict.fromkeys(("forwardto", "forwardasattachmentto", "redirectto", "redirectmessageto"), _AWAY),
    **dict.fromkeys(("forwardingsmtpaddress", "forwardingaddress"), _AWAY),
    "blindcopyto": "copying in secret to {}",
    "copyto": "copying to {}",
    "addtorecipients": "adding recipient {}",
    "addmanagerasrecipienttype": "adding the manager",
    "movetofolder": "moving to folder {}",
    "copytofolder": "copying to folder {}",
    "markasread": "marking as read",
    "setscl": "setting the spam level to {}",
    "quarantine": "putting into quarantine",
    "removeheader": "removing header {}",
    "setheadername": "setting header {}",
    "prependsubject": "writing {} before the subject",
    "moderatemessagebyuser": "asking {} for approval",
    "rejectmessagereasontext": "rejecting",
    "removeomev2": "removing encryption",
    "applyommessageencryption": "encrypting",
    "sendtextmessagenotificationto": "texting {}",
    **dict.fromkeys(("deletemessage", "softdeletemessage", "permanentdelete"), "deleting what it catches"),
}
SENDS_AWAY: Final = frozenset(
    {"forwardto", "forwardasattachmentto", "redirectto", "redirectmessageto", "forwardingsmtpaddress",
     "forwardingaddress", "blindcopyto", "copyto", "addtorecipients"}
)  # fmt: skip
_DELETES: Final = frozenset({"deletemessage", "softdeletemessage", "permanentdelete"})
#: Folders that nobody looks into: mail that a rule moves there is hidden from its owner.
_UNREAD_FOLDERS: Final = (
    "rss", "deleted items", "conversation history", "historique des conversations", "unterhaltungsverlauf",
    "gespreksgeschiedenis", "historial de conversaciones",
)  # fmt: skip
#: Outlook's action types, as the cmdlet's parameters.
_OF_OUTLOOK: Final = {
    "forward": "forwardto",
    "redirect": "redirectto",
    "delete": "deletemessage",
    "permanentdelete": "permanentdelete",
    "move": "movetofolder",
    "copy": "copytofolder",
    "markasread": "markasread",
}
#: What a rule that is changed no longer does, where its parameter was emptied or turned off.
_ENDED: Final = {
    **dict.fromkeys(
        ("forwardto", "forwardasattachmentto", "redirectto", "redirectmessageto", "forwardingsmtpaddress",
         "forwardingaddress"), "no longer forwarding"
    ),
    "blindcopyto": "no longer copying in secret",
    **dict.fromkeys(("copyto", "addtorecipients"), "no longer copying"),
    **dict.fromkeys(_DELETES, "no longer deleting what it catches"),
    "movetofolder": "no longer moving mail",
    "copytofolder": "no longer copying mail to a folder",
    "markasread": "no longer marking as read",
    "quarantine": "no longer putting into quarantine",
}  # fmt: skip
_NO: Final = frozenset({"", "false", "$false", "$null"})
#: What is longer is no "false", whatever is hidden in it.
_SHORT: Final = 64
_MAX_WORDS: Final = 120


class Rule(NamedTuple):
    """A rule in words. `away`: addresses that mail goes to; `severe`: mail is sent away, deleted or hidden."""

    summary: str | None
    away: list[str]
    severe: bool


def of_cmdlet(parameters: Mapping[str, str]) -> Rule:
    """What parameters, by their names in lower case, make a rule (or a mailbox) do."""
    return _rule(
        {name: value for name, value in parameters.items() if len(value) > _SHORT or values.word(value) not in _NO}
    )


def ended(parameters: Mapping[str, str]) -> str | None:
    """What a changed rule or mailbox no longer does, by parameters' names in lower case."""
    off = (name for name in _ENDED if name in parameters and values.word(parameters[name][:_SHORT]) in _NO)
    return _list(dict.fromkeys(_ENDED[name] for name in off)) or None


def of_outlook(actions: object) -> Rule:
    """The same of a list of Outlook's actions, or of JSON in a string."""
    found: dict[str, str] = {}
    for action in values.objects(actions):
        name = _OF_OUTLOOK.get((values.first(action, "ActionType") or "").casefold())
        if name is not None:
            found[name] = values.shown(action.get("Recipients")) or values.first(action, "FolderName", "Folder") or ""
    return _rule(found)


def _rule(settings: Mapping[str, str]) -> Rule:
    away = [settings[name] for name in sorted(SENDS_AWAY & settings.keys()) if settings[name]]
    place = values.word(settings.get("movetofolder", ""))
    hidden = any(folder in place for folder in _UNREAD_FOLDERS)
    severe = hidden or not (SENDS_AWAY | _DELETES).isdisjoint(settings)
    deeds = _worded(_ACTIONS, settings)
    finds = _worded(_CONDITIONS, settings)
    summary = _list(deeds)
    if finds and summary:
        summary = f"{summary}, of mail {_list(finds)}"
    return Rule(summary or None, away, severe)


def _worded(words: Mapping[str, str], settings: Mapping[str, str]) -> list[str]:
    """The words of what is set, one for each: forwarding to two addresses is one deed."""
    found: dict[str, list[str]] = {}
    for name, pattern in words.items():
        if name in settings:
            found.setdefault(pattern, []).append(settings[name])
    return [pattern.format(_short(", ".join(filter(None, given))) or "somewhere") for pattern, given in found.items()]


def _short(text: str) -> str:
    return text if len(text) <= _MAX_WORDS else text[: _MAX_WORDS - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _list(parts: Iterable[str]) -> str:
    *first, last = [*parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last
