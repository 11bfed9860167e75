"""Entra ID in the unified audit log (content type Audit.AzureActiveDirectory)."""

from aoc_collector.sources.activity import activity_feed

SPEC = activity_feed("o365-azuread", "Audit.AzureActiveDirectory")
