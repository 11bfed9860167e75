"""A VictoriaLogs has what the sinks say that it has taken, by each of the protocols that it speaks.

`go install github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs@latest` makes one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

import victoria_logs
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.outcome import Accepted, Refused
from aoc_exporter.sinks.elastic import Elastic, ElasticOptions
from aoc_exporter.sinks.otlp import Otlp, OtlpOptions
from aoc_exporter.sinks.syslog import Syslog, SyslogOptions
from receiving import LOCAL, LOOPBACK
from siem_entries import items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_exporter.delivery.port import Sink
    from victoria_logs import VictoriaLogs

COUNT = 300


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[VictoriaLogs]:
    if (command := victoria_logs.found()) is None:
        pytest.skip("needs victoria-logs")
    with victoria_logs.victoria_logs(command, tmp_path_factory.mktemp("victoria-logs")) as made:
        yield made


def elastic(server: VictoriaLogs) -> Sink:
    url = f"{server.url}/insert/elasticsearch?_msg_field=message&_time_field=@timestamp"
    return Elastic(ElasticOptions(url=url, http=LOCAL))


def otlp(server: VictoriaLogs, encoding: str = "protobuf") -> Sink:
    return Otlp(OtlpOptions(url=f"{server.url}/insert/opentelemetry", encoding=encoding, http=LOCAL))


def syslog(server: VictoriaLogs) -> Sink:
    return Syslog(
        SyslogOptions(host="127.0.0.1", port=server.syslog, transport="tcp", allowed_networks=LOOPBACK, timeout_s=20)
    )


#: Protocol -> its sink, where the id of an entry is, and where its text.
SPEAKS: dict[str, Any] = {
    "elastic": (elastic, "aoc.id", "number {}"),
    "otlp": (otlp, "event.id", '"message":"number {}"'),
    "syslog": (syslog, "aoc@32473.id", '"message":"number {}"'),
}


@pytest.mark.parametrize("name", SPEAKS)
async def test_what_is_accepted_is_there_once_with_its_time_and_text(server, eventually, name: str) -> None:
    make, field, text = SPEAKS[name]
    source = f"made-by-{name}"
    now = int(time.time() * 1000) // 1000 * 1000 - 60_000
    sent = items(COUNT, time_ms=now, source=source)
    sink = make(server)
    outcomes = [*await deliver(sink, sent[:200]), *await deliver(sink, sent[200:])]
    await sink.close()

    def there() -> list[dict[str, str]]:
        return [one for one in server.entries() if source in one.values()]

    await eventually(lambda: len(there()) >= COUNT)
    has = {one[field]: one for one in there()}
    assert set(outcomes) == {Accepted()}
    assert len(there()) == COUNT
    assert has.keys() == {one.entry.id for one in sent}
    assert all(text.format(number) in has[one.entry.id]["_msg"] for number, one in enumerate(sent, 1))
    assert {one["_time"].rstrip("Z").partition(".")[0] + "Z" for one in has.values()} == {
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now / 1000))
    }


async def test_that_it_takes_no_otlp_in_json_is_said_in_its_words(server) -> None:
    sink = otlp(server, "json")
    [outcome] = await deliver(sink, items(1), believed=True)
    await sink.close()

    assert isinstance(outcome, Refused)
    assert "Use protobuf encoding" in outcome.words
