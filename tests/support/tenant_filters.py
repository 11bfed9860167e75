"""Watches what is asked of a database: whether every filter on what belongs to tenants names one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pymongo.monitoring import CommandListener

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymongo.monitoring import CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent

#: What belongs to the installation, and why.
OF_THE_INSTALLATION: Final = {
    "grants": "a grant can be over several tenants",
    "api_keys": "a key can be over several tenants; found by its own fingerprint",
    "sessions": "of a person, who can have roles over several tenants; found by its own fingerprint",
    "export_jobs": "of a person, who can have roles over several tenants; gateways take the next of all",
    "sign_in_links": "of the operator; found by its own fingerprint",
    "tenant_settings": "the registry: which tenants there are, and their groups; the gateway shows those "
    "that the caller may see",
    "tenant_checks": "an answer to whoever has its ticket",
    "rules": "rules are the installation's; of exceptions routes show those for the tenant",
    "sinks": "a sink is the installation's; administrators over everything see them",
    "notification_routes": "how the installation's routes of notifications fare",
    "sink_states": "how the installation's sinks fare",
    "sink_accounts": "what the installation's sinks have sent, tenant by tenant, for the same administrators",
    "sink_stretches": "which tenants of a sink are behind, for the same administrators",
    "sink_answers": "an answer to whoever has its ticket",
    "report_keys": "public keys, and one set for all",
    "installation": "the id of the installation",
    "sources": "which tenants there are (`Hints`); the gateway shows those that the caller may see",
    "upgrades": "how far the store as a whole was made anew",
    "dead_letters": "a count for /health",
    "quarantine": "a count for /health",
    "publications": "which ids were published where; events are read by their tenant",
    "moved_events": "which id became which; events are read by their tenant",
    "audit_heads": "which chains are not on the bus yet, whoever they are about",
    "admin": "no collection: the server is asked",
}
#: The one filter on what belongs to tenants that names none: which tenants and sources there are, where a search finds
#: nothing; the gateway shows those that the caller may see.
_TENANTS_THERE_ARE: Final = ("find", "event_outline", {"kinds": {"$exists": True}})
#: Collections whose ids begin with the tenant's name.
_BY_ID: Final = frozenset({"event_outline", "vocabulary", "privacy"})
#: Of these the whole key is the tenant's name, or it is a mark for all.
_MARKS: Final = frozenset({"complete"})
_BEGINS: Final = re.compile(r"[a-z0-9-]{1,40}(?: |$)")


class TenantFilters(CommandListener):
    """Collects commands that name no tenant. `seen`: collections that were asked."""

    def __init__(self) -> None:
        self.nameless: list[tuple[str, str, Any]] = []
        self.seen: set[str] = set()

    def started(self, event: CommandStartedEvent) -> None:
        """A command is sent."""
        command, name = event.command, event.command_name
        collection = command.get(name)
        if not isinstance(collection, str) or collection in OF_THE_INSTALLATION:
            return
        for asked in _filters(name, command):
            self.seen.add(collection)
            if not names_tenant(collection, asked) and (name, collection, asked) != _TENANTS_THERE_ARE:
                self.nameless.append((name, collection, asked))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Of no interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Of no interest."""


def names_tenant(collection: str, asked: Mapping[str, Any]) -> bool:
    """Whether a filter, or a document to insert, can only be about one tenant."""
    if isinstance(asked.get("tenant"), str):
        return True
    if "$and" in asked:
        return any(names_tenant(collection, part) for part in asked["$and"])
    identity = asked.get("_id")
    listed = identity.get("$in", []) if isinstance(identity, dict) else [identity]
    if collection not in _BY_ID or not listed:
        return False
    return all(isinstance(one, str) and (one in _MARKS or _BEGINS.match(one)) for one in listed)


def _filters(name: str, command: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a command selects, or inserts."""
    pipeline = command.get("pipeline") or [{}]
    filters: dict[str, list[Mapping[str, Any]]] = {
        "find": [command.get("filter", {})],
        "count": [command.get("query", {})],
        "distinct": [command.get("query", {})],
        "findAndModify": [command.get("query", {})],
        "aggregate": [pipeline[0].get("$match", {})],
        "update": [update["q"] for update in command.get("updates", [])],
        "delete": [delete["q"] for delete in command.get("deletes", [])],
        "insert": list(command.get("documents", [])),
    }
    return filters.get(name, [])
