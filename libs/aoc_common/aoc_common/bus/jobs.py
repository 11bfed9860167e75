"""Putting jobs on the stream that keeps one pending message a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nats.js.errors import APIError

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.errors import Backpressure

if TYPE_CHECKING:
    from nats.js import JetStreamContext

    from aoc_common.contracts.jobs import Job

#: nats-server, errors.json: the stream did not store a message. Several reasons share the code; the text tells them.
_NOT_STORED: Final = 10077
_OCCUPIED: Final = "maximum messages per subject exceeded"
_TIMEOUT_S: Final = 10.0


async def publish_job(js: JetStreamContext, job: Job, *, timeout_s: float = _TIMEOUT_S) -> bool:
    """Put a job on the stream; False when its subject has one already. Raises `Transient`.

    Without a message id: a slice that failed and is asked for again is no duplicate.
    """
    message = Outgoing(job.subject, job.model_dump_json().encode(), {"Aoc-Tenant": job.tenant})
    return await put_job(js, message, timeout_s=timeout_s)


async def put_job(js: JetStreamContext, message: Outgoing, *, timeout_s: float = _TIMEOUT_S) -> bool:
    """Put the message of a job on the stream; False when its subject has one already. Raises `Transient`."""
    try:
        await publish_all(js, subjects.JOBS_STREAM, [message], timeout_s=timeout_s)
    except Backpressure as refusal:
        cause = refusal.__cause__
        if isinstance(cause, APIError) and cause.err_code == _NOT_STORED and cause.description == _OCCUPIED:
            return False
        raise
    return True
