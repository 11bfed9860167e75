"""Words for operations that no table has: `Set-MailboxPlan` is "changed mailbox plan", `ListUpdated` "changed list".

Services name most of what they log by a verb and a noun, in one of four orders (`Verb-Noun`, `Verb Noun`, `VerbNoun`,
`NounVerbed`). The words are the operation's own, so a sentence says no more than the record; what has another form gets
none. Pure and linear.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Phrase(NamedTuple):
    """Words that continue a sentence that begins with the actor. `otherwise`: where nobody knows the target."""

    phrase: str
    otherwise: str


_LONGEST: Final = 80
_FORM: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ ._-][A-Za-z0-9]+)*")
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+")
_METHOD: Final = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) ([A-Za-z0-9._-]+)")
#: Verb -> its past tense. Those that are regular are made from it.
_PAST: Final = {
    "new": "created",
    "set": "changed",
    "get": "read",
    "read": "read",
    **dict.fromkeys(("update", "patch", "change", "edit", "modify"), "changed"),
    **dict.fromkeys(("add",), "added"),
    "copy": "copied",
    "deny": "denied",
    "apply": "applied",
    "query": "queried",
    "modify": "changed",
    "notify": "notified",
    "verify": "verified",
    "send": "sent",
    "run": "ran",
    "sync": "synchronised",
    "synchronize": "synchronised",
    "stop": "stopped",
    "submit": "submitted",
    "cancel": "cancelled",
    "reset": "reset",
    "put": "wrote",
    "undo": "undid",
    "redo": "redid",
    "search": "searched",
    "begin": "began",
    "unset": "cleared",
    "enroll": "enrolled",
    "permit": "permitted",
    "map": "mapped",
    "pin": "pinned",
    "unpin": "unpinned",
    "ship": "shipped",
    "log": "logged",
}
_REGULAR: Final = (  # noqa: SIM905  # names read better as words
    "accept access acknowledge activate aggregate allow analyze approve archive assign associate attach authorize "
    "block calculate check clear clone close complete configure confirm connect consent convert create deactivate "
    "decline decrypt delete deploy detach detect disable disassociate disconnect discover dismiss download elevate "
    "enable encrypt escalate execute export extend fail favorite fetch filter flag follow generate grant hide import "
    "initiate install invite invoke isolate issue join launch leave link list load lock mark merge migrate mount move "
    "offboard onboard open pause post preview print process promote provision publish purchase purge quarantine "
    "recall receive recover redeem refresh register reject release remove rename replace report request resolve "
    "restart restore restrict resume retire retrieve retry revoke rotate save scan schedule select share sign start "
    "suspend tag terminate test transfer trigger unassign unblock uninstall unlink unlock unpublish unregister "
    "unshare upgrade upload validate view visit watch wipe"
).split()
_ACRONYMS: Final = {
    word.casefold(): word
    for word in ("DLP", "OWA", "IP", "ID", "MFA", "API", "URL", "SID", "CAS", "UM", "MTP", "SI", "SSO", "PIM", "AI",
                 "VPN", "HTTP", "PC", "OAuth", "Teams", "SharePoint", "OneDrive", "Exchange", "Intune", "Outlook",
                 "Entra")
}  # fmt: skip
_LEFT_OUT: Final = frozenset({"cs"})  # begins the nouns of all cmdlets of Teams
_VOWELS: Final = frozenset("aeioAEIO")
#: Verbs of things that were there, and of things that are one of many.
_OF_KNOWN: Final = frozenset({"read", "changed"})
_OF_NEW: Final = frozenset(
    {"added", "approved", "assigned", "copied", "created", "deleted", "downloaded", "installed", "moved", "opened",
     "removed", "renamed", "restored", "retired", "sent", "shared", "started", "uploaded", "viewed", "wiped"}
)  # fmt: skip


def _past(verb: str) -> str:
    return f"{verb}d" if verb.endswith("e") else f"{verb}ed"


_VERBS: Final = {**{verb: _past(verb) for verb in _REGULAR}, "leave": "left", "hide": "hid", **_PAST}
#: `Updated` of `ListUpdated` -> "changed".
_PARTICIPLES: Final = {
    **{past: past for past in _VERBS.values()},
    "sent": "sent",
    "updated": "changed",
    "modified": "changed",
    "edited": "changed",
    "broken": "broke",
}


def is_verb(word: str) -> bool:
    """Whether a word in lower case is a verb and nothing more, as any service may call what it does."""
    return word in _VERBS


def of(operation: str) -> Phrase | None:
    """The words of an operation; None for one that is no verb and noun."""
    if len(operation) > _LONGEST:
        return None
    if (method := _METHOD.fullmatch(operation)) is not None:
        return Phrase(f"called {method[1]} for {{target}}", f"called {method[1]}")
    if _FORM.fullmatch(operation) is None:
        return None
    words = _WORDS.findall(operation)
    verb, rest = _verb(words, hyphened="-" in operation)
    if verb is None:
        return None
    return _made(verb, rest) if rest else Phrase(f"{verb} {{target}}", f"{verb} something")


def _verb(words: list[str], *, hyphened: bool) -> tuple[str | None, list[str]]:
    """The verb in its past tense, and the other words. A participle at the end counts before a verb at the beginning.

    `ListUpdated` lists nothing, and `ViewedReport` reports nothing.
    A cmdlet's verb stands before its hyphen, whatever its noun is.
    """
    first, last = words[0].casefold(), words[-1].casefold()
    if last in _PARTICIPLES and last not in _VERBS and len(words) > 1 and not hyphened:
        return _PARTICIPLES[last], words[:-1]
    if first in _PARTICIPLES and first not in _VERBS and len(words) > 1:
        return _PARTICIPLES[first], words[1:]
    if first in _VERBS or len(words) == 1:
        return _VERBS.get(first) or _PARTICIPLES.get(first), words[1:]
    return _VERBS.get(last), words[:-1]


def _made(verb: str, words: list[str]) -> Phrase | None:
    noun = " ".join(_word(word) for word in words if word.casefold() not in _LEFT_OUT)
    if not noun:
        return None
    return Phrase(f"{verb} {noun} {{target}}", f"{verb} {_article(verb, noun)}{noun}")


def _article(verb: str, noun: str) -> str:
    if noun.endswith("s") and not noun.endswith(("ss", "us", "is")):
        return ""
    if verb in _OF_KNOWN:
        return "the "
    return "" if verb not in _OF_NEW else "an " if noun[0] in _VOWELS else "a "


def _word(word: str) -> str:
    folded = word.casefold()
    return _ACRONYMS.get(folded) or (word if word.isupper() and len(word) > 1 else folded)
