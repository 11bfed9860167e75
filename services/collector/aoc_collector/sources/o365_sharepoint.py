"""SharePoint and OneDrive in the unified audit log (content type Audit.SharePoint)."""

from aoc_collector.sources.activity import activity_feed

SPEC = activity_feed("o365-sharepoint", "Audit.SharePoint")
