"""Which notifications are genuine, and which jobs they become. Nothing here takes long or waits for the bus."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from aoc_api.webhooks.replays import Key, Replays, key_of, key_of_content
from aoc_common.contracts.jobs import PollJob, SubscriptionJob
from aoc_common.contracts.sources import CONTENT_TYPES
from aoc_common.contracts.webhooks import POLLED, Sealed, Seals, same_tenant
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_api.webhooks.content import Decryption
    from aoc_api.webhooks.notifications import Batch, ChangeNotification, ContentItem
    from aoc_api.webhooks.tokens import ValidationTokens

type Outcome = Literal["accepted", "replayed", "forged", "untrusted", "unreadable", "unknown"]

_SOURCES: Final = {content_type.lower(): source for content_type, source in CONTENT_TYPES.items()}
#: Outcomes of what did not come from Microsoft, or not intact.
REFUSED: Final[frozenset[Outcome]] = frozenset({"forged", "untrusted", "unreadable"})


@dataclass(slots=True)
class Verdict:
    """The result for a batch. `keys` are to be remembered when the jobs are on the bus; `reasons` are for the log."""

    jobs: set[PollJob | SubscriptionJob] = field(default_factory=set)
    keys: dict[bytes, Key] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def refuse(self, outcome: Outcome, reason: str, items: int = 1) -> None:
        """Note items that become no jobs."""
        self.outcomes[outcome] += items
        self.reasons[reason] += items

    def accept(self, key: Key, *jobs: PollJob | SubscriptionJob) -> None:
        """Note an item that becomes jobs."""
        self.outcomes["accepted"] += 1
        self.keys[key.digest] = key
        self.jobs.update(jobs)


class Verifier:
    """Verifies notifications by seals, tokens, signatures, and against replays."""

    def __init__(self, seals: Seals, tokens: ValidationTokens, decryption: Decryption, replays: Replays) -> None:
        self._seals = seals
        self._tokens = tokens
        self._decryption = decryption
        self.replays = replays

    def sealed_content(self, auth_id: str) -> Sealed | None:
        """The tenant whose Management API webhook has this `authId`; None for a forged one."""
        sealed = self._seals.open(auth_id)
        return sealed if sealed is not None and sealed.kind == "o365" else None

    async def graph(self, batch: Batch) -> Verdict:
        """Verify a Graph notification. Raises `Transient` when the signing keys cannot be had."""
        verdict = Verdict()
        try:
            # One invalid token makes the whole batch untrusted.
            verified = {await self._tokens.verify(token) for token in batch.validation_tokens}
        except Malformed as error:
            verdict.refuse("untrusted", str(error), len(batch.value))
            return verdict
        for item in batch.value:
            await self._change(item, verified if batch.validation_tokens else None, verdict)
        return verdict

    async def _change(self, item: ChangeNotification, verified: set[str] | None, verdict: Verdict) -> None:
        sealed = self._seals.open(item.client_state or "")
        if sealed is None or sealed.kind == "o365" or not same_tenant(item.tenant_id or "", sealed.tenant_id):
            verdict.refuse("forged", "clientState is none of ours")
            return
        if (item.encrypted_content or verified is not None) and sealed.tenant_id not in (verified or ()):
            verdict.refuse("untrusted", "no validation token speaks for its tenant")
            return
        if item.encrypted_content:
            try:
                # The data itself is fetched from Graph anyway; but data that was tampered with must cause no job. In a
                # thread: to unwrap a key takes milliseconds.
                await asyncio.to_thread(self._decryption.open, item.encrypted_content)
            except Malformed as error:
                verdict.refuse("unreadable", str(error))
                return
        key = key_of(item)
        if self._is_replay(key, verdict):
            return
        try:
            verdict.accept(key, _job(item, sealed))
        except ValueError:
            verdict.refuse("unreadable", "subscriptionId is no GUID")

    def content(self, items: Sequence[ContentItem], sealed: Sealed) -> Verdict:
        """Verify a notification of the Management API that carries the `authId` of this tenant."""
        verdict = Verdict()
        for item in items:
            source = _SOURCES.get(item.content_type.lower())
            key = key_of_content(item)
            if not same_tenant(item.tenant_id, sealed.tenant_id):
                verdict.refuse("forged", "the content is another tenant's")
            elif source is None:
                verdict.refuse("unknown", "the content is of a type that is not collected")
            elif not self._is_replay(key, verdict):
                verdict.accept(key, PollJob(tenant=sealed.tenant, source=source))
        return verdict

    def _is_replay(self, key: Key, verdict: Verdict) -> bool:
        """Whether an item is a replay, of this batch or another."""
        replay = key.digest in verdict.keys or self.replays.known(key)
        if replay:
            verdict.refuse("replayed", "it came before")
        return replay


def _job(item: ChangeNotification, sealed: Sealed) -> PollJob | SubscriptionJob:
    """The job of a notification. `missed` becomes a poll: the next slice continues where the last ended.

    Raises ValueError.
    """
    if item.lifecycle_event == "reauthorizationRequired":
        return SubscriptionJob(tenant=sealed.tenant, subscription=str(UUID(item.subscription_id)))
    if item.lifecycle_event == "subscriptionRemoved":
        return SubscriptionJob(tenant=sealed.tenant)
    if sealed.kind == "o365":
        raise AssertionError("not a seal of a Graph subscription")
    return PollJob(tenant=sealed.tenant, source=POLLED[sealed.kind])
