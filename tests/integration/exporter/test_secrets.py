"""No secret of a sink is in a log, an error, the store, an answer, or what the system shows of processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from aoc_common.bus.broker import jetstream
from aoc_common.bus.jobs import publish_job
from aoc_common.clock import SystemClock
from aoc_common.service.sink_questions import SinkQuestions
from aoc_common.store.mongo.sink_answers import MongoSinkAnswers
from exporter_bench import started
from reader_bench import sign_ins
from receiving import serving

if TYPE_CHECKING:
    from starlette.requests import Request

#: What is secret of each kind: where its options have it.
SECRETS = {
    "splunk": "made-up-hec-token-1",
    "elastic": "made-up-password-2",
    "sentinel": "made-up-client-secret-3",
    "webhook": "whsec_bWFkZS11cC13ZWJob29rLXNlY3JldC00",
    "otlp": "Bearer made-up-header-5",
    "proxy": "http://aoc:made-up-proxy-6@127.0.0.1:1",
    "s3-key": "AKIAMADEUPKEYNUMBER7",
    "s3-secret": "made-up-s3-secret-8",
    "sas": "sv=2023-11-03&sr=c&sp=cw&sig=bWFkZS11cC1zYXMtOQ%3D%3D",
    "hash": "made-up-redaction-key-10",
}
#: As they may appear otherwise: without what is no secret, and as HTTP carries a name and a password.
FORMS = {
    *SECRETS.values(),
    "made-up-header-5",
    "made-up-proxy-6",
    "bWFkZS11cC1zYXMtOQ",
    "YW9jOm1hZGUtdXAtcGFzc3dvcmQtMg",
}


async def rude(request: Request) -> PlainTextResponse:
    """A destination that refuses, and says all that it was sent."""
    body = (await request.body()).decode("utf-8", "replace")
    told = " ".join(f"{name}: {value}" for name, value in request.headers.items())
    return PlainTextResponse(f"{told} {request.url} {body}"[:400], 400)


def sinks(url: str, held: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """Name -> kind and options, of every kind, each with a secret."""
    credential = {
        "tenant_id": "contoso", "client_id": "aoc", "client_secret": held("sentinel"), "authority": url,
    }  # fmt: skip
    s3 = {"endpoint": url, "access_key": held("s3-key"), "secret_key": held("s3-secret")}
    return {
        "splunk": ("splunk", {"url": url, "token": held("splunk")}),
        "elastic": ("elastic", {"url": url, "user": "aoc", "password": held("elastic")}),
        "sentinel": ("sentinel", {"endpoint": url, "rule": "dcr-1", "credential": credential}),
        "webhook": ("webhook", {"url": url, "secret": held("webhook")}),
        "otlp": ("otlp", {"url": url, "headers": {"Authorization": held("otlp")}}),
        "proxied": ("otlp", {"url": url, "http": {"proxy": held("proxy")}}),
        "syslog": ("syslog", {"host": "127.0.0.1", "port": 1, "transport": "tcp"}),
        "bucket": ("folder", {"url": "s3://made", "s3": s3}),
        "lake": ("security-lake", {
            "url": "s3://made", "s3": s3, "source": "aoc", "account": "123456789012", "region": "us-east-1",
        }),
        "container": ("folder", {"url": "azure://account/container", "azure": {"endpoint": url, "sas": held("sas")}}),
    }  # fmt: skip


def shown(pid: int) -> str:
    """What the system shows of a process and its children: command lines and environments."""
    found = [Path(f"/proc/{pid}")]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"PPid:\t{pid}\n" in (entry / "status").read_text():
                found.append(entry)
        except OSError:
            continue
    return "\n".join((place / name).read_bytes().decode() for place in found for name in ("cmdline", "environ"))


@pytest.mark.slow
async def test_secrets_of_sinks_of_every_kind_are_in_nothing_that_anybody_sees(bench, eventually, tmp_path) -> None:
    for name, secret in SECRETS.items():
        (bench.folder / name).write_text(secret)
    log = tmp_path / "exporter.log"
    api = jetstream(await bench.broker("api"))
    questions = SinkQuestions(
        lambda job: publish_job(api, job), MongoSinkAnswers(bench.database, SystemClock()), SystemClock()
    )
    async with serving([Route("/{path:path}", rude, methods=["POST", "PUT", "GET"])]) as url:
        made = sinks(url, lambda name: f"file:{bench.folder}/{name}")
        redaction = {
            "redact": [{"field": "actor.user.name", "how": "hash"}], "redaction_key": f"file:{bench.folder}/hash",
        }  # fmt: skip
        for name, (kind, options) in made.items():
            await bench.put(name, kind, options, begin="beginning", **redaction)
        async with started(bench, log) as process:

            async def at_work() -> bool:
                return {state.name for state in await bench.states.all()} == made.keys()

            await eventually(at_work, 30)
            await bench.publish(*sign_ins(2))
            answers = [await questions.ask("test", name) for name in made]
            answers += [await questions.ask("preview", name) for name in made]

            async def in_trouble() -> bool:
                tallies = [await bench.tally(name) for name in made]
                return all(tally is not None and (tally.error or tally.refused) for tally in tallies)

            await eventually(in_trouble, 30)
            processes = shown(process.pid)
    stored = [
        repr(document)
        for name in await bench.database.list_collection_names()
        async for document in bench.database[name].find()
    ]
    everything = {
        "log": log.read_text(), "store": "\n".join(stored), "answers": repr(answers), "processes": processes,
    }  # fmt: skip

    assert all(answer["accepted"] is False for answer in answers[: len(made)])
    assert "aoc_exporter" in processes
    assert [(where, form) for where, text in everything.items() for form in sorted(FORMS) if form in text] == []
