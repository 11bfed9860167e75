"""A receiver that takes connections and never reads from them costs a time-out, and no entry."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from aoc_common.clock import SystemClock
from aoc_common.outbound.web import HttpOptions
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.outcome import Retry
from aoc_exporter.sinks.elastic import Elastic, ElasticOptions
from aoc_exporter.sinks.folder import FolderOptions, folder
from aoc_exporter.sinks.otlp import Otlp, OtlpOptions
from aoc_exporter.sinks.sentinel import Sentinel, SentinelOptions
from aoc_exporter.sinks.splunk import Splunk, SplunkOptions
from aoc_exporter.sinks.syslog import Syslog, SyslogOptions
from aoc_exporter.sinks.webhook import Webhook, WebhookOptions
from each import each
from object_stores import s3_at
from receiving import LOOPBACK, SECRET, Tokens
from siem_entries import items

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_exporter.delivery.port import Sink

CLOCK = SystemClock()
SOON = HttpOptions(timeout_s=0.2, allowed_networks=LOOPBACK)


def syslog(port: int, transport: str) -> Sink:
    return Syslog(
        SyslogOptions(
            host="127.0.0.1", port=port, transport=transport, allowed_networks=LOOPBACK, timeout_s=0.3,
            message_bytes=1_000_000,
        )
    )  # fmt: skip


SINKS: dict[str, Callable[[int], Sink]] = {
    "splunk": lambda port: Splunk(SplunkOptions(url=f"http://127.0.0.1:{port}", token="t", http=SOON), CLOCK),
    "elastic": lambda port: Elastic(ElasticOptions(url=f"http://127.0.0.1:{port}", http=SOON)),
    "otlp": lambda port: Otlp(OtlpOptions(url=f"http://127.0.0.1:{port}", http=SOON)),
    "webhook": lambda port: Webhook(WebhookOptions(url=f"http://127.0.0.1:{port}", secret=SECRET, http=SOON), CLOCK),
    "sentinel": lambda port: Sentinel(
        SentinelOptions(endpoint=f"http://127.0.0.1:{port}", rule="dcr-1", http=SOON), Tokens("t")
    ),
    "s3": lambda port: folder(
        FolderOptions.model_validate(s3_at(f"http://127.0.0.1:{port}", http=SOON.model_dump())), CLOCK
    ),
    "tcp": lambda port: syslog(port, "tcp"),
    "tls": lambda port: syslog(port, "tls"),
}


@each("name", SINKS)
async def test_who_accepts_a_connection_and_never_reads_is_left_within_a_bound_and_gets_everything_again(
    name: str,
) -> None:
    # More than the buffers of both systems hold.
    sent = items(12, body=b'{"a":"' + b"x" * 400_000 + b'"}')
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sink = SINKS[name](silent.getsockname()[1])
        async with asyncio.timeout(20):
            outcomes = await deliver(sink, sent)
            await sink.close()

    assert [type(outcome) for outcome in outcomes] == [Retry] * len(sent)
