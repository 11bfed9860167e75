"""Collections that belong together: a test that needs the indexes of a few does not wait for those of fifty."""

from __future__ import annotations

from typing import Final

#: What the account of a tenant's sources is made from.
ACCOUNT: Final = (
    "ledger_slices", "ledger_gaps", "ledger_days", "ledger_sums", "ledger_pages", "ledger_gone", "ledger_blobs",
    "quarantine", "dead_letters", "sources", "arrivals", "backlog",
)  # fmt: skip
#: What is written and asked where events are stored, renewed and linked with their twins.
STORED: Final = (
    "events", "event_notes", "vocabulary", "event_versions", "twins", "twin_pages", "ledger_slices", "ledger_pages",
    "moved_events", "quarantine", "dead_letters",
)  # fmt: skip
DIRECTORY: Final = ("directory", "directory_state")
