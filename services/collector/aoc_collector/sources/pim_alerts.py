"""Alerts of Privileged Identity Management (graph-docs, how-to-pim-alerts.md). Beta; needs Entra ID P2 or Governance.

There is one alert of each kind, and it has a state: whether it is active, with its incidents. Nothing lists when states
changed, so all alerts are read each time, and what differs from what was published last goes out. What this process
remembers only spares the bus: the normalizer recognises a state that comes again.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import msgspec
import orjson

from aoc_collector.microsoft.answers import array_elements
from aoc_collector.microsoft.paging import follow
from aoc_collector.sources.base import Batch, Context, Spec, Window, cut

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from aoc_collector.microsoft.paging import Page

_WHAT: Final = "/beta/identityGovernance/roleManagementAlerts/alerts"
#: Any other scope is answered 400, and so is none.
_SCOPE: Final = "scopeId eq '/' and scopeType eq 'DirectoryRole'"
_RELATIONS: Final = "alertDefinition,alertConfiguration,alertIncidents"
#: The alerts of a tenant, with their definitions, configurations and incidents.
PATH: Final = f"{_WHAT}?$filter={quote(_SCOPE, safe='')}&$expand={_RELATIONS}"
#: There are seven kinds of alerts. More pages than this are a loop.
_MAX_PAGES: Final = 20
_MOST_REMEMBERED: Final = 1000
_RECORD: Final = msgspec.json.Decoder(dict[str, Any])
#: When it was last looked at changes without saying anything.
_SCANNED: Final = "lastScannedDateTime"
#: An alert that never had an incident was modified in the year 1.
_NEVER: Final = "0001-"


class _State(NamedTuple):
    """What an alert said: a digest of it, whether it is active, whether it ever had incidents."""

    alert: str
    digest: bytes
    active: bool
    modified: bool


class RoleAlerts:
    """The alerts of a tenant as a source."""

    def __init__(self, context: Context) -> None:
        self._api = context.api
        self._published: dict[str, _State] = {}

    async def batches(self, window: Window) -> AsyncGenerator[Batch]:
        """See `Source`. The present states, whatever the window is; `afresh`: also those that were published."""
        url = f"{self._api.base}{PATH}"
        async for records in follow(self._api, url, _WHAT, _elements, _MAX_PAGES):
            states = [(record, _state(record)) for record in records]
            news = [record for record, state in states if state is None or self._is_news(state, afresh=window.afresh)]
            yield cut(b"[" + b",".join(news) + b"]", _WHAT)
            # Only now: the runner asks for more when what it had is on the bus.
            self._remember(state for _, state in states if state is not None)

    def _is_news(self, state: _State, *, afresh: bool) -> bool:
        """Whether a state is to be published. One that says nothing happened, ever, is no event."""
        before = self._published.get(state.alert)
        if before is not None and before.digest == state.digest and not afresh:
            return False
        return state.active or state.modified or (before is not None and before.active)

    def _remember(self, states: Iterable[_State]) -> None:
        if len(self._published) > _MOST_REMEMBERED:
            self._published.clear()
        self._published.update({state.alert: state for state in states})


def _elements(page: Page) -> list[msgspec.Raw]:
    return array_elements(page.value, _WHAT)


def _state(record: msgspec.Raw) -> _State | None:
    """The state in a record; None for what is no alert, which the normalizer is to judge."""
    try:
        alert = _RECORD.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    name, modified = alert.get("id"), alert.get("lastModifiedDateTime")
    if not isinstance(name, str):
        return None
    said = {field: value for field, value in alert.items() if field != _SCANNED and not field.startswith("@")}
    digest = blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    was_modified = isinstance(modified, str) and not modified.startswith(_NEVER)
    return _State(name, digest, alert.get("isActive") is not False, was_modified)


SPEC = Spec(name="graph-pim-alerts", family="graph_directory", build=RoleAlerts)
