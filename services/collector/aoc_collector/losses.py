"""What can never be collected as it is: on record as a dead letter, so that somebody decides about it.

The letter's message is a request to collect its time again. So to retry it is to look whether the cause is mended: the
bus takes larger messages, Microsoft offers the content after all. AOC_DLQ has a copy with the beginning of what it was.
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

#: Characters of what was lost that its letter shows.
_SHOWN: Final = 2000


def letter_of(job: CollectJob, loss: Loss, at: datetime) -> DeadLetter:
    """A loss as a letter: the same key whenever, and in whatever slice, it is met."""
    lost = loss.window
    window = lost if lost is not None and lost.start < lost.end else Window(job.start, job.end)
    again = BackfillJob(tenant=job.tenant, source=job.source, start=window.start, end=window.end)
    known = f"{job.tenant}/{job.source}/{loss.reason}/".encode() + loss.sample
    sample = header_safe(loss.sample.decode("utf-8", "replace"))[:_SHOWN]
    return DeadLetter(
        key=f"collector-{blake2b(known, digest_size=16).hexdigest()}",
        service="collector",
        tenant=job.tenant,
        source=job.source,
        slice_id=job.slice_id,
        stream=subjects.JOBS_STREAM,
        sequence=0,
        subject=again.subject,
        reason=loss.reason,
        headers={"Aoc-Tenant": job.tenant, "Aoc-Source": job.source} | ({"Aoc-Sample": sample} if sample else {}),
        body=again.model_dump_json().encode(),
        at=at,
    )


def copy_of(letter: DeadLetter, loss: Loss) -> Outgoing:
    """What AOC_DLQ gets of it."""
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


def without_known(batch: Batch) -> Batch:
    """A batch of what is looked at again: that Microsoft has forgotten some of it by now is no loss."""
    return replace(batch, losses=[loss for loss in batch.losses if loss.window is None])
