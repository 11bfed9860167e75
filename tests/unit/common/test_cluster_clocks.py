"""Servers of a cluster whose clocks differ make no service look still, or alive."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from aoc_common.bus.consumers import COLLECT, NORMALIZER
from aoc_common.bus.lag import bus_state
from aoc_common.service.standstill import InstanceState, assess

#: By the clock of who stamps beats.
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINE = NORMALIZER[3]
WORK_QUEUE = {"retention": "workqueue"}


def at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.123456789Z")


class Cluster:
    """Answers as nats-server does; the leader of AOC_RAW is `apart`, that of the consumer twice as much."""

    def __init__(self, apart: timedelta) -> None:
        self.apart = apart
        beat = {"version": "1", "running_s": 60, "work": [{"consumer": MINE.durable}]}
        self.answers = [
            SimpleNamespace(
                headers={
                    "Nats-Subject": "aoc.beats.normalizer.vm-1-a",
                    "Nats-Time-Stamp": at(NOW - timedelta(seconds=2)),
                },
                data=json.dumps(beat).encode(),
            ),
            SimpleNamespace(headers={"Status": "204"}, data=b""),
        ]

    async def request(self, subject, **_bound):
        raw, own = NOW + self.apart, NOW + 2 * self.apart
        waiting = {"messages": 4, "first_ts": at(raw - timedelta(seconds=9))}
        info = {
            "name": MINE.durable,
            "created": at(own - timedelta(days=1)),
            "delivered": {"last_active": at(own - timedelta(seconds=5))},
            "ack_floor": {"last_active": at(own - timedelta(seconds=4))},
            "num_pending": 4,
            "ts": at(own),
        }
        told = {
            "$JS.API.STREAM.INFO.AOC_BEATS": {"state": {"messages": 1}, "ts": at(NOW)},
            "$JS.API.STREAM.INFO.AOC_RAW": {"config": WORK_QUEUE, "state": waiting, "ts": at(raw)},
            "$JS.API.STREAM.INFO.AOC_JOBS": {"config": WORK_QUEUE, "state": {"messages": 0}, "ts": at(raw)},
            "$JS.API.CONSUMER.LIST.AOC_RAW": {"consumers": [info]},
            "$JS.API.CONSUMER.LIST.AOC_JOBS": {"consumers": [{"name": COLLECT.durable, "ts": at(own)}]},
        }
        return SimpleNamespace(data=json.dumps(told[subject]).encode())

    def new_inbox(self):
        return "_INBOX.x"

    async def subscribe(self, _inbox):
        return SimpleNamespace(next_msg=self._next, unsubscribe=self._nothing)

    async def _next(self, _timeout):
        return self.answers.pop(0)

    async def _nothing(self):
        return None

    async def publish(self, _subject, _body, _reply):
        return None


async def test_all_times_of_a_look_are_by_one_clock() -> None:
    for minutes in (-10, 0, 10):
        found = await bus_state(Cluster(timedelta(minutes=minutes)), (MINE, COLLECT))
        [instance] = next(one for one in assess(found).services if one.name == "normalizer").instances
        lag = found.lags[1]

        assert assess(found).standstills == ()
        assert instance.life is InstanceState.RUNNING
        assert [(found.at - moment).total_seconds() for moment in (lag.oldest, lag.taken_at, lag.settled_at)] == [
            9,
            5,
            4,
        ]
