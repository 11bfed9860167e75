"""Who is meant by the many ways in which services write one identity: claims, guests, anonymous links, SIDs, mailboxes.

Sources: SharePoint's claims encoding (`i:0#.f|membership|kim@...`, sharepoint-docs), `urn:spo:guest#` and
`urn:spo:anon#` of SharePoint's records, SIDs (windows-itpro-docs, security-identifiers.md), name-addr of RFC 5322.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import unquote

from aoc_normalizer.draft import SERVICE, SYSTEM, USER, WELL_KNOWN
from aoc_normalizer.fields import values


class Identity(NamedTuple):
    """What one text says of who somebody is."""

    name: str | None = None
    upn: str | None = None
    uid: str | None = None
    user_type: int = USER


#: Claims of SharePoint that are no single person, by how what follows their first bar begins.
_EVERYBODY: Final = (("true", "Everyone"), ("rolemanager|spo-grid-all-users", "Everyone except external users"))
_CLAIM: Final = ("i:0", "c:0")
_GUEST: Final = ("urn:spo:guest#", "live.com#", "guest#")
_ANONYMOUS: Final = ("urn:spo:anon#", "urn:spo:tenantanon#")
_OBJECT: Final = ("user_", "serviceprincipal_", "group_")
_MAILBOX: Final = ("smtp:", "mailto:", "sip:")
_EXTERNAL: Final = "#ext#@"
_OF_HASH: Final = 8
_PUID: Final = 16
#: A claim inside a claim, and no further.
_WITHIN: Final = 2


def parse(text: str, within: int = _WITHIN) -> Identity | None:
    """The identity in a text that has a form of its own; None for a plain name, address or id."""
    folded = text.casefold()
    if folded.startswith("s-1-"):
        return Identity(uid=text, user_type=SYSTEM) if text.upper() in WELL_KNOWN else None
    if folded.startswith(_CLAIM) and "|" in text:
        return _of_claim(text, within)
    if _EXTERNAL in folded and values.is_email(text):
        return Identity(_home(text[: folded.index(_EXTERNAL)]), text.lower())
    return _of_prefix(text, folded) or _of_mailbox(text)


def _of_prefix(text: str, folded: str) -> Identity | None:
    """What begins with its own kind: `urn:spo:guest#kim@...`, `smtp:kim@...`, `ServicePrincipal_<id>`."""
    address = next((text[len(prefix) :] for prefix in (*_GUEST, *_MAILBOX) if folded.startswith(prefix)), None)
    if address is not None and values.is_email(address):
        return Identity(upn=address.lower())
    if folded.startswith(_OBJECT) and values.is_guid(uid := text.partition("_")[2]):
        return Identity(uid=uid, user_type=SERVICE if folded.startswith("serviceprincipal") else USER)
    visitor = next((text[len(prefix) :] for prefix in _ANONYMOUS if folded.startswith(prefix)), None)
    return None if visitor is None else Identity(f"anonymous visitor {visitor[:_OF_HASH]}".strip(), uid=visitor or None)


def _of_claim(text: str, within: int) -> Identity | None:
    """`i:0#.f|membership|kim@...` is Kim; `c:0(.s|true` is everyone; a group's claim ends with its id."""
    rest = text.partition("|")[2]
    for beginning, name in _EVERYBODY:
        if rest.casefold().startswith(beginning):
            return Identity(name, uid=text)
    last = unquote(rest.rpartition("|")[2])
    if within > 0 and (found := parse(last, within - 1)) is not None:
        return found
    owner, _, domain = last.rpartition("@")
    if domain.casefold() == "live.com" and len(owner) == _PUID and owner.isalnum():
        return Identity(uid=owner)
    if values.is_email(last):
        return Identity(upn=last.lower())
    group = last.removesuffix("_o")  # its owners
    return Identity(uid=group) if values.is_guid(group) else Identity(last, uid=text)


def _home(local: str) -> str | None:
    """`kim@partner.example` of `kim_partner.example`: a guest's address at home."""
    name, underscore, domain = local.rpartition("_")
    return f"{name}@{domain}".lower() if underscore and name and "." in domain else None


def _of_mailbox(text: str) -> Identity | None:
    """`Kim Doe <kim@...>`."""
    if not text.endswith(">") or "<" not in text:
        return None
    name, _, address = text[:-1].rpartition("<")
    return Identity(name.strip().strip('"') or None, address.lower()) if values.is_email(address) else None
