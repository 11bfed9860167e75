"""Losses as dead letters, so that an operator decides about them.

The letter's message is a request to backfill its time. Retrying it shows whether the cause is gone: the bus accepts
larger messages, Microsoft offers the content after all. AOC_DLQ has a copy with the beginning of the lost content.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from aoc_collector.sources.base import Window
from aoc_common.bus.publish import Outgoing
from aoc_common.contracts import subjects
from aoc_common.contracts.dead_letters import LETTER, DeadLetter
from aoc_common.contracts.event import header_safe
from aoc_common.contracts.jobs import BackfillJob

if TYPE_CHECKING:
    from datetime import datetime

    from aoc_collector.sources.base import Batch, Loss
    from aoc_common.contracts.jobs import CollectJob

#: Characters of the lost content that its letter shows.
_SAMPLE_CHARACTERS: Final = 2000


def dead_letter_of(job: CollectJob, loss: Loss, at: datetime) -> DeadLetter:
    """A loss as a dead letter. Its key is the same in every slice that meets the loss."""
    lost = loss.window
    window = lost if lost is not None and lost.start < lost.end else Window(job.start, job.end)
    backfill = BackfillJob(tenant=job.tenant, source=job.source, start=window.start, end=window.end)
    identity = f"{job.tenant}/{job.source}/{loss.reason}/".encode() + loss.sample
    sample = header_safe(loss.sample.decode("utf-8", "replace"))[:_SAMPLE_CHARACTERS]
    return DeadLetter(
        key=f"collector-{blake2b(identity, digest_size=16).hexdigest()}",
        service="collector",
        tenant=job.tenant,
        source=job.source,
        slice_id=job.slice_id,
        stream=subjects.JOBS_STREAM,
        sequence=0,
        subject=backfill.subject,
        reason=loss.reason,
        headers={"Aoc-Tenant": job.tenant, "Aoc-Source": job.source} | ({"Aoc-Sample": sample} if sample else {}),
        body=backfill.model_dump_json().encode(),
        at=at,
    )


def dlq_message(letter: DeadLetter, loss: Loss) -> Outgoing:
    """The copy of a letter for AOC_DLQ."""
    headers = {
        "Aoc-Reason": header_safe(letter.reason),
        "Aoc-Tenant": letter.tenant,
        "Aoc-Source": letter.source,
        "Aoc-Slice": letter.slice_id,
        "Aoc-Subject": subjects.raw(letter.tenant, letter.source),
        LETTER: letter.key,
        "Nats-Msg-Id": letter.key,
    }
    return Outgoing(subjects.dead_letter(letter.service, letter.tenant), loss.sample, headers)


def without_lost_time(batch: Batch) -> Batch:
    """A batch without lost windows: in a re-scan, time that Microsoft no longer keeps is no loss."""
    return replace(batch, losses=[loss for loss in batch.losses if loss.window is None])
