"""What the gateway asks of an exporter: check, test, preview, replay; and what becomes of secrets."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import orjson
import pytest
import zstandard
from starlette.responses import Response

from aoc_common.bus.broker import jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.clock import SystemClock
from aoc_common.errors import BadConfiguration
from aoc_common.service.sink_questions import SinkQuestions
from aoc_common.store.mongo.sink_answers import MongoSinkAnswers
from exporter_bench import PASSWORD, elastic
from object_stores import KEYS, SECRET, Answering, refusal
from reader_bench import sign_ins


async def test_a_sink_is_checked_tested_previewed_and_replayed_and_says_no_secret(bench, eventually, capfd) -> None:
    api = jetstream(await bench.broker("api"))
    clock = SystemClock()
    questions = SinkQuestions(lambda job: publish_job(api, job), MongoSinkAnswers(bench.database, clock), clock)
    async with elastic() as (receiver, url), bench.exporter():
        # Events are published by the clock of the replica, which stands.
        began = bench.replica.clock.now()
        await bench.elastic("siem", url, begin="beginning", labels={"env": "test"})
        await eventually(lambda: bench.runs("siem"))
        await bench.publish(*sign_ins(8))
        await eventually(lambda: len(receiver.taken.times) == 8)
        settings = dict((await bench.sinks.get("siem")).settings)
        assert await questions.ask("check", "siem", settings=settings) == {"ok": True}
        for wrong, words in (
            ({"url": url, "api_key": PASSWORD}, "must be a reference"),
            ({"url": url, "api_key": "file:/etc/hostname"}, "AOC_EXPORT__SECRET_DIRECTORIES"),
            ({"url": url, "http": {"allowed_networks": ["0.0.0.0/0"]}}, "the operator's"),
            ({"url": url, "strange": 1}, "strange"),
        ):
            with pytest.raises(BadConfiguration, match=words) as refused:
                await questions.ask("check", "siem", settings=settings | {"options": wrong})
            assert PASSWORD not in str(refused.value)
        tested = await questions.ask("test", "siem")
        shown = await questions.ask("preview", "siem")
        again = await questions.ask("replay", "siem", start=began - timedelta(minutes=1), end=clock.now())

        async def replayed() -> bool:
            tally = await bench.tally("siem")
            return tally is not None and tally.late == 8

        await eventually(replayed, 30)
        tally = await bench.tally("siem")
        state = await bench.state("siem")

    assert (tested["accepted"], tested["words"]) == (True, "accepted")
    assert f"{tested['id']}-1" in receiver.taken.times
    assert (shown["goes"], shown["tenant"], '"labels":{"env":"test"}' in shown["text"]) == (True, "contoso", True)
    assert (again["ok"], tally.delivered, tally.repeated, receiver.taken.doubled) == (True, 16, 8, 0)
    printed = capfd.readouterr()
    assert PASSWORD not in printed.out + printed.err + str(state) + str(tally)


async def test_an_object_store_gets_every_entry_once_and_again_where_that_is_asked_for(
    bench, eventually, capfd
) -> None:
    api = jetstream(await bench.broker("api"))
    clock = SystemClock()
    questions = SinkQuestions(lambda job: publish_job(api, job), MongoSinkAnswers(bench.database, clock), clock)
    store = Answering(refusal(503, "SlowDown", Retry_After="1"), Response(""))
    (bench.folder / "key").write_text(KEYS["access_key"])
    (bench.folder / "secret").write_text(SECRET)
    async with store.listening() as address, bench.exporter():
        s3 = {
            "access_key": f"file:{bench.folder}/key",
            "secret_key": f"file:{bench.folder}/secret",
            "endpoint": address,
        }
        began = bench.replica.clock.now()
        await bench.put("archive", "folder", {"url": "s3://m365/{tenant}", "s3": s3}, begin="beginning")
        await bench.publish(*sign_ins(8))

        async def told(late: int) -> bool:
            tally = await bench.tally("archive")
            return tally is not None and (tally.delivered, tally.late) == (8 + late, late)

        await eventually(lambda: told(0), 30)
        tested = await questions.ask("test", "archive")
        shown = await questions.ask("preview", "archive")
        await questions.ask("replay", "archive", start=began - timedelta(minutes=1), end=clock.now())
        await eventually(lambda: told(8), 30)
        state = await bench.state("archive")

    # What was refused has the name of what was sent behind it: of a store, one object.
    objects = {request.url.path: body for request, body in store.requests}
    rows = [orjson.loads(line) for body in objects.values() for line in zstandard.decompress(body).splitlines()]
    times = Counter(row["aoc"]["id"] for row in rows)
    assert times.pop(tested["id"]) == 1
    # A replay in the same company has the same name, and replaces what was there.
    assert len(times) == 8
    assert set(times.values()) <= {1, 2}
    assert {tuple(path.split("/")[1:4]) for path in objects} >= {("m365", "contoso", "contoso")}
    assert (tested["accepted"], shown["goes"], shown["event"] in times) == (True, True, True)
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err + str(state) + str(await bench.tally("archive"))
