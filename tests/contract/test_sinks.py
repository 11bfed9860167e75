"""Every sink against its receiver, with every fault: nothing is lost, and what comes twice is counted."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.clock import SystemClock
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.formats import FORMATS
from aoc_exporter.outcome import Retry
from aoc_exporter.sinks.elastic import Elastic, ElasticOptions
from aoc_exporter.sinks.otlp import Otlp, OtlpOptions
from aoc_exporter.sinks.sentinel import Sentinel, SentinelOptions
from aoc_exporter.sinks.splunk import Splunk, SplunkOptions
from aoc_exporter.sinks.syslog import Syslog, SyslogOptions
from aoc_exporter.sinks.webhook import Webhook, WebhookOptions
from aoc_sim.siem.elastic import ElasticReceiver
from aoc_sim.siem.otlp import OtlpReceiver
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.sentinel import SentinelReceiver
from aoc_sim.siem.splunk import SplunkReceiver
from aoc_sim.siem.syslog import SyslogReceiver
from aoc_sim.siem.webhook import WebhookReceiver
from each import each
from receiving import LOCAL, LOOPBACK, SECRET, Account, Tokens, serving
from siem_entries import item, items

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aoc_exporter.delivery.port import Sink
    from aoc_sim.siem.taken import Taken

NAMES = ["splunk", "splunk-acks", "elastic", "otlp", "otlp-protobuf", "webhook", "sentinel", "syslog"]
#: Of their destinations, those that tell repeats apart.
KNOW_REPEATS = {"elastic"}
#: Those that can say of one event that they will not take it.
REFUSE_EVENTS = [name for name in NAMES if name != "syslog"]
CLOCK = SystemClock()
POISON = "poisonous"


@asynccontextmanager
async def pair(name: str, faults: RequestFaults) -> AsyncIterator[tuple[Sink, Taken]]:
    """A sink, and what its receiver takes."""
    async with AsyncExitStack() as stack:
        receiver, sink = await RECEIVERS[name](stack, faults)
        stack.push_async_callback(sink.close)
        yield sink, receiver.taken


async def splunk(stack: AsyncExitStack, faults: RequestFaults, *, acknowledges: bool = False) -> tuple[Any, Sink]:
    receiver = SplunkReceiver(faults, acknowledges=acknowledges)
    url = await stack.enter_async_context(serving(receiver.routes()))
    options = SplunkOptions(
        url=url, token="hec-token", http=LOCAL,
        acknowledgements=acknowledges, acknowledge_every_s=0.02, acknowledge_within_s=0.3,
    )  # fmt: skip
    return receiver, Splunk(options, CLOCK)


async def splunk_acks(stack: AsyncExitStack, faults: RequestFaults) -> tuple[Any, Sink]:
    return await splunk(stack, faults, acknowledges=True)


async def elastic(stack: AsyncExitStack, faults: RequestFaults) -> tuple[Any, Sink]:
    receiver = ElasticReceiver(faults)
    url = await stack.enter_async_context(serving(receiver.routes()))
    return receiver, Elastic(ElasticOptions(url=url, user="aoc", password="made-up", http=LOCAL))


async def otlp(stack: AsyncExitStack, faults: RequestFaults, *, encoding: str = "json") -> tuple[Any, Sink]:
    receiver = OtlpReceiver(faults)
    url = await stack.enter_async_context(serving(receiver.routes()))
    return receiver, Otlp(OtlpOptions(url=url, http=LOCAL, encoding=encoding))


async def otlp_protobuf(stack: AsyncExitStack, faults: RequestFaults) -> tuple[Any, Sink]:
    return await otlp(stack, faults, encoding="protobuf")


async def webhook(stack: AsyncExitStack, faults: RequestFaults) -> tuple[Any, Sink]:
    receiver = WebhookReceiver(SECRET, faults)
    url = await stack.enter_async_context(serving(receiver.routes()))
    return receiver, Webhook(WebhookOptions(url=f"{url}/hook", secret=SECRET, http=LOCAL), CLOCK)


async def sentinel(stack: AsyncExitStack, faults: RequestFaults) -> tuple[Any, Sink]:
    receiver = SentinelReceiver(faults)
    url = await stack.enter_async_context(serving(receiver.routes()))
    options = SentinelOptions(endpoint=url, rule="dcr-1", http=LOCAL)
    return receiver, Sentinel(options, Tokens("token-1"))


async def syslog(stack: AsyncExitStack, faults: RequestFaults) -> tuple[Any, Sink]:
    receiver = await stack.enter_async_context(SyslogReceiver(faults))
    options = SyslogOptions(
        host="127.0.0.1", port=receiver.port, transport="tcp", timeout_s=5, allowed_networks=LOOPBACK
    )
    return receiver, Syslog(options)


RECEIVERS = {
    "splunk": splunk,
    "splunk-acks": splunk_acks,
    "elastic": elastic,
    "otlp": otlp,
    "otlp-protobuf": otlp_protobuf,
    "webhook": webhook,
    "sentinel": sentinel,
    "syslog": syslog,
}


def test_all_sinks_are_held() -> None:
    assert set(RECEIVERS) == set(NAMES)


@each("form", FORMATS)
@each("name", NAMES)
async def test_everything_arrives_once_in_every_format(name: str, form: str) -> None:
    sent, account = items(20, form), Account()
    async with pair(name, RequestFaults()) as (sink, taken):
        await account.send(sink, sent)

    assert taken.times == dict.fromkeys([one.key for one in sent], 1)
    assert (account.rounds, account.repeats.total()) == (1, 0)


@each("fault", RequestFault)
@each("name", NAMES)
async def test_a_fault_loses_nothing_and_repeats_no_more_than_the_account_says(name: str, fault: RequestFault) -> None:
    sent, account = items(20), Account()
    faults = RequestFaults([fault, RequestFault.NONE, fault], slow_s=0.05)
    async with pair(name, faults) as (sink, taken):
        await account.send(sink, sent[:10])
        await account.send(sink, sent[10:])

    assert set(taken.times) == account.accepted == {one.key for one in sent}
    assert account.refused == {}
    assert taken.doubled <= account.repeats.total()


@each("name", NAMES)
async def test_an_answer_that_never_came_is_a_repeat_that_is_counted(name: str) -> None:
    """Whether the batch was taken is not known, and it was."""
    sent, account = items(10), Account()
    async with pair(name, RequestFaults([RequestFault.RESET_AFTER])) as (sink, taken):
        await account.send(sink, sent)

    assert account.repeats.total() == (0 if name in KNOW_REPEATS else 10)
    assert taken.doubled == (0 if name in {*KNOW_REPEATS, "webhook"} else 10)


@each("name", NAMES)
async def test_faults_by_chance_lose_nothing(name: str) -> None:
    rates = dict.fromkeys((one for one in RequestFault if one is not RequestFault.NONE), 0.08)
    account = Account()
    sent = items(60)
    async with pair(name, RequestFaults(rates=rates, seed=5, slow_s=0.02, most=3)) as (sink, taken):
        for begin in range(0, 60, 6):
            await account.send(sink, sent[begin : begin + 6], rounds=100)

    assert set(taken.times) == account.accepted == {one.key for one in sent}
    assert taken.doubled <= account.repeats.total()


@each("name", REFUSE_EVENTS)
@each("place", [1, 13, 30])
async def test_one_event_that_is_refused_is_given_up_alone_with_the_destinations_words(name: str, place: int) -> None:
    sent = items(30)
    sent[place - 1] = item(place, operation=POISON, body=b'{"message":"poisonous","metadata":{},"time":1}')
    account = Account()
    async with pair(name, RequestFaults(poison=POISON)) as (sink, taken):
        await account.send(sink, sent)
        requests = taken.requests

    assert set(account.refused) == {sent[place - 1].key}
    assert account.refused[sent[place - 1].key].startswith(name.partition("-")[0])
    assert set(taken.times) == account.accepted == {one.key for one in sent} - set(account.refused)
    assert taken.doubled <= account.repeats.total()
    assert requests <= 2 * 6


@each("name", REFUSE_EVENTS)
async def test_a_destination_that_refuses_everything_costs_no_event(name: str) -> None:
    sent = [item(number, body=b'{"message":"poisonous","metadata":{},"time":1}') for number in range(1, 41)]
    account = Account()
    faults = RequestFaults(poison=POISON)
    async with pair(name, faults) as (sink, taken):
        with pytest.raises(AssertionError, match="refuses everything"):
            await account.send(sink, sent, rounds=2)
        faults.poison = None
        account.rounds = 0
        await account.send(sink, sent)

    assert account.refused == {}
    assert set(taken.times) == {one.key for one in sent}


@each("name", NAMES)
async def test_a_later_version_is_taken_beside_the_first(name: str) -> None:
    sent, account = [item(1), item(1, revision=2)], Account()
    async with pair(name, RequestFaults()) as (sink, taken):
        await account.send(sink, sent)
        await account.send(sink, [item(1)])

    assert set(taken.times) == {item(1).key, item(1, revision=2).key}
    assert taken.times[item(1).key] == (1 if name in {*KNOW_REPEATS} else 2)


@each("name", NAMES)
async def test_a_destination_that_is_away_gets_nothing_and_nothing_is_given_up(name: str) -> None:
    async with AsyncExitStack() as stack:
        _, sink = await RECEIVERS[name](stack, RequestFaults())
    outcomes = await deliver(sink, items(3))

    assert all(isinstance(outcome, Retry) for outcome in outcomes)
