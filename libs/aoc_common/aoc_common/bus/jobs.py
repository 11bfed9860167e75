"""Jobs: put on the stream that keeps one pending message a subject, and handled by who works on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from nats.js.errors import APIError
from pydantic import ValidationError

from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects
from aoc_common.errors import Backpressure, Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from pydantic import BaseModel

    from aoc_common.bus.consume import BatchHandler
    from aoc_common.contracts.jobs import Job

#: nats-server, errors.json: the stream did not store a message. Several reasons share the code; the text tells them.
_NOT_STORED: Final = 10077
_OCCUPIED: Final = "maximum messages per subject exceeded"
_TIMEOUT_S: Final = 10.0

type Run[J] = Callable[[J], Awaitable[object]]
"""Does a job. Idempotent; raises `Transient` or `Permanent`, which `bus.policy` judges."""

type CountedRun[J] = Callable[[J, int], Awaitable[object]]
"""As `Run`, and is told which delivery of the job this is, from 1."""


def job_handler[J: BaseModel](kind: type[J], run: Run[J]) -> BatchHandler:
    """Handles messages that are jobs of this kind. Raises `Unreadable` for one that is not, and as `run` does."""
    return counted_job_handler(kind, lambda job, _delivery: run(job))


def counted_job_handler[J: BaseModel](kind: type[J], run: CountedRun[J]) -> BatchHandler:
    """As `job_handler`, for what is done differently when it was tried before."""

    async def on_jobs(messages: Sequence[Msg]) -> None:
        for message in messages:
            await run(_read(kind, message.data), message.metadata.num_delivered)

    return on_jobs


def _read[J: BaseModel](kind: type[J], body: bytes) -> J:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise Unreadable(f"job: {error.errors(include_url=False, include_input=False)[0]['msg']}") from None


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
