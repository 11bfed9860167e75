"""SharePoint and OneDrive in the unified log."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from aoc_normalizer.draft import Draft, Party
from aoc_normalizer.fields import values
from aoc_normalizer.mappers.base import Record, named_party
from aoc_normalizer.ocsf import GROUP_MANAGEMENT


def fill(record: Record, draft: Draft) -> None:
    """The file or site, and who it was shared with."""
    draft.used |= {"SourceFileName", "SiteUrl", "SourceRelativeUrl", "TargetUserOrGroupName"}
    url = values.text(record.get("ObjectId")) or values.text(record.get("SiteUrl"))
    name = values.text(record.get("SourceFileName")) or _leaf(url)
    shared_with = values.text(record.get("TargetUserOrGroupName"))
    targets = [Party(name=name, uid=url, kind="file")] if name or url else []
    if shared_with:
        kind = (values.text(record.get("TargetUserOrGroupType")) or "user").casefold()
        other = named_party(shared_with, "group" if "group" in kind else "user")
        targets = [other, *targets] if draft.class_uid == GROUP_MANAGEMENT else [*targets, other]
    draft.targets = targets or draft.targets
    if shared_with:
        draft.words["user"] = shared_with


def _leaf(url: str | None) -> str | None:
    if not url:
        return None
    try:
        path = urlsplit(url).path
    except ValueError:
        return url
    return unquote(path.rstrip("/").rpartition("/")[2]) or url
