"""Data loss prevention; needs ActivityFeed.ReadDlp (content type DLP.All)."""

from aoc_collector.sources.activity import activity_feed

SPEC = activity_feed("o365-dlp", "DLP.All")
