"""Turns raw pages into deduplicated OCSF events."""
